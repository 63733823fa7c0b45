/**
 * What completed orders earn, by the lines of the statement: what was agreed at each time, the settlement's baseline and
 * its decimals, so that page, statement and the DSO's settlement say the same to the penny.
 */
import { setImmediate } from 'node:timers/promises';
import { agreedKwh } from '@flexder/protocol/flexibility/revisions.ts';
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { orderLines } from '../enrolment/statement.ts';
import { type Money, moneyOf } from '../enrolment/statement-lines.ts';
import { LIMITS } from '../limits.ts';
import { revisionsOf } from '../orders/revisions.ts';
import { type OrderRow, windowOf } from '../orders/store.ts';
import { grouped } from './grouped.ts';

/** Of one London date; money and payable volume as decimal text. */
export interface EarningView extends Money {
  /** The first settlement date of its orders in that month. */
  readonly date: string;
  readonly orders: number;
  /** What was agreed at each time, and what our meters measured against the five minutes before dispatch. */
  readonly agreedKwh: number;
  readonly deliveredKwh: number;
}

export interface Earnings {
  /** By day, newest first. */
  readonly days: readonly EarningView[];
  /** Completed orders that are not reckoned yet; the next look goes on. */
  readonly waiting: number;
  /** Decimal text; undefined while an order is not reckoned. */
  paidGbp(orderNo: number): string | undefined;
}

/** Reckons each completed order once: its meter document does not change any more. */
export function earningsOf(rooms: Rooms): () => Promise<Earnings> {
  const known = new Map<number, readonly EarningView[]>();
  return async () => {
    const orderNos = await completed(rooms);
    const wanted = new Set(orderNos);
    for (const orderNo of known.keys()) if (!wanted.has(orderNo)) known.delete(orderNo);
    const missing = orderNos.filter((orderNo) => !known.has(orderNo));
    for (const orderNo of missing.slice(0, LIMITS.ordersReckoned)) {
      known.set(orderNo, await earnedWith(rooms, orderNo));
      // Messages go in between.
      await setImmediate();
    }
    return {
      days: byDay([...known.values()].flat()),
      waiting: Math.max(0, missing.length - LIMITS.ordersReckoned),
      paidGbp(orderNo) {
        const earned = known.get(orderNo);
        return earned && moneyOf(earned).paid_gbp;
      },
    };
  };
}

async function completed({ database, context }: Rooms): Promise<number[]> {
  const since = new Date(context.grid.nowMs() - LIMITS.earningDays * 86_400_000);
  const rows = await database
    .selectFrom('flex_order')
    .select('order_no')
    .where('state', '=', 'COMPLETED')
    .where(sql<boolean>`meter_document is not null`)
    .where('window_end_at', '>', since)
    .orderBy('order_no', 'desc')
    .limit(LIMITS.ordersEarning)
    .execute();
  return rows.map(({ order_no }) => order_no);
}

async function earnedWith(rooms: Rooms, orderNo: number): Promise<EarningView[]> {
  const order = await rooms.database
    .selectFrom('flex_order')
    .selectAll()
    .where('order_no', '=', orderNo)
    .executeTakeFirstOrThrow();
  try {
    return await reckoned(rooms, order);
  } catch (error) {
    // Its statement says so, too; the others are shown.
    rooms.context.log.warn({ orderId: order.order_id, error: String(error) }, 'an order cannot be settled');
    return [];
  }
}

async function reckoned(rooms: Rooms, order: OrderRow): Promise<EarningView[]> {
  const { startMs, endMs } = windowOf(order);
  const revisions = await revisionsOf(rooms.database, order);
  const months = grouped(datesOf(startMs, endMs), (date) => date.slice(0, 7));
  const once = {
    orders: 1,
    agreedKwh: agreedKwh(revisions, { startMs, endMs }),
    deliveredKwh: order.performance?.deliveredKwh ?? 0,
  };
  const earned: EarningView[] = [];
  // An order that crosses the end of a month earns in both, and counts in the first.
  for (const [month, [date]] of months) {
    const money = moneyOf(await orderLines(rooms, order, month));
    earned.push({ date: date!, ...(earned.length === 0 ? once : NOTHING), ...money });
  }
  return earned;
}

const NOTHING = { orders: 0, agreedKwh: 0, deliveredKwh: 0 };

/** London dates on which a window begins and ends. */
function datesOf(startMs: number, endMs: number): string[] {
  return [...new Set([startMs, endMs - 1].map((ms) => settlementPeriodOf(ms).date))];
}

function byDay(earned: readonly EarningView[]): EarningView[] {
  return [...grouped(earned, ({ date }) => date)]
    .map(([date, of]) => ({
      ...{ date, ...moneyOf(of), orders: of.reduce((sum, { orders }) => sum + orders, 0) },
      agreedKwh: kwhOf(of, 'agreedKwh'),
      deliveredKwh: kwhOf(of, 'deliveredKwh'),
    }))
    .sort((a, b) => b.date.localeCompare(a.date));
}

function kwhOf(of: readonly EarningView[], member: 'agreedKwh' | 'deliveredKwh'): number {
  return Math.round(of.reduce((sum, one) => sum + one[member], 0) * 1_000) / 1_000;
}
