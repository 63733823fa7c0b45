/** Changes of orders in figures. Pure. */
import { changedSelection } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection, OrderChange, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { OrderRow } from '../desk.ts';

/** Blocks are offered in steps of 0.1 kW, where an aggregator says nothing else. */
const STEP_KW = 0.1;

export function totalKw(items: FlexSelection['items']): number {
  return round(items.reduce((sum, item) => sum + item.kw, 0));
}

/** The blocks of an order at `kw` together, each at the same share of what it is; none becomes nothing. */
export function itemsAt(items: FlexSelection['items'], kw: number): FlexSelection['items'] {
  // Also where their kW are not in steps, a change of other things leaves them as they are.
  if (kw === totalKw(items)) return items;
  const share = kw / totalKw(items);
  const scaled = items.map((item) => ({ ...item, kw: Math.max(STEP_KW, stepped(item.kw * share)) }));
  const largest = scaled.reduce((best, item) => (item.kw > best.kw ? item : best), scaled[0]!);
  const rest = round(kw - totalKw(scaled));
  return scaled.map((item) => (item === largest ? { ...item, kw: round(item.kw + rest) } : item));
}

function stepped(kw: number): number {
  return round(Math.round(kw / STEP_KW) * STEP_KW);
}

function round(kw: number): number {
  return Math.round(kw * 1_000) / 1_000;
}

/** Why an answer is not the change that was asked; undefined when it is. */
export function differenceFrom(
  order: Pick<OrderRow, 'selection' | 'quote'>,
  asked: OrderChange,
  answer: {
    readonly items: FlexSelection['items'];
    readonly window: TimeWindow;
    readonly committedKw: number;
    readonly quote?: FlexQuote;
  },
): string | undefined {
  const wanted = changedSelection(order.selection, asked);
  if (!wanted) return 'it was asked for blocks that the order has not';
  const { window } = wanted;
  if (answer.window.startMs !== window.startMs || answer.window.endMs !== window.endMs)
    return `it is for ${windowText(answer.window)}, asked was ${windowText(window)}`;
  const kwOf = new Map(answer.items.map((item) => [item.itemId, item.kw]));
  const same = kwOf.size === wanted.items.length && wanted.items.every(({ itemId, kw }) => kwOf.get(itemId) === kw);
  if (!same || Math.abs(answer.committedKw - totalKw(wanted.items)) > 1e-6)
    return `it is for ${answer.committedKw} kW, asked were ${totalKw(wanted.items)}`;
  const priceOf = new Map(order.quote?.items.map((item) => [item.itemId, item.priceGbpPerKwh]));
  const dearer = answer.quote?.items.find((item) => item.priceGbpPerKwh > (priceOf.get(item.itemId) ?? 0) + 1e-9);
  return dearer
    ? `it asks ${dearer.priceGbpPerKwh} GBP/kWh for ${dearer.itemId}, which is more than agreed`
    : undefined;
}

export function windowText({ startMs, endMs }: TimeWindow): string {
  return `${new Date(startMs).toISOString()}/${new Date(endMs).toISOString()}`;
}

/** The quote of an order at other kW, at the prices agreed. */
export function quoteAt(quote: FlexQuote, selection: FlexSelection, given: FlexQuote | undefined): FlexQuote {
  const priceOf = new Map(quote.items.map((item) => [item.itemId, item.priceGbpPerKwh]));
  const items = selection.items.map((item) => ({ ...item, priceGbpPerKwh: priceOf.get(item.itemId) ?? 0 }));
  return { ...(given ?? quote), items, totalKw: totalKw(items) };
}
