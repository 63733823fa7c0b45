/** init: the order's references; on_init: its id and terms. */
import type { OrderId } from '../../beckn/identifiers.ts';
import type { FlexQuote, FlexSelection, OrderReferences } from '../model.ts';
import { excludedTags } from './devices.ts';
import {
  fulfillment,
  type OrderEcho,
  orderOf,
  readEcho,
  readOrderId,
  readReferences,
  readSelection,
  referenceTags,
  selectionItems,
  type ValidBody,
} from './order.ts';
import { price } from './quantity.ts';
import { quote, readQuote } from './quote.ts';
import type { WireOrder } from './wire.ts';

/** What the BAP asks to have drawn up: the firm kW of the quote, for one event, under one OBP id. */
export interface InitRequest {
  /** Items carry the firm kW of the quote. */
  readonly selection: FlexSelection;
  readonly references: OrderReferences;
  /** Devices that the order must do without. */
  readonly excludedDerIds?: readonly string[];
}

/** The order as the BPP drew it up; not yet agreed. */
export interface InitialisedOrder extends InitRequest {
  readonly orderId: OrderId;
  readonly quote: FlexQuote;
}

export function encodeInit(request: InitRequest): { order: WireOrder } {
  const { selection, references, excludedDerIds } = request;
  return {
    order: {
      provider: { id: selection.providerId },
      items: selectionItems(selection),
      fulfillments: [fulfillment(selection)],
      tags: [referenceTags(references), ...excludedTags(excludedDerIds)],
    },
  };
}

export function decodeInit(body: ValidBody): InitRequest {
  const order = orderOf(body);
  return { selection: readSelection(order), references: readReferences(order) };
}

/** Free to cancel until it runs; then half of the price, as each on_init says. */
const CANCELLATION_TERMS: WireOrder['cancellation_terms'] = [
  {
    fulfillment_state: { descriptor: { code: 'SCHEDULED' } },
    reason_required: true,
    cancellation_fee: { percentage: '0' },
  },
  {
    fulfillment_state: { descriptor: { code: 'IN_PROGRESS' } },
    reason_required: true,
    cancellation_fee: { percentage: '50' },
  },
];

/** @param nowMs wall time; the quote's ttl counts from it */
export function encodeOnInit(order: InitialisedOrder, nowMs: number): { order: WireOrder } {
  return {
    order: {
      id: order.orderId,
      ...encodeInit(order).order,
      quote: quote(order.quote, nowMs),
      payments: payments(order.quote),
      cancellation_terms: CANCELLATION_TERMS,
    },
  };
}

/** An answer to init: the terms, and the order's id where the BPP gives it already. */
export interface InitAnswer extends OrderEcho {
  readonly orderId?: OrderId;
  readonly quote: FlexQuote;
}

export function decodeOnInit(body: ValidBody): InitAnswer {
  const order = orderOf(body);
  return {
    ...(order.id === undefined ? {} : { orderId: readOrderId(order.id) }),
    ...readEcho(order),
    quote: readQuote(order, body),
  };
}

export function payments(agreed: FlexQuote): WireOrder['payments'] {
  const { currency, value } = price(agreed.totalGbp);
  return [
    {
      id: 'settlement',
      collected_by: 'BAP',
      type: 'POST-FULFILLMENT',
      status: 'NOT-PAID',
      params: { amount: value, currency },
    },
  ];
}
