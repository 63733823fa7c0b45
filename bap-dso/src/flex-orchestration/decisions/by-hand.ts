/** What a person decides, against the rules or in their place. Everything is recorded under their name with their reason. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { OrderId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeSupport, encodeTrack } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { ASK_TTL_MS, WINDOW_MIN_MINUTES } from '../../limits.ts';
import { buy } from '../buying/buying.ts';
import { askChange } from '../changes/ask.ts';
import { itemsAt } from '../changes/change.ts';
import type { Desk, OrderRow } from '../desk.ts';
import { newPurchase, type OpenEvent } from '../events/event.ts';
import { moveOverload } from '../events/overloads.ts';
import { withdraw } from '../orders/closing.ts';
import { lockOrder, ordersOf } from '../orders/orders.ts';
import type { OptionName } from '../planning/options.ts';
import { choose } from './decide.ts';
import { EVERYBODY, type RestrictionKind } from './restrictions.ts';
import { closeDecision, lastDecision } from './store.ts';
import { TooLateError } from './too-late.ts';

export interface ByHand {
  readonly by: string;
  readonly reason: string;
}

const RUNNING: readonly OrderRow['state'][] = ['SCHEDULED', 'IN_PROGRESS'];

/**
 * Cancels a confirmed order. What its event still needs is bought elsewhere by the rules that hold for any lost order.
 * Resolves with the state the order is in then; an order that has ended stays as it is.
 */
function cancelByHand(desk: Desk, obpId: string, { by, reason }: ByHand): Promise<{ readonly state: string }> {
  return desk.participant.transact(async (work) => {
    const locked = () =>
      work.db.selectFrom('flex_order').selectAll().where('obp_id', '=', obpId).forUpdate().executeTakeFirst();
    const order = await locked();
    if (!order) throw new Error(`there is no order ${obpId}`);
    if (RUNNING.includes(order.state)) {
      await work.audit({
        ...actionRecord('operator.cancelled', { by, reason: `cancelled by hand: ${reason}` }),
        obp_id: obpId,
        event_id: order.event_id,
        feeder_id: order.feeder_id,
        transaction_id: order.transaction_id,
        counterparty_id: order.bpp_id,
        ...(order.order_id !== null && { order_id: order.order_id }),
        committed_kw: order.committed_kw,
      });
      await withdraw(desk, work, order, `cancelled by ${by}: ${reason}`);
    }
    return { state: (await locked())?.state ?? order.state };
  });
}

/**
 * Asks for other kW of a running order, spread over its blocks as they are, or for another window. Resolves when it is
 * asked; until its aggregator agrees the order stands as it is. Throws TooLateError.
 */
function changeByHand(
  desk: Desk,
  obpId: string,
  wanted: { readonly kw?: number; readonly window?: TimeWindow },
  hand: ByHand,
): Promise<{ readonly changeId: string }> {
  return desk.participant.transact(async (work) => {
    const order = await lockOrder(work.db, obpId);
    if (!order) throw new Error(`there is no order ${obpId}`);
    const change = {
      items: wanted.kw === undefined ? [] : itemsAt(order.selection.items, wanted.kw),
      ...(wanted.window && { window: wanted.window }),
    };
    const { actor_id, actor_role } = actionRecord('operator.changed', hand);
    return { changeId: await askChange(desk, work, order, change, hand, { actor_id, actor_role }) };
  });
}

/** Chooses an option of an event that waits for it; null declines relief. Throws TooLateError. */
async function decideByHand(
  desk: Desk,
  eventId: string,
  option: OptionName | null,
  { by, reason }: ByHand,
): Promise<void> {
  await desk.inTurn(eventId, async (event) => {
    const row = await lastDecision(desk.participant.database, eventId);
    if (row?.state !== 'OPEN') throw new TooLateError(`nothing of ${eventId} waits for a decision`);
    const state = option === null ? ('DECLINED' as const) : ('APPROVED' as const);
    const made = await choose(desk, event, row.decision_id, { state, chosen: option, by, role: 'OPERATOR', reason });
    if (!made) throw new TooLateError(`the decision on ${eventId} was made already`);
  });
}

/** Buys relief beyond what the rules buy. With `emergency` from here on under the emergency terms. Throws TooLateError. */
async function buyByHand(
  desk: Desk,
  eventId: string,
  { kw, emergency }: { readonly kw: number; readonly emergency: boolean },
  hand: ByHand,
): Promise<void> {
  await desk.inTurn(eventId, async (event) => {
    if (event.purchase) throw new TooLateError(`relief for ${eventId} is being bought already`);
    const nowMs = desk.context.grid.nowMs();
    const startMs = Math.max(nowMs, event.window.startMs);
    const endMs = Math.max(event.window.endMs, startMs + WINDOW_MIN_MINUTES * 60_000);
    const purchase = newPurchase('top-up', kw, { startMs, endMs }, desk.context.wall.nowMs());
    const { interventionClass: before } = event;
    const interventionClass = emergency ? 'EMERGENCY' : before;
    const code = emergency ? 'operator.escalated' : 'operator.bought';
    let opened = false;
    Object.assign(event, { purchase, interventionClass });
    try {
      await buy(desk, event, purchase, kw, async (work) => {
        await work.audit({ ...actionRecord(code, hand), ...namesOf(event), requested_kw: kw });
        const changes = { intervention_class: interventionClass };
        await moveOverload(desk, work, event, { state: event.state, changes });
        work.afterCommit(() => {
          opened = true;
          event.targetKw += kw;
        });
      });
    } catch (error) {
      if (!opened) {
        Object.assign(event, { purchase: undefined, interventionClass: before });
        throw error;
      }
      // It is on record: what is missing of it is bought by the event's next step, as after any step that failed.
      desk.context.log.error({ eventId, error: String(error) }, 'relief bought by hand is bought on');
    }
  });
}

/** Ends an event before its time: its orders are cancelled and nothing more is bought for it. */
async function releaseByHand(desk: Desk, eventId: string, hand: ByHand): Promise<void> {
  await desk.inTurn(eventId, async (event) => {
    if (event.purchase && event.purchase.asked === undefined)
      throw new TooLateError(`relief for ${eventId} is being bought: release it in a moment`);
    const waiting = event.purchase?.asked;
    const endMs = Math.min(event.window.endMs, desk.context.grid.nowMs());
    // A window that has not begun is over, too.
    const window = { startMs: Math.min(event.window.startMs, endMs - 1), endMs };
    await desk.participant.transact(async (work) => {
      await work.audit({ ...actionRecord('operator.released', hand), ...namesOf(event) });
      if (waiting !== undefined)
        await closeDecision(desk, work, event, waiting, { ...hand, state: 'DECLINED', chosen: null, role: 'OPERATOR' });
      await moveOverload(desk, work, event, {
        state: event.state,
        changes: { window_start_at: new Date(window.startMs), window_end_at: new Date(window.endMs) },
      });
      work.afterCommit(() => {
        Object.assign(event, { window, handsOff: true, purchase: undefined });
      });
    });
    await cancelAll(desk, await ordersOf(desk.participant.database, eventId), hand);
  });
}

/** Holds an aggregator back, or everything; `holds` false gives it free again. */
async function restrictByHand(
  desk: Desk,
  kind: RestrictionKind,
  subject: string,
  holds: boolean,
  hand: ByHand,
): Promise<void> {
  await desk.participant.transact(async (work) => {
    const row = {
      kind,
      subject,
      made_by: hand.by,
      reason: hand.reason,
      made_wall_at: new Date(desk.context.wall.nowMs()),
    };
    if (holds)
      await work.db
        .insertInto('restriction')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    else await work.db.deleteFrom('restriction').where('kind', '=', kind).where('subject', '=', subject).execute();
    await work.audit({
      ...actionRecord(
        `operator.${kind === 'stop' ? (holds ? 'stopped' : 'resumed') : holds ? 'excluded' : 'restored'}`,
        hand,
      ),
      ...(subject === EVERYBODY ? {} : { counterparty_id: subject }),
    });
    work.afterCommit(() => {
      desk.restrictions.set(kind, subject, holds);
      if (!holds) desk.reconsider();
    });
  });
  if (!holds || kind !== 'stop') return;
  const running = await desk.participant.database
    .selectFrom('flex_order')
    .selectAll()
    .where('state', 'in', RUNNING)
    .execute();
  await cancelAll(desk, running, hand);
}

async function cancelAll(desk: Desk, orders: readonly OrderRow[], hand: ByHand): Promise<void> {
  for (const order of orders) if (RUNNING.includes(order.state)) await cancelByHand(desk, order.obp_id, hand);
}

export function actionRecord(event_type: string, { by, reason }: ByHand) {
  return { event_type, actor_id: by, actor_role: 'OPERATOR', decision: reason } satisfies Partial<AuditEntry>;
}

function namesOf(event: OpenEvent) {
  return { event_id: event.eventId, feeder_id: event.feederId, intervention_class: event.interventionClass };
}

/** Asks the aggregator of an order where it is followed, or whom to call; the answer is in the order when it comes. */
async function askByHand(desk: Desk, obpId: string, what: 'track' | 'support', hand: ByHand): Promise<void> {
  await desk.participant.transact(async (work) => {
    const order = await work.db.selectFrom('flex_order').selectAll().where('obp_id', '=', obpId).executeTakeFirst();
    if (!order?.order_id) throw new TooLateError(`${obpId} was never drawn up: its aggregator knows no order`);
    const orderId = order.order_id as OrderId;
    await work.send({
      action: what,
      to: order.bpp_id as SubscriberId,
      toType: 'BPP',
      transactionId: order.transaction_id as TransactionId,
      ttlMs: ASK_TTL_MS,
      message: what === 'track' ? encodeTrack(orderId) : encodeSupport(orderId),
      audit: { obp_id: obpId, event_id: order.event_id, feeder_id: order.feeder_id },
    });
    await work.audit({ ...actionRecord(`operator.asked-${what}`, hand), obp_id: obpId, event_id: order.event_id });
  });
}

/** Everything a person may do, at one desk. */
export function handsOf(desk: Desk) {
  return {
    changeOrder: (obpId: string, wanted: { kw?: number; window?: TimeWindow }, hand: ByHand) =>
      changeByHand(desk, obpId, wanted, hand),
    cancelOrder: (obpId: string, hand: ByHand) => cancelByHand(desk, obpId, hand),
    decide: (eventId: string, option: OptionName | null, hand: ByHand) => decideByHand(desk, eventId, option, hand),
    buy: (eventId: string, wanted: { kw: number; emergency: boolean }, hand: ByHand) =>
      buyByHand(desk, eventId, wanted, hand),
    release: (eventId: string, hand: ByHand) => releaseByHand(desk, eventId, hand),
    ask: (obpId: string, what: 'track' | 'support', hand: ByHand) => askByHand(desk, obpId, what, hand),
    restrict: (kind: RestrictionKind, subject: string, holds: boolean, hand: ByHand) =>
      restrictByHand(desk, kind, subject, holds, hand),
  };
}
