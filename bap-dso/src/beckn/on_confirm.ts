import { decodeOnConfirm } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { Commitment, FlexQuote } from '@flexder/protocol/flexibility/model.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { sendCancel, withdraw } from '../flex-orchestration/orders/closing.ts';
import { moveOrder, walk } from '../flex-orchestration/orders/orders.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orDecline, orderCallback } from './callback.ts';
import { isDearer } from './on_init.ts';
import { quarantine, refuse } from './quarantine.ts';

/**
 * The BPP is bound. Its report may have come first: then only what it commits to is added. It may commit to less than was
 * agreed, never to more, and for no more money: it would be settled by what it says here.
 */
export function onConfirm(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => orDecline(desk, callback, () => accept(desk, callback)));
}

async function accept(desk: Desk, { work, message, body, order }: Callback): Promise<void> {
  const { orderId, commitment, references, quote } = decodeOnConfirm(body);
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
  const problem = order.quote ? beyond(quote, commitment, order.quote) : undefined;
  if (problem) return withdraw(desk, work, order, problem);
  await moveOrder(desk, work, order, {
    state: moved.state,
    reason: order.state_reason,
    changes: { committed_kw: commitment.committedKw, answer_due_wall_at: null },
    audit: { committed_kw: commitment.committedKw, rule_inputs: { baseline_kw: commitment.baselineKw } },
  });
}

function beyond(confirmed: FlexQuote, { committedKw }: Commitment, agreed: FlexQuote): string | undefined {
  if (isDearer(confirmed, agreed)) return `confirmed for ${confirmed.totalGbp} GBP, agreed were ${agreed.totalGbp}`;
  if (committedKw > agreed.totalKw + 1e-6) return `commits to ${committedKw} kW, agreed were ${agreed.totalKw}`;
  return undefined;
}
