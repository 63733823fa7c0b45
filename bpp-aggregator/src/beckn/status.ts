import { decodeStatus, encodeOnStatus } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { lockByOrderId, statusReport } from '../orders/store.ts';
import { answer, read, refuse, UNKNOWN_ORDER } from './answer.ts';

/** Where an order stands now. */
export function status(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const asked = await read(work, request, decodeStatus);
    if (!asked) return;
    const { bap_id, transaction_id } = request.body.context;
    const row = await lockByOrderId(work.db, bap_id, transaction_id, asked.orderId);
    if (!row) return void (await refuse(work, request, UNKNOWN_ORDER));
    const report = await statusReport(work.db, row);
    if (!report) {
      const message = `the order is ${row.state}: there is nothing to report before it is confirmed`;
      return void (await refuse(work, request, { code: 'ORD_STATE', message }));
    }
    const delivery = row.state === 'IN_PROGRESS' ? await rooms.delivery.measure(work.db, row) : undefined;
    await answer(
      work,
      request,
      encodeOnStatus({ ...report, ...(delivery && { delivery }) }, rooms.context.wall.nowMs()),
    );
  };
}
