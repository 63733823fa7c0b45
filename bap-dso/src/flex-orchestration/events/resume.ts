/** Events as their rows say they were when the service stopped. */
import type { EventId, FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Kysely } from 'kysely';
import { OPEN_EVENTS } from '../../limits.ts';
import type { BapTables } from '../../tables.ts';
import type { OrderRow, OverloadRow } from '../desk.ts';
import { AWAITING } from '../orders/orders.ts';
import { newPurchase, type OpenEvent, openEvent, type Purchase } from './event.ts';

/** Events that are not released, and those whose orders have not all ended. */
export function unfinishedEvents(db: Kysely<BapTables>): Promise<OverloadRow[]> {
  return db
    .selectFrom('overload')
    .selectAll()
    .where((where) =>
      where.or([
        where('state', '<>', 'RELEASED'),
        where.exists(
          where
            .selectFrom('flex_order')
            .select('obp_id')
            .whereRef('flex_order.event_id', '=', 'overload.event_id')
            .where('flex_order.state', 'not in', ['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']),
        ),
      ]),
    )
    .orderBy('detected_at', 'desc')
    .limit(OPEN_EVENTS)
    .execute();
}

/** @param nowMs grid time */
export function eventFromRow(row: OverloadRow, nowMs: number): OpenEvent {
  const window = { startMs: row.window_start_at.getTime(), endMs: row.window_end_at.getTime() };
  const event = openEvent({
    eventId: row.event_id as EventId,
    feederId: row.feeder_id as FeederId,
    limitKw: row.limit_kw,
    releaseKw: row.release_kw,
    requestedKw: row.requested_kw,
    detectedBy: row.detected_by,
    interventionClass: row.intervention_class,
    window,
    state: row.state,
    baselineKw: row.baseline_kw,
    baselineFixed: nowMs >= window.startMs,
  });
  event.peakKw = row.peak_during_kw;
  event.measuredKw = row.measured_kw;
  return event;
}

export async function topUpsOf(db: Kysely<BapTables>, eventId: string): Promise<number> {
  const searches = await db
    .selectFrom('flex_search')
    .select('transaction_id')
    .where('event_id', '=', eventId)
    .where('purpose', '=', 'top-up')
    .execute();
  const released = await db
    .selectFrom('fallback_tier')
    .select('tier')
    .where('event_id', '=', eventId)
    .where('state', '=', 'RELEASED')
    .execute();
  return searches.length + released.length;
}

/** What was being bought: the need itself, searched anew for what is missing, or a top-up that only awaits answers. */
export function purchaseUnderWay(event: OpenEvent, orders: readonly OrderRow[], wallMs: number): Purchase | undefined {
  const awaiting = orders.filter((order) => AWAITING.includes(order.state));
  const trigger = (of: readonly OrderRow[]) => of[0]?.trigger_wall_at.getTime() ?? wallMs;
  if (event.state === 'BUYING') {
    const purchase = newPurchase('resume', event.requestedKw, event.window, trigger(orders));
    for (const order of orders) purchase.obpIds.add(order.obp_id);
    return purchase;
  }
  if (awaiting.length === 0) return undefined;
  const needKw = awaiting.reduce((sum, order) => sum + order.requested_kw, 0);
  const purchase = newPurchase('top-up', needKw, event.window, trigger(awaiting));
  // Whether it was enough shows at the feeder; the offers it was planned from are gone.
  purchase.spent = true;
  for (const order of awaiting) purchase.obpIds.add(order.obp_id);
  return purchase;
}
