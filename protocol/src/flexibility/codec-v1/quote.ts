/** Quotes: a firm price for exactly the ordered items, and how long it holds. */
import { formatDuration, parseDuration } from '../../beckn/duration.ts';
import { CodecError } from '../codec-error.ts';
import type { FlexQuote } from '../model.ts';
import { text, type ValidBody } from './order.ts';
import { kw, measure, price, readKw, readPrice } from './quantity.ts';
import type { WireItem, WireOrder, WireQuote } from './wire.ts';

/** `ttl` counts from the context's timestamp and is rounded down, so that no reader thinks a quote lives longer. */
export function quote(value: FlexQuote, nowMs: number): WireQuote {
  const leftMs = Math.max(0, Math.floor((value.validUntilMs - nowMs) / 1000) * 1000);
  return {
    id: value.quoteId,
    price: price(value.totalGbp),
    breakup: value.items.map((item) => ({
      title: 'Reduction delivered',
      item: {
        id: item.itemId,
        price: price(item.priceGbpPerKwh),
        quantity: { selected: measure(item.kw) },
      },
      price: price(shareGbp(value, item)),
    })),
    ttl: formatDuration(leftMs),
  };
}

/** The breakup splits the total by kW times price, which is what the total was made from. */
function shareGbp(whole: FlexQuote, item: FlexQuote['items'][number]): number {
  const weight = whole.items.reduce((sum, each) => sum + each.kw * each.priceGbpPerKwh, 0);
  return weight > 0 ? (whole.totalGbp * item.kw * item.priceGbpPerKwh) / weight : 0;
}

export function readQuote(order: WireOrder, body: ValidBody): FlexQuote {
  const path = '/message/order/quote';
  const wire = order.quote;
  if (wire === undefined) throw new CodecError(path, 'a quote is needed here', '40003');
  const items = (wire.breakup ?? []).map((line, index) => {
    const at = `${path}/breakup/${index}/item`;
    return {
      itemId: text(line.item?.id, `${at}/id`),
      kw: readKw(line.item?.quantity?.selected, `${at}/quantity/selected`),
      priceGbpPerKwh: readPrice(line.item?.price, `${at}/price`),
    };
  });
  requireSameItems(order.items, items);
  const ttlMs = parseDuration(wire.ttl ?? '');
  if (ttlMs === undefined) throw new CodecError(`${path}/ttl`, 'expected an ISO 8601 duration such as PT15M');
  return {
    quoteId: text(wire.id, `${path}/id`),
    items,
    totalKw: Number(kw(items.reduce((sum, item) => sum + item.kw, 0))),
    totalGbp: readPrice(wire.price, `${path}/price`),
    validUntilMs: Date.parse(body.context.timestamp) + ttlMs,
  };
}

/** A quote prices exactly the ordered items at exactly their quantities; anything else has no one meaning. */
function requireSameItems(ordered: readonly WireItem[] | undefined, quoted: FlexQuote['items']): void {
  const firm = new Map((ordered ?? []).map((item) => [item.id, item]));
  if (firm.size !== quoted.length) {
    throw new CodecError('/message/order/quote/breakup', `${quoted.length} priced lines for ${firm.size} items`);
  }
  for (const [index, line] of quoted.entries()) {
    const item = firm.get(line.itemId);
    const path = `/message/order/quote/breakup/${index}/item`;
    if (item === undefined) throw new CodecError(`${path}/id`, `item ${line.itemId} is not in the order`, '30004');
    const orderedKw = readKw(item.quantity?.selected, '/message/order/items/quantity/selected');
    if (orderedKw !== line.kw) {
      throw new CodecError(`${path}/quantity`, `priced for ${line.kw} kW, ordered ${orderedKw} kW`, '40002');
    }
  }
}
