/** What completed orders earned by this aggregator's own meters. The DSO's settlement decides; this says what to expect. */
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { type OrderRow, windowOf } from '../orders/store.ts';
import { grouped } from './grouped.ts';

export interface EarningView {
  /** London date of the window's start. */
  readonly date: string;
  readonly orders: number;
  readonly deliveredKwh: number;
  readonly promisedKwh: number;
  readonly earnedGbp: number;
}

type Earning = Pick<OrderRow, 'quote' | 'performance' | 'committed_kw' | 'window_start_at' | 'window_end_at'>;

/** Null while nothing was measured. Less load than was promised earns no more; more load than before costs nothing. */
export function earnedGbp(row: Earning): number | null {
  const kwh = paidKwh(row);
  return kwh === null ? null : Math.round(kwh * priceOf(row) * 100) / 100;
}

function paidKwh({ performance, committed_kw, window_end_at }: Earning): number | null {
  if (!performance) return null;
  return performance.intervals.reduce((sum, { startMs, reductionKw }, index) => {
    const endMs = performance.intervals[index + 1]?.startMs ?? window_end_at.getTime();
    return sum + (Math.min(committed_kw, Math.max(0, reductionKw)) * (endMs - startMs)) / 3_600_000;
  }, 0);
}

/** GBP per kWh, of all items by their share. */
function priceOf({ quote }: Earning): number {
  const items = quote.items.filter(({ kw }) => kw > 0);
  const kw = items.reduce((sum, item) => sum + item.kw, 0);
  return kw === 0 ? 0 : items.reduce((sum, item) => sum + item.kw * item.priceGbpPerKwh, 0) / kw;
}

/** By day, newest first. */
export async function earnings({ database, context }: Rooms): Promise<EarningView[]> {
  const since = new Date(context.grid.nowMs() - LIMITS.earningDays * 86_400_000);
  const rows = await database
    .selectFrom('flex_order')
    .select(['quote', 'performance', 'committed_kw', 'window_start_at', 'window_end_at'])
    .where('state', '=', 'COMPLETED')
    .where('performance', 'is not', null)
    .where('window_end_at', '>', since)
    .orderBy('order_no', 'desc')
    .limit(LIMITS.earningDays * LIMITS.maxOrdersShown)
    .execute();
  const byDate = grouped(rows, (row) => settlementPeriodOf(row.window_start_at.getTime()).date);
  return [...byDate].map(([date, orders]) => dayOf(date, orders)).sort((a, b) => b.date.localeCompare(a.date));
}

function dayOf(date: string, orders: readonly Earning[]): EarningView {
  const sum = (of: (order: Earning) => number, places: number) =>
    Math.round(orders.reduce((total, order) => total + of(order), 0) * places) / places;
  return {
    date,
    orders: orders.length,
    deliveredKwh: sum((order) => order.performance?.deliveredKwh ?? 0, 1_000),
    promisedKwh: sum((order) => order.committed_kw * hoursOf(order), 1_000),
    earnedGbp: sum((order) => earnedGbp(order) ?? 0, 100),
  };
}

function hoursOf(order: Earning): number {
  const { startMs, endMs } = windowOf(order as OrderRow);
  return (endMs - startMs) / 3_600_000;
}
