import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Undelivered } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { writeReleases } from '../dispatch/commands.ts';
import { dropHolds } from './holds.ts';
import { auditOrder, lockByTransaction } from './store.ts';

/** A BAP that answers so knows nothing of the order, or has given it up. */
const NOT_WANTED: ReadonlySet<string> = new Set(['ORD_STATE', 'ORD_UNKNOWN', '30010', 'CTX_STALE']);

/**
 * An answer that will never arrive. A quote that nobody learned of holds nothing any longer; an order whose
 * confirmation the BAP refuses was bought elsewhere, so its devices go free. When the BAP was merely away the order
 * stands: the BAP asks for its status, or cancels it.
 */
export async function onUndelivered(
  work: Work,
  rooms: Rooms,
  { message, to, reason, error }: Undelivered,
): Promise<void> {
  const { action, transaction_id } = message.context;
  rooms.context.metrics.count('answers_undelivered', { action, reason });
  if (message.error || (action !== 'on_select' && action !== 'on_init' && action !== 'on_confirm')) return;
  const row = await lockByTransaction(work.db, to as SubscriberId, transaction_id);
  if (!row) return;
  const now = new Date(rooms.context.wall.nowMs());
  if (row.state === 'QUOTED' || row.state === 'INITIALISED') {
    await dropHolds(work.db, row.order_no);
    await work.db
      .updateTable('flex_order')
      .set({ state: 'EXPIRED', updated_wall_at: now })
      .where('order_no', '=', row.order_no)
      .execute();
    await auditOrder(work, row, `${action} was not delivered (${reason}); its devices are free again`);
    return work.afterCommit(() => rooms.timers.disarm('quote', row.order_no));
  }
  const refused = action === 'on_confirm' && reason === 'nack' && NOT_WANTED.has(error?.code ?? '');
  if (!refused || (row.state !== 'SCHEDULED' && row.state !== 'IN_PROGRESS') || !row.order_references) return;
  const releases = await writeReleases(work, rooms, row, row.order_references);
  const note = `the confirmation was refused with ${error?.code}`;
  await work.db
    .updateTable('flex_order')
    .set({
      state: 'CANCELLED',
      answers_closed: true,
      cancellation: JSON.stringify({ by: 'PROVIDER', reasonId: '1', note, atMs: now.getTime() }),
      updated_wall_at: now,
    })
    .where('order_no', '=', row.order_no)
    .execute();
  await auditOrder(work, row, `${note}; ${releases.commands.length} devices are released`);
  work.afterCommit(() => {
    for (const waiting of ['answers', 'completion'] as const) rooms.timers.disarm(waiting, row.order_no);
    rooms.delivery.forget(row.order_no);
    void rooms.dispatcher.fanOut(row.order_no, releases);
  });
}
