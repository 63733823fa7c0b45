/** cancel: the BAP withdraws an order; on_cancel: it is cancelled, by whom and why. */
import type { OrderId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type { FlexSelection, OrderCancellation, OrderReferences } from '../model.ts';
import { messageOf, type OrderEcho, oneOf, orderOf, readEcho, readOrderId, text, type ValidBody } from './order.ts';
import { instant, readInstant } from './quantity.ts';
import { encodeOnStatus } from './status.ts';
import type { WireDescriptor, WireOrder } from './wire.ts';

export interface CancelRequest {
  readonly orderId: OrderId;
  readonly reasonId: string;
  readonly note: string;
}

export interface CancelledOrder {
  readonly orderId: OrderId;
  readonly selection: FlexSelection;
  readonly references: OrderReferences;
  readonly cancellation: OrderCancellation;
}

const REASON_CODE = 'GRID_EVENT_CANCELLED';

export function encodeCancel(request: CancelRequest): {
  order_id: string;
  cancellation_reason_id: string;
  descriptor: WireDescriptor;
} {
  return {
    order_id: request.orderId,
    cancellation_reason_id: request.reasonId,
    descriptor: { code: REASON_CODE, short_desc: request.note },
  };
}

export function decodeCancel(body: ValidBody): CancelRequest {
  const message = messageOf<{ order_id?: string; cancellation_reason_id?: string; descriptor?: WireDescriptor }>(body);
  return {
    orderId: readOrderId(message.order_id, '/message/order_id'),
    reasonId: text(message.cancellation_reason_id, '/message/cancellation_reason_id'),
    note: message.descriptor?.short_desc ?? '',
  };
}

/** @param nowMs wall time of the report */
export function encodeOnCancel(order: CancelledOrder, nowMs: number): { order: WireOrder } {
  const { by, reasonId, note, atMs } = order.cancellation;
  const { order: wire } = encodeOnStatus({ ...order, fulfilment: 'CANCELLED' }, nowMs);
  const reason = { id: reasonId, descriptor: { code: REASON_CODE, short_desc: note } };
  return { order: { ...wire, cancellation: { time: instant(atMs), cancelled_by: by, reason } } };
}

export interface CancelAnswer extends OrderEcho {
  readonly orderId: OrderId;
  readonly cancellation: OrderCancellation;
}

export function decodeOnCancel(body: ValidBody): CancelAnswer {
  const order = orderOf(body);
  const { cancellation } = order;
  const path = '/message/order/cancellation';
  if (cancellation === undefined) throw new CodecError(path, 'say who cancelled the order and why');
  return {
    orderId: readOrderId(order.id),
    ...readEcho(order),
    cancellation: {
      by: oneOf(['CONSUMER', 'PROVIDER'], cancellation.cancelled_by, `${path}/cancelled_by`),
      reasonId: text(cancellation.reason?.id, `${path}/reason/id`),
      note: cancellation.reason?.descriptor?.short_desc ?? '',
      atMs: readInstant(cancellation.time, `${path}/time`),
    },
  };
}
