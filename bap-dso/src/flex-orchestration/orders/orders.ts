/** Orders as rows: found by exchange, moved by the one transition table, every move recorded and told. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { EventId, ObpId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import type { InterventionClass, OrderReferences } from '@flexder/protocol/flexibility/model.ts';
import {
  nextOrderState,
  ORDER_STATES,
  type OrderEvent,
  type OrderState,
} from '@flexder/protocol/flexibility/order-machine.ts';
import type { Kysely, Updateable } from 'kysely';
import type { BapTables } from '../../tables.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import type { PlannedOrder } from '../planning/plan.ts';
import type { FlexOrderTable } from '../tables.ts';

/** Buying is under way: an answer of the BPP is awaited. */
export const AWAITING: readonly OrderState[] = ['SELECTING', 'QUOTED', 'INITIALISING', 'INITIALISED', 'CONFIRMING'];
/** Relief is promised, or on the way to it. */
export const LIVE: readonly OrderState[] = [...AWAITING, 'SCHEDULED', 'IN_PROGRESS', 'COMPLETED'];
/** Firmly bought. */
export const BOUGHT: readonly OrderState[] = ['SCHEDULED', 'IN_PROGRESS', 'COMPLETED'];

export type PlacedOrder = OrderRow & { readonly intervention_class: InterventionClass };

export interface NewOrder {
  readonly obpId: ObpId;
  readonly eventId: EventId;
  readonly transactionId: TransactionId;
  readonly planned: PlannedOrder;
  readonly isTopUp: boolean;
  readonly triggerWallMs: number;
  readonly answerTimeoutMs: number;
}

export function orderRow(desk: Desk, order: NewOrder) {
  const nowMs = desk.context.wall.nowMs();
  const { planned } = order;
  return {
    obp_id: order.obpId,
    event_id: order.eventId,
    feeder_id: planned.selection.feederId,
    bap_id: desk.participant.subscriberId,
    bpp_id: planned.bppId,
    transaction_id: order.transactionId,
    order_id: null,
    state: 'SELECTING' as const,
    state_reason: null,
    is_top_up: order.isTopUp,
    trigger_wall_at: new Date(order.triggerWallMs),
    selection: JSON.stringify(planned.selection),
    quote: null,
    dispatch: null,
    performance: null,
    meter_reference: null,
    requested_kw: planned.requestedKw,
    expected_kw: planned.expectedKw,
    committed_kw: 0,
    felt_share: planned.reach,
    detection_to_dispatch_ms: null,
    detection_to_ack_ms: null,
    answer_due_wall_at: new Date(nowMs + order.answerTimeoutMs),
    created_wall_at: new Date(nowMs),
    updated_wall_at: new Date(nowMs),
  };
}

/** The order of this exchange, locked; undefined when none was placed with that BPP. */
export function findOrder(db: Work['db'], transactionId: string, bppId: string): Promise<PlacedOrder | undefined> {
  return db
    .selectFrom('flex_order')
    .innerJoin('overload', 'overload.event_id', 'flex_order.event_id')
    .selectAll('flex_order')
    .select('overload.intervention_class')
    .where('transaction_id', '=', transactionId)
    .where('bpp_id', '=', bppId)
    .forUpdate('flex_order')
    .executeTakeFirst();
}

/** The order of that OBP id, locked until the transaction ends. */
export function lockOrder(db: Work['db'], obpId: string): Promise<OrderRow | undefined> {
  return db.selectFrom('flex_order').selectAll().where('obp_id', '=', obpId).forUpdate().executeTakeFirst();
}

/** kW of an order as they are felt at the feeder of its event. */
export function feltKw(order: Pick<OrderRow, 'felt_share'>, kw: number): number {
  return kw * order.felt_share;
}

export function ordersOf(db: Kysely<BapTables>, eventId: string): Promise<OrderRow[]> {
  return db.selectFrom('flex_order').selectAll().where('event_id', '=', eventId).orderBy('obp_id').execute();
}

export type Moved =
  | { readonly ok: true; readonly state: OrderState }
  | { readonly ok: false; readonly message: string };

/** Applies events in turn; the first that cannot apply refuses them all. Pure. */
export function walk(state: OrderState, events: readonly OrderEvent[]): Moved {
  let at = state;
  for (const event of events) {
    const next = nextOrderState(at, event);
    if (!next.ok) return { ok: false, message: next.message };
    at = next.state;
  }
  return { ok: true, state: at };
}

export interface Move {
  readonly state: OrderState;
  readonly reason: string | null;
  readonly changes?: Updateable<FlexOrderTable>;
  readonly audit?: Partial<AuditEntry>;
}

/** Writes a move with its record and its stream event; the event of the order hears of it after the commit. */
export async function moveOrder(desk: Desk, work: Work, order: OrderRow, move: Move): Promise<void> {
  const now = new Date(desk.context.wall.nowMs());
  await work.db
    .updateTable('flex_order')
    .set({ ...move.changes, state: move.state, state_reason: move.reason, updated_wall_at: now })
    .where('obp_id', '=', order.obp_id)
    .execute();
  const orderId = move.changes?.order_id ?? order.order_id;
  await work.audit({
    event_type: 'order.changed',
    event_id: order.event_id,
    obp_id: order.obp_id,
    feeder_id: order.feeder_id,
    transaction_id: order.transaction_id,
    counterparty_id: order.bpp_id,
    ...(orderId ? { order_id: orderId } : {}),
    requested_kw: order.requested_kw,
    decision: `${order.state} → ${move.state}${move.reason ? `: ${move.reason}` : ''}`,
    ...move.audit,
  });
  await work.emit({
    topic: 'bap',
    key: order.obp_id,
    value: {
      type: 'order.changed',
      obpId: order.obp_id,
      eventId: order.event_id,
      feederId: order.feeder_id,
      bppId: order.bpp_id,
      state: move.state,
      reason: move.reason,
      requestedKw: order.requested_kw,
      committedKw: move.changes?.committed_kw ?? order.committed_kw,
      isTopUp: order.is_top_up,
      wallAtMs: now.getTime(),
    },
  });
  work.afterCommit(() => {
    if (!AWAITING.includes(move.state)) desk.deadlines.settle(order.obp_id);
    desk.moved(order.event_id);
  });
}

/** The state that a record of an order says it moved to. */
export function stateOfRecord({ event_type, decision = '' }: Pick<AuditEntry, 'event_type' | 'decision'>) {
  const [, state] = (event_type === 'order.changed' && /^[A-Z_]+ → ([A-Z_]+)/.exec(decision)) || [];
  return ORDER_STATES.find((one) => one === state);
}

export function referencesOf(order: PlacedOrder): OrderReferences {
  return {
    eventId: order.event_id as EventId,
    obpId: order.obp_id as ObpId,
    obpIdSource: 'network-assigned',
    interventionClass: order.intervention_class,
  };
}

/** Whether `bppId` may send this callback at all: to a search that was sent, or an order that was placed with it. */
export async function knowsExchange(
  db: Kysely<BapTables>,
  action: string,
  transactionId: string,
  bppId: string,
): Promise<boolean> {
  if (action === 'on_search') {
    const search = db.selectFrom('flex_search').select('event_id').where('transaction_id', '=', transactionId);
    return (await search.executeTakeFirst()) !== undefined;
  }
  const order = db
    .selectFrom('flex_order')
    .select('event_id')
    .where('transaction_id', '=', transactionId)
    .where('bpp_id', '=', bppId);
  return (await order.executeTakeFirst()) !== undefined;
}
