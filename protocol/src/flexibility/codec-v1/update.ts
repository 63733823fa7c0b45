/** update: the BAP changes the kW or the window of an order; on_update: the order as it is now, with its new quote. */
import type { OrderId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type { FlexQuote, FlexSelection, OrderChange, TimeWindow } from '../model.ts';
import { excludedTags } from './devices.ts';
import { payments } from './init.ts';
import {
  FULFILLMENT,
  fulfillmentOf,
  messageOf,
  type OrderEcho,
  orderOf,
  readItems,
  readOrderId,
  type ValidBody,
} from './order.ts';
import { measure, range, readRange } from './quantity.ts';
import { quote, readQuote } from './quote.ts';
import {
  type ChangedCommitment,
  decodeOnStatus,
  encodeOnStatus,
  type StatusAnswer,
  type StatusReport,
} from './status.ts';
import type { WireOrder } from './wire.ts';

export interface UpdateRequest extends OrderChange {
  readonly orderId: OrderId;
}

interface WireUpdate {
  update_target?: string;
  order: WireOrder;
}

export function encodeUpdate({ orderId, items, window, excludedDerIds }: UpdateRequest): WireUpdate {
  const tags = excludedTags(excludedDerIds);
  const targets = [...(items.length > 0 ? ['order.items'] : []), ...(window ? ['order.fulfillments'] : [])];
  return {
    update_target: targets.join(','),
    order: {
      id: orderId,
      ...(items.length > 0 && {
        items: items.map(({ itemId, kw }) => ({ id: itemId, quantity: { selected: measure(kw) } })),
      }),
      ...(window && { fulfillments: [{ stops: [{ type: 'START', time: { range: range(window) } }] }] }),
      ...(tags.length > 0 && { tags }),
    },
  };
}

const ONE_ITEM = /^order\.items\[(\d{1,2})\]\.quantity$/;

/** What a change says of the order; `only` is the one item it may change, where its target names one. */
export interface UpdateAsked extends UpdateRequest {
  readonly only?: string;
}

/** Refuses a message that carries less or more than its target names (BECKN-005 30012, 30013). */
export function decodeUpdate(body: ValidBody): UpdateAsked {
  const target = messageOf<WireUpdate>(body).update_target ?? '';
  const order = orderOf(body);
  const orderId = readOrderId(order.id);
  const one = ONE_ITEM.exec(target)?.[1];
  const targets = one === undefined ? target.split(',') : ['order.items'];
  for (const [member, path] of [
    ['items', '/message/order/items'],
    ['fulfillments', '/message/order/fulfillments'],
  ] as const) {
    const named = targets.includes(`order.${member}`);
    if (named && order[member] === undefined)
      throw new CodecError('/message/update_target', `${target} is to change, but the order has no ${member}`, '30012');
    if (!named && order[member] !== undefined)
      throw new CodecError(path, `the update_target ${target} does not name ${member}`, '30013');
  }
  const items = order.items === undefined ? [] : readItems(order.items);
  const only = one === undefined ? undefined : items[Number(one)]?.itemId;
  if (one !== undefined && only === undefined)
    throw new CodecError('/message/update_target', `the order of this message has no item ${one}`, '30012');
  const window = order.fulfillments && windowOf(order);
  return { orderId, items, ...(window && { window }), ...(only !== undefined && { only }) };
}

function windowOf(order: WireOrder): TimeWindow {
  return readRange(fulfillmentOf(order).stops?.[0]?.time, `${FULFILLMENT}/stops/0/time`);
}

/** An order after an update: as a status tells it, what is agreed since when, and the quote of it. */
export interface UpdatedOrder extends StatusReport {
  readonly changed: ChangedCommitment;
  readonly quote: FlexQuote;
}

/** @param nowMs wall time */
export function encodeOnUpdate(order: UpdatedOrder, nowMs: number): { order: WireOrder } {
  const { order: wire } = encodeOnStatus(order, nowMs);
  return { order: { ...wire, quote: quote(order.quote, nowMs), payments: payments(order.quote) } };
}

/** A peer's on_update may leave the quote out. */
export interface UpdateAnswer extends OrderEcho, StatusAnswer {
  readonly changed: ChangedCommitment;
  readonly window: TimeWindow;
  readonly quote?: FlexQuote;
}

export function decodeOnUpdate(body: ValidBody): UpdateAnswer {
  const order = orderOf(body);
  const { changed, window, ...answer } = decodeOnStatus(body);
  if (changed === undefined || window === undefined)
    throw new CodecError(`${FULFILLMENT}/tags`, 'tag group commitment with revision and effective-from is needed here');
  return { ...answer, changed, window, ...(order.quote && { quote: readQuote(order, body) }) };
}

/** The selection of an order after a change; undefined when the change names an item that the order has not. */
export function changedSelection(selection: FlexSelection, change: OrderChange): FlexSelection | undefined {
  const kwOf = new Map(change.items.map(({ itemId, kw }) => [itemId, kw]));
  if ([...kwOf.keys()].some((id) => !selection.items.some(({ itemId }) => itemId === id))) return undefined;
  return {
    ...selection,
    window: change.window ?? selection.window,
    items: selection.items.map(({ itemId, kw }) => ({ itemId, kw: kwOf.get(itemId) ?? kw })),
  };
}
