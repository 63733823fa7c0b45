import type { SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeOnInit, encodeConfirm } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote } from '@flexder/protocol/flexibility/model.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { decline } from '../flex-orchestration/orders/closing.ts';
import { moveOrder, referencesOf, walk } from '../flex-orchestration/orders/orders.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orDecline, orderCallback } from './callback.ts';
import { quarantine, refuse } from './quarantine.ts';

/** The order as drawn up: it has its id now, and is confirmed when it is what was quoted. */
export function onInit(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => orDecline(desk, callback, () => accept(desk, callback)));
}

async function accept(desk: Desk, { work, message, body, order }: Callback): Promise<void> {
  if (order.state !== 'INITIALISING' || !order.quote) {
    const moved = walk(order.state, ['on_init']);
    if (!moved.ok) await refuse(desk, work, message, moved.message, order.event_id);
    return;
  }
  const drawn = decodeOnInit(body);
  if (drawn.references && drawn.references.obpId !== order.obp_id)
    return quarantine(desk, work, message, 'other-references');
  const problem = problemOf(drawn.quote, order.quote);
  if (problem) return decline(desk, work, order, problem, '40003');
  const { answerTimeoutMs } = desk.config;
  const excludedDerIds = desk.restrictions.excludedDers(order.feeder_id, order.bpp_id);
  const nowMs = desk.context.wall.nowMs();
  await work.send({
    action: 'confirm',
    to: order.bpp_id as SubscriberId,
    toType: 'BPP',
    transactionId: order.transaction_id as TransactionId,
    ttlMs: answerTimeoutMs,
    message: encodeConfirm(
      {
        ...{ orderId: drawn.orderId, selection: order.selection, references: referencesOf(order) },
        ...{ quote: order.quote, excludedDerIds },
      },
      nowMs,
    ),
  });
  await moveOrder(desk, work, order, {
    state: 'CONFIRMING',
    reason: order.state_reason,
    changes: {
      order_id: drawn.orderId,
      excluded_der_ids: JSON.stringify(excludedDerIds),
      answer_due_wall_at: new Date(nowMs + answerTimeoutMs),
    },
    ...(excludedDerIds.length > 0 && { audit: { rule_inputs: { excluded_devices: excludedDerIds.length } } }),
  });
  work.afterCommit(() => desk.deadlines.expect(order.obp_id, answerTimeoutMs));
}

/** By half a penny or more: what is below is rounding. */
export function isDearer(one: FlexQuote, agreed: FlexQuote): boolean {
  return one.totalGbp > agreed.totalGbp + 0.005;
}

/** An order must cost and hold what was quoted; better for us is fine. */
export function problemOf(drawn: FlexQuote, quoted: FlexQuote): string | undefined {
  if (isDearer(drawn, quoted)) return `drawn up for ${drawn.totalGbp} GBP, quoted were ${quoted.totalGbp}`;
  if (drawn.totalKw + 1e-6 < quoted.totalKw) return `drawn up for ${drawn.totalKw} kW, quoted were ${quoted.totalKw}`;
  return undefined;
}
