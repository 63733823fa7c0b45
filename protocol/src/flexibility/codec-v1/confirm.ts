/** confirm: the BAP agrees to the order as drawn up; on_confirm: the BPP is bound to it. */
import type { OrderId } from '../../beckn/identifiers.ts';
import type { Commitment, FlexQuote } from '../model.ts';
import { encodeInit, type InitialisedOrder, type InitRequest, payments } from './init.ts';
import {
  FULFILLMENT,
  fulfillment,
  fulfillmentOf,
  type OrderEcho,
  orderOf,
  readEcho,
  readOrderId,
  readReferences,
  readSelection,
  text,
  type ValidBody,
} from './order.ts';
import { instant, kw, readDecimal, readPrice } from './quantity.ts';
import { quote, readQuote } from './quote.ts';
import { requireTags, tagGroup } from './tags.ts';
import type { WireOrder } from './wire.ts';

export interface ConfirmRequest extends InitRequest {
  /** As on_init gave it; a peer's on_init may have given none. */
  readonly orderId?: OrderId;
  readonly quote: FlexQuote;
}

export interface ConfirmedOrder extends InitialisedOrder {
  readonly commitment: Commitment;
}

/** @param nowMs wall time; what is left of the quote counts from it */
export function encodeConfirm(request: ConfirmRequest, nowMs: number): { order: WireOrder } {
  return {
    order: {
      ...(request.orderId === undefined ? {} : { id: request.orderId }),
      ...encodeInit(request).order,
      quote: quote(request.quote, nowMs),
      payments: payments(request.quote),
    },
  };
}

/** What a BAP agrees to; the quote is the BPP's own, so its id says which, and a repeated total must be the quoted one. */
export interface ConfirmAgreement extends InitRequest {
  readonly orderId?: OrderId;
  readonly quoteId: string;
  readonly totalGbp?: number;
}

export function decodeConfirm(body: ValidBody): ConfirmAgreement {
  const order = orderOf(body);
  const path = '/message/order/quote';
  return {
    ...(order.id === undefined ? {} : { orderId: readOrderId(order.id) }),
    selection: readSelection(order),
    references: readReferences(order),
    quoteId: text(order.quote?.id, `${path}/id`),
    ...(order.quote?.price && { totalGbp: readPrice(order.quote.price, `${path}/price`) }),
  };
}

/** @param nowMs wall time of the confirmation */
export function encodeOnConfirm(order: ConfirmedOrder, nowMs: number): { order: WireOrder } {
  const committed = tagGroup('commitment', {
    'committed-kw': kw(order.commitment.committedKw),
    'baseline-kw': kw(order.commitment.baselineKw),
  });
  return {
    order: {
      id: order.orderId,
      status: 'ACTIVE',
      ...encodeInit(order).order,
      fulfillments: [fulfillment(order.selection, { code: 'SCHEDULED', atMs: nowMs }, [committed])],
      quote: quote(order.quote, nowMs),
      payments: payments(order.quote),
      created_at: instant(nowMs),
      updated_at: instant(nowMs),
    },
  };
}

export interface ConfirmAnswer extends OrderEcho {
  readonly orderId: OrderId;
  readonly quote: FlexQuote;
  readonly commitment: Commitment;
}

export function decodeOnConfirm(body: ValidBody): ConfirmAnswer {
  const order = orderOf(body);
  const tags = requireTags(fulfillmentOf(order).tags, 'commitment', `${FULFILLMENT}/tags`);
  const number = (code: string) => readDecimal(tags.required(code), tags.path(code));
  return {
    orderId: readOrderId(order.id),
    ...readEcho(order),
    quote: readQuote(order, body),
    commitment: { committedKw: number('committed-kw'), baselineKw: number('baseline-kw') },
  };
}
