/** What settlement reads about an order, beside its meter document. */
import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import type { PricedRevision } from '@flexder/protocol/settlement/agreed.ts';
import { meanPrice } from '@flexder/protocol/settlement/payable.ts';
import { type Selectable, type SqlBool, sql } from 'kysely';
import type { FlexOrderTable } from '../../flex-orchestration/tables.ts';
import { bapTables, type SettlementDeps } from '../deps.ts';
import { SettlementError } from './meter-document.ts';
import type { SettledOrder } from './order.ts';

export type OrderRow = Selectable<FlexOrderTable>;

export async function settledOrder(deps: SettlementDeps, row: OrderRow, orderId: string): Promise<SettledOrder> {
  const overload = await bapTables(deps)
    .selectFrom('overload')
    .select(['detected_at', 'intervention_class'])
    .where('event_id', '=', row.event_id)
    .executeTakeFirstOrThrow();
  const { window } = row.selection;
  return {
    obpId: row.obp_id,
    // Ours are assigned by the DSO; an id of the system operator's platform would come with its order.
    obpIdSource: 'network-assigned',
    feederId: row.feeder_id,
    bppId: row.bpp_id,
    transactionId: row.transaction_id,
    orderId,
    interventionClass: overload.intervention_class,
    issuedAtMs: (await confirmSentAt(deps, row.obp_id)) ?? overload.detected_at.getTime(),
    window,
    committedKw: Number(row.committed_kw),
    priceGbpPerKwh: priceOf(row),
    ...(row.revision > 0 && { revisions: await revisionsOf(deps, row.obp_id) }),
  };
}

async function revisionsOf(deps: SettlementDeps, obpId: string): Promise<PricedRevision[]> {
  const rows = await bapTables(deps)
    .selectFrom('order_revision')
    .selectAll()
    .where('obp_id', '=', obpId)
    .orderBy('revision')
    .execute();
  return rows.map((row) => ({
    revision: row.revision,
    fromMs: row.from_at.getTime(),
    committedKw: Number(row.committed_kw),
    window: { startMs: row.window_start_at.getTime(), endMs: row.window_end_at.getTime() },
    priceGbpPerKwh: row.price_gbp_per_kwh,
  }));
}

/** Grid time at which the confirm went out, from the record of it. */
async function confirmSentAt({ participant }: SettlementDeps, obpId: string): Promise<number | undefined> {
  const confirm = (await participant.audit.byObp(obpId)).find(
    (entry) => entry.event_type === 'beckn.sent' && entry.beckn_action === 'confirm',
  );
  const at = Date.parse(confirm?.grid_ts_utc ?? confirm?.ts_utc ?? '');
  return Number.isNaN(at) ? undefined : at;
}

function priceOf({ quote, obp_id }: OrderRow): string {
  const items = quote?.items.filter((item) => item.kw > 0) ?? [];
  if (items.length === 0) throw new SettlementError('ORDER_STATE', `order ${obp_id} has no quoted price`);
  return meanPrice(items);
}

/** Days on which each meter was settled for another order: they say nothing of its usual use. */
export async function eventDaysBefore(deps: SettlementDeps, order: SettledOrder, document: MeterDocument) {
  const { date } = settlementPeriodOf(order.window.startMs);
  const msids = [...new Set(document.rows.map((row) => row.import_msid))];
  const days = new Map<string, Set<string>>();
  const found = await bapTables(deps)
    .selectFrom('settlement_row')
    .select(['import_msid', 'settlement_date'])
    .distinct()
    .where(sql<SqlBool>`import_msid = any(${msids}::text[])`)
    .where('settlement_date', '<', date)
    .execute();
  for (const { import_msid, settlement_date } of found) {
    const dates = days.get(import_msid) ?? new Set();
    days.set(import_msid, dates.add(settlement_date));
  }
  return days;
}
