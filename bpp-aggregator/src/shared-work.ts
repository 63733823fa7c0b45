import { sql } from 'kysely';
import type { Rooms } from './context.ts';
import { ordersLeft } from './dispatch/claims.ts';
import { closeDueAnswers } from './dispatch/report.ts';
import { reportWhole } from './dispatch/sent.ts';
import { LIMITS } from './limits.ts';
import { completeOrder, completionDueMs } from './metering/completion.ts';
import { watchedOrder } from './metering/delivery.ts';
import { expireDueQuotes } from './orders/quote-expiry.ts';
import { countCompleted } from './resume.ts';

interface Running {
  readonly order_no: number;
  readonly state: string;
  readonly window_end_at: Date;
  readonly answers_due_at: Date | null;
  readonly answers_closed: boolean;
  readonly fan_out_reported: boolean;
  readonly unsent: boolean;
  readonly revision: number;
}

/**
 * What the processes of one aggregator do for each other, every second: commands that a dead one had claimed are sent,
 * deadlines that its timers would have kept are kept. All of it is decided under row locks, so that doing it twice, or in
 * two processes at once, changes nothing. The leading process also watches deliveries.
 */
export class SharedWork {
  readonly #rooms: () => Rooms;
  #cancel = () => {};
  #running: Promise<void> = Promise.resolve();
  #closed = false;
  #countedMs = Number.NEGATIVE_INFINITY;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  start(): void {
    const { context } = this.#rooms();
    this.#cancel = context.wall.after(LIMITS.sharedSweepMs, () => {
      this.#running = context.activity
        .track('shared work', () => this.#look())
        .catch((error: unknown) => {
          context.metrics.count('shared_work_failed');
          context.log.error({ error: String(error) }, 'the work of other processes could not be looked at');
        })
        .then(() => (this.#closed ? undefined : this.start()));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#running;
  }

  async #look(): Promise<void> {
    const rooms = this.#rooms();
    const { context, dispatcher, peers } = rooms;
    await peers.look();
    if (peers.alone) await rooms.refresh.rest();
    for (const orderNo of await ordersLeft(rooms)) {
      if (dispatcher.isBusyWith(orderNo)) continue;
      context.metrics.count('fan_out_taken_over');
      await this.#each(orderNo, 'unsent commands', () => dispatcher.takeOver(orderNo, 'lapsed'));
    }
    await rooms.transact((work) => expireDueQuotes(work, rooms));
    const running = await runningOrders(rooms);
    for (const order of running) await this.#keep(order);
    await this.#watch(running);
    const nowMs = context.wall.monotonicMs();
    if (nowMs - this.#countedMs < LIMITS.completedCountMs) return;
    this.#countedMs = nowMs;
    await countCompleted(rooms);
  }

  /** What is due of one order, and was not done by the process that armed it. */
  async #keep(order: Running): Promise<void> {
    const rooms = this.#rooms();
    const { order_no: orderNo } = order;
    const gridMs = rooms.context.grid.nowMs();
    if (order.state === 'SCHEDULED' && !order.fan_out_reported && !order.unsent)
      await this.#each(orderNo, 'the report of a fan-out', () => reportWhole(rooms, orderNo));
    const dueMs = (order.answers_due_at?.getTime() ?? Number.POSITIVE_INFINITY) + LIMITS.answersGraceMs;
    if (!order.answers_closed && dueMs <= gridMs)
      await this.#each(orderNo, 'answers', () => rooms.transact((work) => closeDueAnswers(work, rooms, orderNo)));
    const completionMs = completionDueMs(order, rooms.config.meterGraceSeconds) + LIMITS.completionGraceMs;
    if (order.answers_closed && completionMs <= gridMs)
      await this.#each(orderNo, 'completion', () => completeOrder(rooms, orderNo));
  }

  async #watch(running: readonly Running[]): Promise<void> {
    const { process, delivery, database } = this.#rooms();
    if (!process.leads()) return;
    const watchable = running.filter((order) => order.answers_closed && order.state === 'IN_PROGRESS');
    delivery.keepOnly(new Set(watchable.map((order) => order.order_no)));
    for (const { order_no, revision } of watchable) {
      if (delivery.isWatching(order_no, revision)) continue;
      const row = await database
        .selectFrom('flex_order')
        .selectAll()
        .where('order_no', '=', order_no)
        .executeTakeFirstOrThrow();
      delivery.watch(await watchedOrder(database, row));
    }
  }

  /** One order's trouble is not the next one's. */
  async #each(orderNo: number, what: string, run: () => Promise<unknown>): Promise<void> {
    const { context } = this.#rooms();
    await run().catch((error: unknown) => {
      context.metrics.count('shared_work_failed');
      context.log.error({ orderNo, what, error: String(error) }, 'work of another process failed; tried again soon');
    });
  }
}

async function runningOrders({ database }: Rooms): Promise<Running[]> {
  const { rows } = await sql<Running>`
    select order_no, state, window_end_at, answers_due_at, answers_closed, fan_out_reported, revision,
      exists (select from command c where c.order_no = o.order_no and c.state = 'PENDING') as unsent
    from flex_order o where state in ('SCHEDULED', 'IN_PROGRESS') order by order_no`.execute(database);
  return rows;
}
