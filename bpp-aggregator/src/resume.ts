import { unlessVictim } from '@flexder/runtime/participant/unit-of-work.ts';
import type { Rooms } from './context.ts';
import { LIMITS } from './limits.ts';
import { watchedOrder } from './metering/delivery.ts';
import { armAnswers, armCompletion } from './orders/deadlines.ts';
import { armQuoteExpiry, expireDueQuotes } from './orders/quote-expiry.ts';
import { loadPortfolio, loadRecentReadings } from './portfolio/store.ts';

/** What memory holds beside the orders: devices, their last five minutes, and how often each type has served. */
export async function remember(rooms: Rooms): Promise<void> {
  const { database, fleet, context } = rooms;
  await loadPortfolio(database, fleet);
  await loadRecentReadings(database, fleet, context.grid.nowMs());
  await countCompleted(rooms);
}

/** How many orders each device type has completed. */
export async function countCompleted({ database, completed }: Rooms): Promise<void> {
  const rows = await database
    .selectFrom('flex_order')
    .innerJoin('reservation', 'reservation.order_no', 'flex_order.order_no')
    .innerJoin('der', 'der.der_no', 'reservation.der_no')
    .select(({ fn }) => ['der.device_type', fn.count<number>('flex_order.order_no').distinct().as('orders')])
    .where('flex_order.state', '=', 'COMPLETED')
    .groupBy('der.device_type')
    .execute();
  for (const row of rows) completed[row.device_type] = Number(row.orders);
}

/**
 * Takes up from the tables what a stop or a crash left: quotes run on, commands not yet handed to the broker go out
 * (a device executes an id once), answers are awaited, windows end. Resolves when all of it is under way.
 */
export async function resume(rooms: Rooms): Promise<void> {
  // Among several processes each takes over from the others all the time, see shared-work.ts.
  if (rooms.process.shared) return prolongMissed(rooms);
  const { database, context, dispatcher } = rooms;
  await rooms.transact((work) => expireDueQuotes(work, rooms));
  const quoted = await database
    .selectFrom('flex_order')
    .select(['order_no', 'quote_until_wall_at'])
    .where('state', 'in', ['QUOTED', 'INITIALISED'])
    .execute();
  for (const row of quoted) armQuoteExpiry(rooms, row.order_no, row.quote_until_wall_at.getTime());

  const running = await database
    .selectFrom('flex_order')
    .selectAll()
    .where('state', 'in', ['SCHEDULED', 'IN_PROGRESS'])
    .orderBy('order_no')
    .execute();
  for (const row of running) {
    if (row.answers_closed) rooms.delivery.watch(await watchedOrder(database, row));
    else armAnswers(rooms, row.order_no, await prolongAnswers(rooms, row.order_no));
    armCompletion(rooms, row);
  }
  const unsent = await database
    .selectFrom('command')
    .select('order_no')
    .distinct()
    .where('state', '=', 'PENDING')
    .orderBy('order_no')
    .execute();
  for (const { order_no } of unsent) {
    void context.activity
      .track('dispatch', () => dispatcher.takeOver(order_no, 'all'))
      .catch((error: unknown) =>
        context.log.error({ order: order_no, error: String(error) }, 'unsent commands stay unsent'),
      );
  }
}

/** Deadlines that passed while no process was there to keep them. */
async function prolongMissed(rooms: Rooms): Promise<void> {
  const { database, context } = rooms;
  const missed = await database
    .selectFrom('flex_order')
    .select('order_no')
    .where('state', 'in', ['SCHEDULED', 'IN_PROGRESS'])
    .where('answers_closed', '=', false)
    .where('answers_due_at', '<', new Date(context.grid.nowMs() - LIMITS.awayMs))
    .orderBy('order_no')
    .execute();
  for (const { order_no } of missed) await unlessVictim(() => prolongAnswers(rooms, order_no));
}

/**
 * Time we were away is no device's fault: answers get their full deadline again, and what was never sent is alive as
 * long, though never beyond its window. Returns the deadline, grid time.
 */
async function prolongAnswers({ database, context, config }: Rooms, orderNo: number): Promise<number> {
  const dueMs = context.grid.nowMs() + config.answerDeadlineS * 1000;
  await database
    .updateTable('flex_order')
    .set({ answers_due_at: new Date(dueMs) })
    .where('order_no', '=', orderNo)
    .execute();
  await database
    .updateTable('command')
    .set(({ fn, ref, val }) => ({ valid_until: fn<Date>('least', [ref('stop_at'), val(new Date(dueMs))]) }))
    .where('order_no', '=', orderNo)
    .where('state', '=', 'PENDING')
    .where('command_type', '<>', 'RELEASE')
    .execute();
  return dueMs;
}
