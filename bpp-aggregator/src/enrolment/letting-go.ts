import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { writeReleases } from '../dispatch/commands.ts';
import { allAnswered, closeAnswers, reportFanOut, sendStatus } from '../dispatch/report.ts';
import { measureDelivery, responseSecondsOf, watchedOrder } from '../metering/delivery.ts';
import { auditOrder, lockByNo, type OrderRow } from '../orders/store.ts';
import type { FleetDer } from '../portfolio/der.ts';

/**
 * Takes one device out of an order because its consumer does not consent any longer. What is quoted loses its hold;
 * what is confirmed is released: a command that has not left never does, one that has is followed by its release, and
 * the DSO is told what is missing. The order is locked by the caller.
 */
export async function letGo(work: Work, rooms: Rooms, order: OrderRow, der: FleetDer): Promise<void> {
  if (order.state === 'QUOTED' || order.state === 'INITIALISED' || order.order_references === null) {
    await work.db
      .deleteFrom('reservation')
      .where('order_no', '=', order.order_no)
      .where('der_no', '=', der.derNo)
      .where('committed', '=', false)
      .execute();
    return auditOrder(work, order, `${der.derId} is no longer held: its consent ended`);
  }
  const now = new Date(rooms.context.grid.nowMs());
  await sql`
    update command set withdrawn_at = ${now}, answer = coalesce(answer, 'OPTED_OUT'),
      answered_at = coalesce(answered_at, ${now}), state = case when state = 'PENDING' then 'VOID' else state end
    where order_no = ${order.order_no} and der_no = ${der.derNo} and command_type <> 'RELEASE' and withdrawn_at is null`.execute(
    work.db,
  );
  const releases = await writeReleases(work, rooms, order, order.order_references, der.derNo);
  await auditOrder(work, order, `${der.derId} is released: its consent ended`, 'dispatch.withdrawn');
  await tell(work, rooms, order);
  work.afterCommit(() => void rooms.dispatcher.fanOut(order.order_no, releases));
}

/** The DSO hears at once of a device less; while answers are awaited, with all of them. */
async function tell(work: Work, rooms: Rooms, order: OrderRow): Promise<void> {
  if (!order.answers_closed) {
    if (!order.fan_out_reported) return reportFanOut(work, rooms, order.order_no);
    if (await allAnswered(work, order.order_no))
      await closeAnswers(work, rooms, order.order_no, 'every device answered');
    return;
  }
  const watched = await watchedOrder(work.db, order);
  const dueMs =
    order.window_start_at.getTime() + responseSecondsOf(watched, rooms.fleet, rooms.config.responseSeconds) * 1000;
  // Before the devices have had the time they need to respond, nothing that is measured says anything.
  if (rooms.context.grid.nowMs() < dueMs) await sendStatus(work, rooms, order);
  else {
    const delivery = measureDelivery(watched, rooms.fleet);
    const isShort = delivery.measuredKw < order.committed_kw * rooms.config.shortfallShare;
    await work.db.updateTable('flex_order').set({ is_short: isShort }).where('order_no', '=', order.order_no).execute();
    await sendStatus(work, rooms, await lockByNo(work.db, order.order_no), delivery);
    work.afterCommit(() => rooms.delivery.watch({ ...watched, isShort }));
    return;
  }
  work.afterCommit(() => rooms.delivery.watch(watched));
}
