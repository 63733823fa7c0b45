import type { SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeOnSelect, encodeInit } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { decline } from '../flex-orchestration/orders/closing.ts';
import { moveOrder, referencesOf, walk } from '../flex-orchestration/orders/orders.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orDecline, orderCallback } from './callback.ts';
import { refuse } from './quarantine.ts';

/** The firm quote: what is firm is ordered at once, what is missing is bought elsewhere once all have quoted. */
export function onSelect(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => orDecline(desk, callback, () => accept(desk, callback)));
}

async function accept(desk: Desk, { work, message, body, order }: Callback): Promise<void> {
  const moved = walk(order.state, ['on_select', 'init']);
  if (order.state !== 'SELECTING') {
    if (!moved.ok && !walk(order.state, ['on_select']).ok)
      await refuse(desk, work, message, moved.message, order.event_id);
    return;
  }
  if (!moved.ok) return refuse(desk, work, message, moved.message, order.event_id);
  const quote = decodeOnSelect(body);
  const problem = problemOf(quote, order.selection, desk.context.wall.nowMs(), desk.config.maxPriceGbpPerKwh);
  if (problem) return decline(desk, work, order, problem, '40003');
  const selection = { ...order.selection, items: quote.items.map(({ itemId, kw }) => ({ itemId, kw })) };
  const { answerTimeoutMs } = desk.config;
  await work.send({
    action: 'init',
    to: order.bpp_id as SubscriberId,
    toType: 'BPP',
    transactionId: order.transaction_id as TransactionId,
    ttlMs: answerTimeoutMs,
    message: encodeInit({
      ...{ selection, references: referencesOf(order) },
      excludedDerIds: desk.restrictions.excludedDers(selection.feederId, order.bpp_id),
    }),
  });
  const short = quote.totalKw < order.requested_kw;
  await moveOrder(desk, work, order, {
    state: moved.state,
    reason: short ? `quoted ${quote.totalKw} of ${order.requested_kw} kW` : null,
    changes: {
      quote: JSON.stringify(quote),
      selection: JSON.stringify(selection),
      expected_kw: (order.expected_kw * quote.totalKw) / order.requested_kw,
      answer_due_wall_at: new Date(desk.context.wall.nowMs() + answerTimeoutMs),
    },
    audit: { committed_kw: quote.totalKw },
  });
  work.afterCommit(() => desk.deadlines.expect(order.obp_id, answerTimeoutMs));
}

/** Why a quote cannot be taken, in words; undefined when it can. Pure. */
export function problemOf(
  quote: FlexQuote,
  asked: FlexSelection,
  nowMs: number,
  maxPriceGbpPerKwh: number,
): string | undefined {
  if (!(quote.totalKw > 0)) return 'the quote holds no kW';
  if (quote.validUntilMs <= nowMs) return 'the quote had expired when it came';
  for (const item of quote.items) {
    const wanted = asked.items.find((candidate) => candidate.itemId === item.itemId);
    if (!wanted) return `the quote names ${item.itemId}, which was not asked for`;
    if (item.kw > wanted.kw + 1e-6) return `the quote has ${item.kw} kW of ${item.itemId}, asked were ${wanted.kw}`;
    if (item.priceGbpPerKwh > maxPriceGbpPerKwh) {
      return `the quote asks ${item.priceGbpPerKwh} GBP/kWh for ${item.itemId}, the most is ${maxPriceGbpPerKwh}`;
    }
  }
  return undefined;
}
