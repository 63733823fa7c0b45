/** What select, init, confirm and their answers have in common: one order with items, one fulfilment, references. */
import type { OrderId } from '../../beckn/identifiers.ts';
import { eventId, feederId, IdentifierError, obpId, orderId as parseOrderId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type { Direction, FlexSelection, FulfilmentState, OrderReferences } from '../model.ts';
import { instant, measure, range, readKw, readRange } from './quantity.ts';
import { findTags, requireTags, tagGroup } from './tags.ts';
import type { WireFulfillment, WireItem, WireLocation, WireOrder, WireTagGroup } from './wire.ts';

/** A whole message that passed its schema. */
export interface ValidBody {
  readonly context: { readonly transaction_id: string; readonly timestamp: string };
  readonly message?: unknown;
}

/** The `message` member; a callback with only an error has none, so look at `error` before decoding. */
export function messageOf<T>(body: ValidBody): T {
  if (typeof body.message !== 'object' || body.message === null) {
    throw new CodecError('/message', 'the body carries no message to read');
  }
  return body.message as T;
}

export function orderOf(body: ValidBody): WireOrder {
  const { order } = messageOf<{ order?: WireOrder }>(body);
  if (order === undefined) throw new CodecError('/message/order', 'an order is needed here');
  return order;
}

/** Identifiers that a schema let through but our pattern does not are a fault of the message, not a bug. */
export function identify<Id>(parse: (value: unknown) => Id, value: unknown, path: string): Id {
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof IdentifierError) throw new CodecError(path, error.message);
    throw error;
  }
}

export function text(value: string | undefined, path: string): string {
  if (value === undefined || value === '') throw new CodecError(path, 'a text is needed here');
  return value;
}

export function readOrderId(value: string | undefined, path = '/message/order/id'): OrderId {
  return identify(parseOrderId, value, path);
}

const FEEDER = 'feeder:';

export function feederLocation(id: string): WireLocation {
  return { descriptor: { code: `${FEEDER}${id}` } };
}

export function readFeeder(location: WireLocation | undefined, path: string) {
  const code = location?.descriptor?.code;
  if (code === undefined || !code.startsWith(FEEDER)) {
    throw new CodecError(`${path}/descriptor/code`, 'name the feeder as feeder:<feederId>');
  }
  return identify(feederId, code.slice(FEEDER.length), `${path}/descriptor/code`);
}

/** @param atMs wall time of the state, for `updated_at` */
export function fulfillment(
  selection: FlexSelection,
  state?: { code: FulfilmentState; atMs: number },
  tags?: WireTagGroup[],
): WireFulfillment {
  return {
    id: selection.fulfillmentId,
    type: 'DIGITAL',
    ...(state && { state: { descriptor: { code: state.code }, updated_at: instant(state.atMs) } }),
    stops: [{ type: 'START', time: { range: range(selection.window) }, location: feederLocation(selection.feederId) }],
    ...(tags && tags.length > 0 && { tags }),
  };
}

export function selectionItems(selection: FlexSelection): WireItem[] {
  const time = { range: range(selection.window) };
  return selection.items.map((item) => ({ id: item.itemId, quantity: { selected: measure(item.kw) }, time }));
}

export const FULFILLMENT = '/message/order/fulfillments/0';

export function fulfillmentOf(order: WireOrder): WireFulfillment {
  const [only] = order.fulfillments ?? [];
  if (only === undefined) throw new CodecError(FULFILLMENT, 'one fulfilment is needed here');
  return only;
}

/** Refuses a quantity of zero (BECKN-005 40002): an order is for some kW. */
export function readSelection(order: WireOrder): FlexSelection {
  const only = fulfillmentOf(order);
  const stop = only.stops?.find((candidate) => candidate.type === 'START') ?? only.stops?.[0];
  return {
    providerId: text(order.provider?.id, '/message/order/provider/id'),
    fulfillmentId: text(only.id, `${FULFILLMENT}/id`),
    feederId: readFeeder(stop?.location, `${FULFILLMENT}/stops/0/location`),
    window: readRange(stop?.time, `${FULFILLMENT}/stops/0/time`),
    items: readItems(order.items),
  };
}

/** What an answer repeats of its order: always the items; the references where the BPP echoes all of them. */
export interface OrderEcho {
  readonly items: FlexSelection['items'];
  readonly references?: OrderReferences;
}

export function readEcho(order: WireOrder): OrderEcho {
  const details = findTags(order.tags, 'event-details', '/message/order/tags');
  const complete = REFERENCES.every((code) => details?.optional(code) !== undefined);
  return { items: readItems(order.items), ...(complete && { references: readReferences(order) }) };
}

const REFERENCES = ['event-id', 'obp-id', 'obp-id-source', 'intervention-class'];

export function readItems(items: readonly WireItem[] | undefined): { itemId: string; kw: number }[] {
  if (items === undefined || items.length === 0) throw new CodecError('/message/order/items', 'at least one item');
  const seen = new Set<string>();
  return items.map((item, index) => {
    const path = `/message/order/items/${index}`;
    const itemId = text(item.id, `${path}/id`);
    if (seen.has(itemId)) throw new CodecError(`${path}/id`, `item ${itemId} stands twice in one order`, '30004');
    seen.add(itemId);
    const power = readKw(item.quantity?.selected, `${path}/quantity/selected`);
    if (power <= 0) throw new CodecError(`${path}/quantity/selected`, `${power} kW is nothing to order`, '40002');
    return { itemId, kw: power };
  });
}

export function referenceTags(references: OrderReferences): WireTagGroup {
  return tagGroup('event-details', {
    'event-id': references.eventId,
    'obp-id': references.obpId,
    'obp-id-source': references.obpIdSource,
    'intervention-class': references.interventionClass,
    priority: references.interventionClass === 'EMERGENCY' ? 'EMERGENCY' : 'HIGH',
  });
}

export function readReferences(order: WireOrder): OrderReferences {
  const tags = requireTags(order.tags, 'event-details', '/message/order/tags');
  return {
    eventId: identify(eventId, tags.required('event-id'), tags.path('event-id')),
    obpId: identify(obpId, tags.required('obp-id'), tags.path('obp-id')),
    obpIdSource: oneOf(['network-assigned', 'neso-obp'], tags.required('obp-id-source'), tags.path('obp-id-source')),
    interventionClass: oneOf(
      ['INCENTIVE', 'EMERGENCY'],
      tags.required('intervention-class'),
      tags.path('intervention-class'),
    ),
  };
}

export const DIRECTIONS: readonly Direction[] = ['TURN_DOWN', 'TURN_UP'];

export function oneOf<const T extends string>(allowed: readonly T[], value: string | undefined, path: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) {
    throw new CodecError(path, `expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`);
  }
  return found;
}
