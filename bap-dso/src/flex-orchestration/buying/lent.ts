/** Relief of an order that is felt at the feeder of another event and counted on there: in the database, and read back. */
import type { Kysely } from 'kysely';
import type { BapTables } from '../../tables.ts';
import type { OrderRow, Work } from '../desk.ts';
import type { OpenEvent } from '../events/event.ts';
import { ordersOf } from '../orders/orders.ts';

export interface Reached {
  readonly obpId: string;
  /** The event that counts on it. */
  readonly eventId: string;
  /** What of a kW of the order is felt at its feeder, 0 to 1. */
  readonly feltShare: number;
}

export async function insertReaches(work: Work, reached: readonly Reached[]): Promise<void> {
  if (reached.length === 0) return;
  await work.db
    .insertInto('order_reach')
    .values(
      reached.map(({ obpId, eventId, feltShare }) => ({ obp_id: obpId, event_id: eventId, felt_share: feltShare })),
    )
    .execute();
}

/** The orders of an event and those of others that it counts on, each with its kW as they are felt at this feeder. */
export async function ordersFelt(
  db: Kysely<BapTables>,
  event: Pick<OpenEvent, 'eventId' | 'lent'>,
): Promise<OrderRow[]> {
  const own = await ordersOf(db, event.eventId);
  return event.lent.size === 0 ? own : [...own, ...(await lentOrders(db, event.eventId))];
}

export async function lentOrders(db: Kysely<BapTables>, eventId: string): Promise<OrderRow[]> {
  const rows = await db
    .selectFrom('flex_order')
    .innerJoin('order_reach', 'order_reach.obp_id', 'flex_order.obp_id')
    .selectAll('flex_order')
    .select('order_reach.felt_share as felt_here')
    .where('order_reach.event_id', '=', eventId)
    .orderBy('flex_order.obp_id')
    .execute();
  return rows.map(({ felt_here, ...order }) => ({
    ...order,
    felt_share: felt_here,
    expected_kw: order.felt_share > 0 ? (order.expected_kw * felt_here) / order.felt_share : 0,
  }));
}

/** Orders of an event that no other counts on. */
export async function unlentOrders(db: Kysely<BapTables>, eventId: string): Promise<OrderRow[]> {
  const orders = await ordersOf(db, eventId);
  const lent = await db
    .selectFrom('order_reach')
    .innerJoin('flex_order', 'flex_order.obp_id', 'order_reach.obp_id')
    .select('order_reach.obp_id')
    .where('flex_order.event_id', '=', eventId)
    .execute();
  const ids = new Set(lent.map(({ obp_id }) => obp_id));
  return orders.filter(({ obp_id }) => !ids.has(obp_id));
}

/** Those that were placed for this event itself. */
export function ownOf({ eventId }: Pick<OpenEvent, 'eventId'>, orders: readonly OrderRow[]): OrderRow[] {
  return orders.filter(({ event_id }) => event_id === eventId);
}

/** After a restart: the orders an event counts on, with the event of each. */
export async function lendersOf(db: Kysely<BapTables>, eventId: string): Promise<[string, string][]> {
  return (await lentOrders(db, eventId)).map(({ obp_id, event_id }) => [obp_id, event_id]);
}

/** Events that count on an order of this one. */
export function borrowersOf(events: Iterable<OpenEvent>, eventId: string): OpenEvent[] {
  return [...events].filter(({ lent }) => lent.size > 0 && [...lent.values()].includes(eventId));
}
