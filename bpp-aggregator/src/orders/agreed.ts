import type { FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import type { BecknError } from '@flexder/runtime/participant/types.ts';
import type { OrderRow } from './store.ts';

/** The selection as it was quoted: the firm kW instead of what was asked. */
export function quotedSelection(row: Pick<OrderRow, 'selection' | 'quote'>): FlexSelection {
  return { ...row.selection, items: row.quote.items.map(({ itemId, kw }) => ({ itemId, kw })) };
}

/** Why `ordered` is not what was quoted: an order is for exactly the quote, or there is a new quote first. */
export function differenceFromQuote(
  row: Pick<OrderRow, 'selection' | 'quote'>,
  ordered: FlexSelection,
): BecknError | undefined {
  const quoted = quotedSelection(row);
  const { window } = quoted;
  const samePlace =
    ordered.providerId === quoted.providerId &&
    ordered.feederId === quoted.feederId &&
    ordered.fulfillmentId === quoted.fulfillmentId &&
    ordered.window.startMs === window.startMs &&
    ordered.window.endMs === window.endMs;
  if (!samePlace)
    return { code: '40003', message: 'provider, feeder or window are not those of the quote; select again' };
  const kwOf = new Map(quoted.items.map((item) => [item.itemId, item.kw]));
  const same = ordered.items.length === kwOf.size && ordered.items.every((item) => kwOf.get(item.itemId) === item.kw);
  return same
    ? undefined
    : { code: '40002', message: 'items or kW are not those of the quote; select again', paths: '/message/order/items' };
}

/** Why what the BAP agrees to is not the quote of this order: another id, or another total where it repeats one. */
export function differenceFromPrice(
  row: Pick<OrderRow, 'quote'>,
  given: { readonly quoteId: string; readonly totalGbp?: number },
): BecknError | undefined {
  const { quoteId, totalGbp } = row.quote;
  const same = given.quoteId === quoteId && (given.totalGbp === undefined || given.totalGbp === totalGbp);
  return same
    ? undefined
    : { code: '40003', message: 'that is not the quote of this order; select again', paths: '/message/order/quote' };
}
