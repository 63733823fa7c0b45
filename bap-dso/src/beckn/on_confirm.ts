import { decodeOnConfirm } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import { sendCancel } from '../flex-orchestration/closing.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { moveOrder, walk } from '../flex-orchestration/orders.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orDecline, orderCallback } from './callback.ts';
import { quarantine, refuse } from './quarantine.ts';

/** The BPP is bound. Its report may have come first: then only what it commits to is added. */
export function onConfirm(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => orDecline(desk, callback, () => accept(desk, callback)));
}

async function accept(desk: Desk, { work, message, body, order }: Callback): Promise<void> {
  const { orderId, commitment, references } = decodeOnConfirm(body);
  if (references && references.obpId !== order.obp_id) return quarantine(desk, work, message, 'other-references');
  if (order.order_id && order.order_id !== orderId) return quarantine(desk, work, message, 'other-order');
  const moved = walk(order.state, ['on_confirm']);
  if (!moved.ok) {
    await refuse(desk, work, message, moved.message, order.event_id);
    // It came after we gave up, or after its own refusal: the BPP must not hold devices for an order nobody wants.
    if ((order.state === 'EXPIRED' || order.state === 'DECLINED') && order.order_id)
      await sendCancel(work, order, 'confirmed too late');
    return;
  }
  const known = order.committed_kw > 0;
  if (moved.state === order.state && known) return;
  await moveOrder(desk, work, order, {
    state: moved.state,
    reason: order.state_reason,
    changes: { committed_kw: commitment.committedKw, answer_due_wall_at: null },
    audit: { committed_kw: commitment.committedKw, rule_inputs: { baseline_kw: commitment.baselineKw } },
  });
}
