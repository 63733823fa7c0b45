/** Asks the aggregator of a running order for other kW or another window. Until it agrees the order stands as it is. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { MessageId, OrderId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { changedSelection, encodeUpdate } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { OrderChange } from '@flexder/protocol/flexibility/model.ts';
import { nextOrderState } from '@flexder/protocol/flexibility/order-machine.ts';
import { TooLateError } from '../decisions/too-late.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import { totalKw, windowText } from './change.ts';

export interface Asker {
  readonly by: string;
  readonly reason: string;
}

/** Returns the id of the change. Throws TooLateError when the order cannot be changed, or is being changed. */
export async function askChange(
  desk: Desk,
  work: Work,
  order: OrderRow,
  change: OrderChange,
  { by, reason }: Asker,
  record: Partial<AuditEntry>,
): Promise<string> {
  const move = nextOrderState(order.state, 'update');
  if (!move.ok || !order.order_id) throw new TooLateError(`${order.obp_id} is ${order.state}: it cannot be changed`);
  const wanted = changedSelection(order.selection, change);
  if (!wanted) throw new Error(`a change of ${order.obp_id} names blocks that it has not`);
  if (order.selection.window.endMs <= desk.context.grid.nowMs())
    throw new TooLateError(`the window of ${order.obp_id} is over`);
  const pending = await work.db
    .selectFrom('order_change')
    .select('change_id')
    .where('obp_id', '=', order.obp_id)
    .where('state', '=', 'ASKED')
    .executeTakeFirst();
  if (pending) throw new TooLateError(`${order.obp_id} is being changed: its aggregator has not answered yet`);
  const { context, config, restrictions } = desk;
  const asked = { ...change, excludedDerIds: restrictions.excludedDers(order.feeder_id, order.bpp_id) };
  const changeId = context.ids.uuid();
  await work.db
    .insertInto('order_change')
    .values({
      change_id: changeId,
      obp_id: order.obp_id,
      asked: JSON.stringify(asked),
      state: 'ASKED',
      asked_by: by,
      reason,
      asked_at: new Date(context.grid.nowMs()),
      asked_wall_at: new Date(context.wall.nowMs()),
    })
    .execute();
  const names = { obp_id: order.obp_id, event_id: order.event_id, feeder_id: order.feeder_id };
  await work.send({
    action: 'update',
    to: order.bpp_id as SubscriberId,
    toType: 'BPP',
    transactionId: order.transaction_id as TransactionId,
    messageId: changeId as MessageId,
    ttlMs: config.answerTimeoutMs,
    message: encodeUpdate({ orderId: order.order_id as OrderId, ...asked }),
    audit: names,
  });
  await work.audit({
    event_type: 'order.change-asked',
    ...names,
    transaction_id: order.transaction_id,
    counterparty_id: order.bpp_id,
    order_id: order.order_id,
    committed_kw: order.committed_kw,
    requested_kw: totalKw(wanted.items),
    decision: `${order.committed_kw} → ${totalKw(wanted.items)} kW, ${windowText(wanted.window)}: ${reason}`,
    ...record,
  });
  work.afterCommit(() => desk.deadlines.expect(changeId, config.answerTimeoutMs));
  return changeId;
}
