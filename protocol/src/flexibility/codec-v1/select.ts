/** select: kW per block; on_select: the firm answer with a quote. */
import type { FlexQuote, FlexSelection } from '../model.ts';
import { excludedTags } from './devices.ts';
import { fulfillment, orderOf, readSelection, selectionItems, type ValidBody } from './order.ts';
import { measure, range } from './quantity.ts';
import { quote, readQuote } from './quote.ts';
import type { WireOrder } from './wire.ts';

/** @param excludedDerIds devices that the quote must do without */
export function encodeSelect(selection: FlexSelection, excludedDerIds?: readonly string[]): { order: WireOrder } {
  const tags = excludedTags(excludedDerIds);
  return {
    order: {
      provider: { id: selection.providerId },
      items: selectionItems(selection),
      fulfillments: [fulfillment(selection)],
      ...(tags.length > 0 && { tags }),
    },
  };
}

export function decodeSelect(body: ValidBody): FlexSelection {
  return readSelection(orderOf(body));
}

/**
 * @param selection what was asked; the answer's items are those of the quote, which may be fewer or smaller
 * @param nowMs wall time; the quote's ttl counts from it
 */
export function encodeOnSelect(selection: FlexSelection, firm: FlexQuote, nowMs: number): { order: WireOrder } {
  const time = { range: range(selection.window) };
  return {
    order: {
      provider: { id: selection.providerId },
      items: firm.items.map((item) => ({ id: item.itemId, quantity: { selected: measure(item.kw) }, time })),
      fulfillments: [fulfillment(selection)],
      quote: quote(firm, nowMs),
    },
  };
}

export function decodeOnSelect(body: ValidBody): FlexQuote {
  return readQuote(orderOf(body), body);
}
