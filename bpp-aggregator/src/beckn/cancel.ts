import type { OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeCancel, encodeOnCancel } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { writeReleases } from '../dispatch/commands.ts';
import { quotedSelection } from '../orders/agreed.ts';
import { dropHolds } from '../orders/holds.ts';
import { advance, auditOrder, lockByOrderId } from '../orders/store.ts';
import { answer, read, refuse, UNKNOWN_ORDER } from './answer.ts';

/** Withdraws an order: what is held or committed is free at once, and devices that were commanded are let go, spread. */
export function cancel(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const asked = await read(work, request, decodeCancel);
    if (!asked) return;
    const { bap_id, transaction_id } = request.body.context;
    const row = await lockByOrderId(work.db, bap_id, transaction_id, asked.orderId);
    if (!row || row.order_references === null) return void (await refuse(work, request, UNKNOWN_ORDER));
    if (row.state === 'COMPLETED')
      return void (await refuse(work, request, { code: '50001', message: 'the order is completed' }));
    const move = advance(row.state, 'cancel', 'on_cancel');
    if (!move.ok) return void (await refuse(work, request, { code: move.code, message: move.message }));

    const nowMs = rooms.context.wall.nowMs();
    const cancellation = row.cancellation ?? {
      by: 'CONSUMER',
      reasonId: asked.reasonId,
      note: asked.note,
      atMs: nowMs,
    };
    if (move.applied) {
      const releases = await writeReleases(work, rooms, row, row.order_references);
      await dropHolds(work.db, row.order_no);
      const cancelled = await work.db
        .updateTable('flex_order')
        .set({
          state: move.state,
          answers_closed: true,
          cancellation: JSON.stringify(cancellation),
          updated_wall_at: new Date(nowMs),
        })
        .where('order_no', '=', row.order_no)
        .returningAll()
        .executeTakeFirstOrThrow();
      await auditOrder(work, cancelled, `cancelled; ${releases.commands.length} devices are released`);
      work.afterCommit(() => {
        for (const waiting of ['quote', 'answers', 'completion'] as const) rooms.timers.disarm(waiting, row.order_no);
        rooms.delivery.forget(row.order_no);
        void rooms.dispatcher.fanOut(row.order_no, releases);
      });
    }
    const order = {
      orderId: row.order_id as OrderId,
      selection: quotedSelection(row),
      references: row.order_references,
      cancellation,
    };
    await answer(work, request, encodeOnCancel(order, nowMs));
  };
}
