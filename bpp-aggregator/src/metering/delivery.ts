import type { DeliveryReport, DeviceType, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { Kysely } from 'kysely';
import type { Rooms } from '../context.ts';
import { sendStatus } from '../dispatch/report.ts';
import { LIMITS } from '../limits.ts';
import { roundKw } from '../orders/quantity.ts';
import { lockByNo, type OrderRow, windowOf } from '../orders/store.ts';
import type { Fleet } from '../portfolio/fleet.ts';
import type { AggregatorTables } from '../tables.ts';

/** A running order as its delivery is measured: only devices that accepted count. */
export interface WatchedOrder {
  readonly orderNo: number;
  readonly feederId: string;
  readonly window: TimeWindow;
  readonly committedKw: number;
  readonly devices: readonly { readonly derNo: number; readonly baselineKw: number }[];
  readonly isShort: boolean;
  /** Of the order, as it was changed. */
  readonly revision: number;
}

export async function watchedOrder(db: Kysely<AggregatorTables>, row: OrderRow): Promise<WatchedOrder> {
  const devices = await db
    .selectFrom('command')
    .select(['der_no', 'baseline_kw'])
    .where('order_no', '=', row.order_no)
    .where('command_type', '<>', 'RELEASE')
    .where('answer', '=', 'ACCEPTED')
    .where('ended_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .orderBy('der_id')
    .execute();
  return {
    orderNo: row.order_no,
    feederId: row.feeder_id,
    window: windowOf(row),
    committedKw: row.committed_kw,
    devices: devices.map((device) => ({ derNo: device.der_no, baselineKw: device.baseline_kw })),
    isShort: row.is_short,
    revision: row.revision,
  };
}

/** Power before dispatch less power now, over the devices that accepted. */
export function measureDelivery(order: WatchedOrder, fleet: Fleet): DeliveryReport {
  const measured = order.devices.reduce(
    (sum, { derNo, baselineKw }) => sum + baselineKw - (fleet.byNo(derNo)?.live.powerKw ?? baselineKw),
    0,
  );
  const measuredKw = roundKw(measured);
  return { measuredKw, shortfallKw: roundKw(Math.max(0, order.committedKw - measuredKw)) };
}

/** Longest response time of the device types in the order, seconds: before that nothing is short. */
export function responseSecondsOf(
  order: WatchedOrder,
  fleet: Fleet,
  responseSeconds: Readonly<Record<DeviceType, number>>,
): number {
  return order.devices.reduce((longest, { derNo }) => {
    const type = fleet.byNo(derNo)?.type;
    return type === undefined ? longest : Math.max(longest, responseSeconds[type]);
  }, 0);
}

/** Whether every device has sent a reading since `sinceMs`. */
export function hasReported(order: WatchedOrder, fleet: Fleet, sinceMs: number): boolean {
  return order.devices.every(({ derNo }) => (fleet.byNo(derNo)?.live.readAtMs ?? 0) >= sinceMs);
}

/**
 * Compares what running orders deliver with what they promised, at grid instants, on the samples that are in by then;
 * tells the BAP when an order falls short and when it recovers, once each.
 */
export class DeliveryWatch {
  readonly #rooms: () => Rooms;
  readonly #orders = new Map<number, WatchedOrder>();
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  /** Of several processes the leading one watches, and takes the orders from the tables. */
  watch(order: WatchedOrder): void {
    if (!this.#rooms().process.leads()) return;
    this.#orders.set(order.orderNo, order);
    this.#arm();
  }

  forget(orderNo: number): void {
    this.#orders.delete(orderNo);
  }

  isWatching(orderNo: number, revision: number): boolean {
    return this.#orders.get(orderNo)?.revision === revision;
  }

  /** Forgets all orders but these. */
  keepOnly(orderNos: ReadonlySet<number>): void {
    for (const orderNo of this.#orders.keys()) if (!orderNos.has(orderNo)) this.#orders.delete(orderNo);
  }

  /** Delivery of an order whose answers are in and whose window has begun; undefined otherwise. */
  async measure(db: Kysely<AggregatorTables>, row: OrderRow): Promise<DeliveryReport | undefined> {
    const { context, fleet, process, refresh } = this.#rooms();
    if (context.grid.nowMs() < row.window_start_at.getTime()) return undefined;
    const watched = this.#orders.get(row.order_no);
    const order = watched ?? (process.shared && row.answers_closed ? await watchedOrder(db, row) : undefined);
    if (!order) return undefined;
    await refresh.feeder(db, order.feederId);
    return measureDelivery(order, fleet);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#orders.clear();
  }

  #arm(): void {
    if (this.#closed || this.#cancel || this.#orders.size === 0) return;
    const { context } = this.#rooms();
    this.#cancel = context.grid.at(context.grid.nowMs() + LIMITS.deliveryCheckMs, 'delivery check', () =>
      context.activity.track('delivery check', async () => {
        this.#cancel = undefined;
        await this.#check().catch((error: unknown) => {
          context.log.error({ error: String(error) }, 'delivery could not be checked; the next check is soon');
        });
        this.#arm();
      }),
    );
  }

  async #check(): Promise<void> {
    const { context, config, fleet, process, refresh, database } = this.#rooms();
    if (!process.leads()) return this.#orders.clear();
    const nowMs = context.grid.nowMs();
    for (const order of [...this.#orders.values()].sort((a, b) => a.orderNo - b.orderNo)) {
      if (nowMs >= order.window.endMs) {
        this.#orders.delete(order.orderNo);
        continue;
      }
      await refresh.feeder(database, order.feederId);
      // Before the slowest device type has had its response time, and has told of it, nothing is short.
      const dueMs = order.window.startMs + responseSecondsOf(order, fleet, config.responseSeconds) * 1000;
      if (nowMs < dueMs || (nowMs < dueMs + config.telemetryMaxAgeSeconds * 1000 && !hasReported(order, fleet, dueMs)))
        continue;
      const delivery = measureDelivery(order, fleet);
      const isShort = delivery.measuredKw < order.committedKw * config.shortfallShare;
      if (isShort !== order.isShort) await this.#tell({ ...order, isShort }, delivery);
    }
  }

  async #tell(order: WatchedOrder, delivery: DeliveryReport): Promise<void> {
    const rooms = this.#rooms();
    try {
      await rooms.transact(async (work) => {
        const row = await lockByNo(work.db, order.orderNo);
        if (row.state !== 'IN_PROGRESS' || row.is_short === order.isShort) return;
        await work.db
          .updateTable('flex_order')
          .set({ is_short: order.isShort })
          .where('order_no', '=', order.orderNo)
          .execute();
        await sendStatus(work, rooms, row, delivery);
      });
      if (this.#orders.has(order.orderNo)) this.#orders.set(order.orderNo, order);
    } catch (error) {
      rooms.context.log.error(
        { orderNo: order.orderNo, error: String(error) },
        'a delivery report could not be written',
      );
    }
  }
}
