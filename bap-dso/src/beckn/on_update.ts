import { CodecError, decodeOnUpdate, type UpdateAnswer } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import { agree, findChange, refuseChange } from '../flex-orchestration/changes/agree.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { walk } from '../flex-orchestration/orders/orders.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orderCallback } from './callback.ts';
import { quarantine, refuse } from './quarantine.ts';

/** The answer to a change of ours, also one that comes late: the aggregator is bound by it, and so are we. */
export function onUpdate(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => accept(desk, callback));
}

async function accept(desk: Desk, { work, message, body, order }: Callback): Promise<void> {
  const change = await findChange(work, order.obp_id, message.body.context.message_id);
  if (!change) return quarantine(desk, work, message, 'unknown-change');
  const { error } = message.body;
  if (change.state === 'AGREED' || change.state === 'REFUSED') return;
  if (error) return refuseChange(desk, work, order, change, `${error.code} ${error.message}`);
  let answer: UpdateAnswer;
  try {
    answer = decodeOnUpdate(body);
  } catch (wrong) {
    if (!(wrong instanceof CodecError)) throw wrong;
    return refuse(desk, work, message, wrong.message, order.event_id);
  }
  if (answer.references && answer.references.obpId !== order.obp_id)
    return quarantine(desk, work, message, 'other-references');
  if (order.order_id !== answer.orderId) return quarantine(desk, work, message, 'other-order');
  const moved = walk(order.state, ['on_update']);
  if (!moved.ok) return refuse(desk, work, message, moved.message, order.event_id);
  if (order.state !== 'SCHEDULED' && order.state !== 'IN_PROGRESS')
    return refuse(desk, work, message, `the order is ${order.state}: nothing of it changes any more`, order.event_id);
  await agree(desk, work, order, change, answer);
}
