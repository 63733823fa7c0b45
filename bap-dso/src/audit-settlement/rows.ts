/**
 * Settlement rows of one order, from its meter document: pure, decimal, each figure computed from figures that stand
 * in the row (the shares: in the rows of the same order and period).
 *
 * Sign as in P0282: export positive, import negative; delivered = metered − baseline, so that a reduced import is
 * positive. Turn-down only. Volumes are MWh with 6 places, money has 2, half-up.
 */
import type { MeterDocument, MeterRow } from '@flexder/protocol/flexibility/model.ts';
import { instructedIn } from './agreed.ts';
import { apportion, type Share } from './apportion.ts';
import type { SettlementColumn } from './columns.ts';
import { gspGroupOf, partiesOf, type SettlementConfig, scrpOn } from './config.ts';
import { type Big, decimal, fixed, MONEY_PLACES, mwhFromKwh, sum, VOLUME_PLACES, ZERO } from './decimal.ts';
import type { BaselineOf, SettledOrder } from './order.ts';
import { FACTOR_PLACES, performanceFactor } from './performance.ts';
import { type CoveredPeriod, coveredPeriods, periodKey } from './periods.ts';

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

interface Volumes {
  readonly pair: MsidPair;
  readonly unadjusted: Big;
  readonly adjustment: Big;
  readonly baseline: Big;
  readonly metered: Big;
  readonly delivered: Big;
  readonly quality: MeterRow['quality'];
  readonly hasBaseline: boolean;
}

interface MsidPair {
  readonly importMsid: string;
  readonly exportMsid: string | null;
}

/** Rows by period, then by meter; every pair of the document has one in every period the instruction touches. */
export function settlementRows(input: SettlementInput): SettlementValues[] {
  const pairs = msidPairs(input.document.rows);
  const metered = new Map(input.document.rows.map((row) => [`${row.import_msid}/${periodKey(row)}`, row]));
  return coveredPeriods(input.order.window).flatMap((period) => {
    const volumes = pairs.map((pair) => {
      const row = metered.get(`${pair.importMsid}/${period.date}/${period.period}`);
      return volumesOf(pair, row, input.baselineOf(pair.importMsid, period.date, period.period));
    });
    const { mwh: instructed, priceGbpPerKwh } = instructedIn(input.order, period);
    const delivered = volumes.map((volume) => volume.delivered);
    const shares = apportion(delivered, instructed);
    const factor = performanceFactor(
      input.config.curve,
      sum(shares.map((share) => share.deliveredCapped)),
      sum(shares.map((share) => share.instructed)),
    );
    return volumes.map((volume, index) =>
      rowOf(input, period, volume, shares[index] as Share, { factor, priceGbpPerKwh }),
    );
  });
}

/** The pairs of MSIDs in a document, sorted; throws when a period of one is there twice or a pair changes. */
function msidPairs(rows: readonly MeterRow[]): MsidPair[] {
  const pairs = new Map<string, MsidPair>();
  const seen = new Set<string>();
  for (const row of rows) {
    const key = `${row.import_msid}/${periodKey(row)}`;
    if (seen.has(key)) throw new SettlementDataError(`the meter document has ${key} twice`);
    seen.add(key);
    const known = pairs.get(row.import_msid);
    if (known && known.exportMsid !== row.export_msid) {
      throw new SettlementDataError(`the meter document pairs ${row.import_msid} with more than one export MSID`);
    }
    pairs.set(row.import_msid, { importMsid: row.import_msid, exportMsid: row.export_msid });
  }
  return [...pairs.values()].sort((a, b) => (a.importMsid < b.importMsid ? -1 : 1));
}

/** What the document says cannot be settled; it will not get better by computing again. */
export class SettlementDataError extends Error {
  override name = 'SettlementDataError';
}

/** Without a reading or a baseline nothing is proved: the metered volume stands in for the other, delivered is 0. */
function volumesOf(pair: MsidPair, row: MeterRow | undefined, baseline: ReturnType<BaselineOf>): Volumes {
  const read = row && row.quality !== 'MISSING' ? mwhFromKwh(row.metered_kwh).times(-1) : undefined;
  const unadjusted = baseline ? mwhFromKwh(baseline.unadjustedKwh).times(-1) : (read ?? ZERO);
  const adjustment = baseline ? mwhFromKwh(baseline.adjustmentKwh).times(-1) : ZERO;
  const total = unadjusted.plus(adjustment);
  const metered = read ?? total;
  return {
    pair,
    unadjusted,
    adjustment,
    baseline: total,
    metered,
    delivered: metered.minus(total),
    quality: row && read && baseline ? row.quality : 'MISSING',
    hasBaseline: baseline !== undefined,
  };
}

function rowOf(
  { config, order, baselineMethod, revision, restsOn }: SettlementInput,
  period: CoveredPeriod,
  volume: Volumes,
  share: Share,
  { factor, priceGbpPerKwh }: { readonly factor: Big; readonly priceGbpPerKwh: Big },
): SettlementValues {
  const parties = partiesOf(config, order.bppId);
  const priceGbpPerMwh = priceGbpPerKwh.times(1000).round(MONEY_PLACES);
  // A price that was not in force is not guessed: the row says `none`, and its figures are 0.
  const price = config.compensationMode === 'indicative' ? scrpOn(config, period.date) : undefined;
  const scrp = decimal(price?.gbpPerMwh ?? 0);
  const compensationMwh = price ? volume.delivered : ZERO;
  const payment = share.deliveredCapped.times(priceGbpPerMwh).times(factor);
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
    utilisation_payment_gbp: fixed(payment, MONEY_PLACES),
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
