import { decodeRating, encodeOnRating } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { lockByOrderId } from '../orders/store.ts';
import { answer, read, refuse, UNKNOWN_ORDER } from './answer.ts';

/** What a BAP thought of an order that is over; the last word counts. Offers rest on deliveries, not on this. */
export function rating(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const given = await read(work, request, decodeRating);
    if (!given) return;
    const { bap_id, transaction_id } = request.body.context;
    const row = await lockByOrderId(work.db, bap_id, transaction_id, given.orderId);
    if (!row) return void (await refuse(work, request, UNKNOWN_ORDER));
    if (row.state !== 'COMPLETED')
      return void (await refuse(work, request, {
        code: 'ORD_STATE',
        message: `the order is ${row.state}: rate it when it is completed`,
      }));
    await work.db.updateTable('flex_order').set({ rating: given.value }).where('order_no', '=', row.order_no).execute();
    await work.audit({
      event_type: 'order.rated',
      transaction_id,
      order_id: given.orderId,
      counterparty_id: bap_id,
      feeder_id: row.feeder_id,
      ...(row.order_references && { obp_id: row.order_references.obpId, event_id: row.order_references.eventId }),
      rule_inputs: { rating: given.value },
      decision: `rated ${given.value} of 5`,
    });
    rooms.context.metrics.count('bpp_ratings', { value: String(Math.round(given.value)) });
    await answer(work, request, encodeOnRating());
  };
}
