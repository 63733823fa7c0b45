/** track, rating and support: what a BAP may ask and say of an order beside buying it, and the answers. */
import type { OrderId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import { messageOf, oneOf, readOrderId, text, type ValidBody } from './order.ts';

export function encodeTrack(orderId: OrderId): { order_id: string } {
  return { order_id: orderId };
}

export function decodeTrack(body: ValidBody): { readonly orderId: OrderId } {
  const { order_id } = messageOf<{ order_id?: string }>(body);
  return { orderId: readOrderId(order_id, '/message/order_id') };
}

export interface Tracking {
  readonly orderId: OrderId;
  /** `active` while something is to be seen. */
  readonly status: 'active' | 'inactive';
  /** Where; always there while it is active. */
  readonly url?: string;
}

export function encodeOnTrack({ orderId, status, url }: Tracking) {
  return { tracking: { id: orderId as string, status, ...(url === undefined ? {} : { url }) } };
}

export function decodeOnTrack(body: ValidBody): Tracking {
  const { tracking } = messageOf<{ tracking?: { id?: string; status?: string; url?: string } }>(body);
  return {
    orderId: readOrderId(tracking?.id, '/message/tracking/id'),
    status: oneOf(['active', 'inactive'], tracking?.status, '/message/tracking/status'),
    ...(tracking?.url === undefined ? {} : { url: tracking.url }),
  };
}

export interface OrderRating {
  readonly orderId: OrderId;
  /** 0 to 5, in tenths. */
  readonly value: number;
}

export function encodeRating({ orderId, value }: OrderRating) {
  return { ratings: [{ rating_category: 'Order' as const, id: orderId as string, value: value.toFixed(1) }] };
}

/** The rating of one order; other things that are rated along with it are left. */
export function decodeRating(body: ValidBody): OrderRating {
  const { ratings = [] } = messageOf<{ ratings?: { rating_category?: string; id?: string; value?: string }[] }>(body);
  const index = ratings.findIndex((one) => one.rating_category === 'Order');
  const rating = ratings[index];
  if (!rating) throw new CodecError('/message/ratings', 'an order is rated here: rating_category Order', '40001');
  return {
    orderId: readOrderId(rating.id, `/message/ratings/${index}/id`),
    value: Number(text(rating.value, `/message/ratings/${index}/value`)),
  };
}

/** Nothing is asked back. */
export function encodeOnRating(): Record<string, never> {
  return {};
}

export function encodeSupport(orderId: OrderId): { support: { ref_id: string } } {
  return { support: { ref_id: orderId } };
}

export function decodeSupport(body: ValidBody): { readonly orderId: OrderId } {
  const { support } = messageOf<{ support?: { ref_id?: string } }>(body);
  return { orderId: readOrderId(support?.ref_id, '/message/support/ref_id') };
}

/** At least one of them. */
export interface Contact {
  readonly phone?: string;
  readonly email?: string;
  readonly url?: string;
}

export function encodeOnSupport(orderId: OrderId, contact: Contact) {
  return { support: { ref_id: orderId as string, ...contact } };
}

export function decodeOnSupport(body: ValidBody): { readonly orderId: OrderId; readonly contact: Contact } {
  const { support } = messageOf<{ support?: Contact & { ref_id?: string } }>(body);
  const { phone, email, url } = support ?? {};
  return {
    orderId: readOrderId(support?.ref_id, '/message/support/ref_id'),
    contact: { ...(phone && { phone }), ...(email && { email }), ...(url && { url }) },
  };
}
