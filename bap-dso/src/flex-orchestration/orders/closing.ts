/** Orders that come to nothing: declined, late, undeliverable. What stays uncertain is cancelled, so nothing runs unpaid-for. */
import type { Action } from '@flexder/protocol/beckn/actions.ts';
import type { OrderId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeCancel } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { Undelivered } from '@flexder/runtime/participant/types.ts';
import { sql } from 'kysely';
import { CANCEL_TTL_MS } from '../../limits.ts';
import { raiseAlarm } from '../alarms/alarms.ts';
import { closeLateChange, closeUndeliveredChange } from '../changes/late.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import { AWAITING, findOrder, lockOrder, moveOrder, walk } from './orders.ts';

const CANCELLATION_REASON = '001';

/** Where an order waits for the answer to each message. Past it the answer has come, so the message had arrived. */
const AWAITED_IN: Partial<Record<Action, OrderRow['state']>> = {
  select: 'SELECTING',
  init: 'INITIALISING',
  confirm: 'CONFIRMING',
};

/** The BPP said no, or its answer cannot stand; what it still holds runs out with its quote. */
export async function decline(desk: Desk, work: Work, order: OrderRow, reason: string, code?: string): Promise<void> {
  const moved = walk(order.state, ['decline']);
  if (!moved.ok || moved.state === order.state) return;
  await moveOrder(desk, work, order, { state: moved.state, reason, audit: code ? { code } : {} });
}

/** Nothing is known of the confirm: it is withdrawn, whether or not it arrived. */
export async function withdraw(desk: Desk, work: Work, order: OrderRow, reason: string): Promise<void> {
  if (!order.order_id) return;
  await sendCancel(work, order, reason);
  const moved = walk(order.state, ['cancel']);
  if (moved.ok && moved.state !== order.state) await moveOrder(desk, work, order, { state: moved.state, reason });
}

export async function sendCancel(work: Work, order: OrderRow, note: string): Promise<void> {
  await work.send({
    action: 'cancel',
    to: order.bpp_id as SubscriberId,
    toType: 'BPP',
    transactionId: order.transaction_id as TransactionId,
    ttlMs: CANCEL_TTL_MS,
    message: encodeCancel({ orderId: order.order_id as OrderId, reasonId: CANCELLATION_REASON, note }),
    audit: { obp_id: order.obp_id, event_id: order.event_id, feeder_id: order.feeder_id },
  });
}

/** The wait for an answer to an order, or to a change of one, ran out. True when the order stays open: with `mayHaveCome`, for an answer that waits to be handled. */
export async function closeLate(desk: Desk, obpId: string, mayHaveCome: boolean): Promise<boolean> {
  return desk.participant.transact(async (work) => {
    const order = await lockOrder(work.db, obpId);
    if (!order) return closeLateChange(desk, work, obpId, mayHaveCome, liesHere);
    if (!AWAITING.includes(order.state)) return false;
    if (mayHaveCome && (await liesHere(work, order))) return true;
    const reason = `no answer within ${desk.config.answerTimeoutMs} ms`;
    if (order.state === 'CONFIRMING') await withdraw(desk, work, order, reason);
    else {
      const moved = walk(order.state, ['expire']);
      if (!moved.ok || moved.state === order.state) return false;
      await moveOrder(desk, work, order, { state: moved.state, reason });
    }
    desk.counterparties.silent(order.bpp_id, 'order');
    return false;
  });
}

/** A message of the BPP about this order is stored, and its handler has not begun. */
async function liesHere({ db }: Work, { bpp_id, transaction_id }: OrderRow): Promise<boolean> {
  const { rows } = await sql`
    select from inbound_message where transaction_id = ${transaction_id} and signer = ${bpp_id} and state = 'stored'
    limit 1`.execute(db);
  return rows.length > 0;
}

/** A message that will not arrive any more: what waits for its answer goes on without it. */
export async function closeUndelivered(desk: Desk, work: Work, undelivered: Undelivered): Promise<void> {
  const { action, transaction_id: transactionId } = undelivered.message.context;
  const why = `${action} not delivered: ${undelivered.reason}${undelivered.error ? ` (${undelivered.error.code} ${undelivered.error.message})` : ''}`;
  if (action === 'search') {
    work.afterCommit(() => desk.gathers.abandon(transactionId));
    return raiseAlarm(desk, work, { kind: 'search-undelivered', text: why });
  }
  const order = await findOrder(work.db, transactionId, undelivered.to);
  if (!order) return;
  if (action === 'cancel') {
    return raiseAlarm(desk, work, {
      kind: 'cancel-undelivered',
      eventId: order.event_id,
      feederId: order.feeder_id,
      obpId: order.obp_id,
      text: why,
    });
  }
  // A refusal is certain; silence is not: the confirm may have arrived and its acknowledgement been lost.
  const certain =
    undelivered.reason === 'nack' || undelivered.reason === 'refused' || undelivered.reason === 'unknown-subscriber';
  if (action === 'update')
    return closeUndeliveredChange(desk, work, order, undelivered.message.context.message_id, why, certain);
  if (order.state !== AWAITED_IN[action]) return;
  if (!certain) desk.counterparties.silent(order.bpp_id, 'order');
  if (action === 'confirm' && !certain) await withdraw(desk, work, order, why);
  else await decline(desk, work, order, why);
}
