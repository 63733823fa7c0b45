/** Settlement rows of one order: what is paid for it, with the parties and references that a report needs. Pure. */
import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import type { BaselineOf } from '@flexder/protocol/settlement/baseline.ts';
import { decimal, fixed, MONEY_PLACES, VOLUME_PLACES, ZERO } from '@flexder/protocol/settlement/decimal.ts';
import { type Payable, payablesOf } from '@flexder/protocol/settlement/payable.ts';
import { FACTOR_PLACES } from '@flexder/protocol/settlement/performance.ts';
import type { SettlementColumn } from './columns.ts';
import { gspGroupOf, partiesOf, type SettlementConfig, scrpOn } from './config.ts';
import type { SettledOrder } from './order.ts';

export type SettlementValues = Readonly<Record<SettlementColumn, string | number | boolean | null>>;

export interface SettlementInput {
  readonly config: SettlementConfig;
  readonly order: SettledOrder;
  readonly document: MeterDocument;
  readonly baselineOf: BaselineOf;
  readonly baselineMethod: string;
  readonly revision: number;
  /** The record of the meter document the rows rest on. */
  readonly restsOn: { readonly seq: number; readonly hash: string };
}

/** Wholesale notifications close an hour before a settlement period begins. */
const GATE_CLOSURE_MS = 3_600_000;
/** `baseline_method` of a pair without enough history. */
export const NO_BASELINE = 'NONE';

/** Rows by period, then by meter; every pair of the document has one in every period the instruction touches. */
export function settlementRows(input: SettlementInput): SettlementValues[] {
  const { order, document, baselineOf, config } = input;
  return payablesOf({ order, document, baselineOf, curve: config.curve }).map((payable) => rowOf(input, payable));
}

function rowOf(
  { config, order, baselineMethod, revision, restsOn }: SettlementInput,
  { period, volume, share, factor, priceGbpPerMwh, paymentGbp }: Payable,
): SettlementValues {
  const parties = partiesOf(config, order.bppId);
  // A price that was not in force is not guessed: the row says `none`, and its figures are 0.
  const price = config.compensationMode === 'indicative' ? scrpOn(config, period.date) : undefined;
  const scrp = decimal(price?.gbpPerMwh ?? 0);
  const compensationMwh = price ? volume.delivered : ZERO;
  return {
    report_id: `${order.obpId}.${config.runType}`,
    report_version: revision,
    run_type: config.runType,
    settlement_date: period.date,
    settlement_period: period.period,
    sp_start_utc: utc(period.startMs),
    sp_end_utc: utc(period.endMs),
    gsp_group_id: gspGroupOf(config, order.feederId),
    bm_unit_id: parties.bmUnitId,
    import_msid: volume.pair.importMsid,
    export_msid: volume.pair.exportMsid,
    import_amsid: null,
    export_amsid: null,
    lead_party_id: parties.leadPartyId,
    lead_party_role: config.leadPartyRole,
    supplier_party_id: parties.supplierPartyId,
    dso_id: config.dsoId,
    licence_area: config.licenceArea,
    feeder_id: order.feederId,
    obp_id: order.obpId,
    obp_id_source: order.obpIdSource,
    obp_sequence: period.sequence,
    beckn_transaction_id: order.transactionId,
    beckn_order_id: order.orderId,
    product: config.product,
    intervention_class: order.interventionClass,
    issued_at: utc(order.issuedAtMs),
    start_at: utc(order.window.startMs),
    stop_at: utc(order.window.endMs),
    instructed_mw: fixed(share.instructed.div(period.coveredHours), VOLUME_PLACES),
    instructed_mwh: fixed(share.instructed, VOLUME_PLACES),
    baseline_method: volume.hasBaseline ? baselineMethod : NO_BASELINE,
    baseline_unadjusted_mwh: fixed(volume.unadjusted, VOLUME_PLACES),
    in_day_adjustment_mwh: fixed(volume.adjustment, VOLUME_PLACES),
    baseline_mwh: fixed(volume.baseline, VOLUME_PLACES),
    metered_mwh: fixed(volume.metered, VOLUME_PLACES),
    delivered_mwh: fixed(volume.delivered, VOLUME_PLACES),
    delivered_capped_mwh: fixed(share.deliveredCapped, VOLUME_PLACES),
    // An activation within seconds comes after gate closure of its own period: it is never a wholesale trade there.
    wman_active: false,
    wman_submitted_at: null,
    gate_closure_utc: utc(period.startMs - GATE_CLOSURE_MS),
    deviation_mwh: fixed(ZERO, VOLUME_PLACES),
    event_day: true,
    scrp_gbp_per_mwh: fixed(scrp, MONEY_PLACES),
    scrp_valid_from: price?.validFrom ?? null,
    compensation_mode: price ? 'indicative' : 'none',
    compensation_volume_mwh: fixed(compensationMwh, VOLUME_PLACES),
    compensation_gbp: fixed(compensationMwh.times(scrp.round(MONEY_PLACES)), MONEY_PLACES),
    utilisation_price_gbp_per_mwh: fixed(priceGbpPerMwh, MONEY_PLACES),
    payable_mwh: fixed(share.deliveredCapped, VOLUME_PLACES),
    performance_factor: fixed(factor, FACTOR_PLACES),
    utilisation_payment_gbp: fixed(paymentGbp, MONEY_PLACES),
    data_quality: volume.quality,
    meter_source: 'BPP_SIGNED_REFERENCE',
    audit_seq: restsOn.seq,
    audit_hash: restsOn.hash,
  };
}

/** RFC 3339, UTC, whole seconds unless there are milliseconds. */
function utc(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
