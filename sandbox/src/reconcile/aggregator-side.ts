/** An aggregator's own figures for its orders: its terms and its meter data, put through the published rules. */

import type { SettlementConfig } from '@flexder/bap-dso/audit-settlement/settlement/config.ts';
import type { SettledOrder } from '@flexder/bap-dso/audit-settlement/settlement/order.ts';
import { type SettlementValues, settlementRows } from '@flexder/bap-dso/audit-settlement/settlement/rows.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import type { MeterDocument, MeterRow } from '@flexder/protocol/flexibility/model.ts';
import { periodStart } from '@flexder/protocol/flexibility/settlement-period.ts';
import { baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import { meanPrice } from '@flexder/protocol/settlement/payable.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import type { Kysely, Selectable } from 'kysely';
import { ORDERS_OF_ONE_ANSWER } from './limits.ts';

export interface OwnFigures {
  readonly obpId: string;
  readonly rows: readonly SettlementValues[];
  /** Meter values that are other now than in the document the order was settled from. */
  readonly correctedSince: readonly { readonly import_msid: string; readonly date: string; readonly period: number }[];
}

type OrderRow = Selectable<AggregatorTables['flex_order']>;

/** Of every completed order of this DSO that has a meter document, by OBP id; at most 20,000. */
export async function* ownFigures(
  db: Kysely<AggregatorTables>,
  bppId: string,
  config: SettlementConfig,
): AsyncGenerator<OwnFigures> {
  const orders = await db
    .selectFrom('flex_order')
    .selectAll()
    .where('bap_id', '=', config.dsoId)
    .where('state', '=', 'COMPLETED')
    .where('meter_document', 'is not', null)
    .orderBy('order_no')
    .limit(ORDERS_OF_ONE_ANSWER)
    .execute();
  for (const order of orders) {
    if (order.order_id !== null && order.order_references !== null) yield await figuresOf(db, bppId, config, order);
  }
}

async function figuresOf(
  db: Kysely<AggregatorTables>,
  bppId: string,
  config: SettlementConfig,
  row: OrderRow,
): Promise<OwnFigures> {
  const handedOver = JSON.parse(row.meter_document ?? '') as MeterDocument;
  const { document, correctedSince } = await asKnownNow(db, handedOver);
  const order = termsOf(row, bppId);
  const baselineOf = baselineFrom(
    [...document.history, ...document.rows],
    coveredPeriods(order.window),
    // The history was chosen by us, without the days on which a meter was activated.
    () => new Set(),
    config.baseline,
  );
  const restsOn = { seq: 0, hash: '0'.repeat(64) };
  const base = { config, order, document, baselineOf, baselineMethod: config.baseline.method };
  return { obpId: order.obpId, rows: settlementRows({ ...base, revision: 1, restsOn }), correctedSince };
}

/** The document with the meter values as they are in the aggregator's own series by now. */
async function asKnownNow(db: Kysely<AggregatorTables>, handedOver: MeterDocument) {
  const starts = [...new Set(handedOver.rows.map((row) => periodStart(row.settlement_date, row.settlement_period)))];
  // An order that no device answered has no meters.
  if (starts.length === 0) return { document: handedOver, correctedSince: [] };
  const energies = await db
    .selectFrom('half_hour as h')
    .innerJoin('der as d', 'd.der_no', 'h.der_no')
    .select(['d.import_msid', 'h.start_at', 'h.kwh', 'h.quality'])
    .where(
      'h.start_at',
      'in',
      starts.map((ms) => new Date(ms)),
    )
    .execute();
  const now = new Map(energies.map((one) => [`${one.import_msid}/${one.start_at.getTime()}`, one]));
  const correctedSince: { import_msid: string; date: string; period: number }[] = [];
  const rows = handedOver.rows.map((row): MeterRow => {
    const found = now.get(`${row.import_msid}/${periodStart(row.settlement_date, row.settlement_period)}`);
    if (!found) return row;
    // As documents round: a thousandth of a watt-hour.
    const kwh = Math.round(found.kwh * 1e6) / 1e6;
    if (kwh === row.metered_kwh && found.quality === row.quality) return row;
    correctedSince.push({ import_msid: row.import_msid, date: row.settlement_date, period: row.settlement_period });
    return { ...row, metered_kwh: kwh, quality: found.quality };
  });
  return { document: { ...handedOver, rows }, correctedSince };
}

function termsOf(row: OrderRow, bppId: string): SettledOrder {
  const references = row.order_references!;
  return {
    obpId: references.obpId,
    obpIdSource: references.obpIdSource,
    feederId: row.feeder_id,
    bppId,
    transactionId: row.transaction_id,
    orderId: row.order_id!,
    interventionClass: references.interventionClass,
    issuedAtMs: (row.confirmed_at ?? row.window_start_at).getTime(),
    window: { startMs: row.window_start_at.getTime(), endMs: row.window_end_at.getTime() },
    committedKw: row.committed_kw,
    priceGbpPerKwh: meanPrice(row.quote.items),
  };
}
