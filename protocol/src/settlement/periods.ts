import type { TimeWindow } from '../flexibility/model.ts';
import { settlementPeriodOf } from '../flexibility/settlement-period.ts';
import { type Big, decimal } from './decimal.ts';

/** A settlement period and how much of it an instruction covers. */
export interface CoveredPeriod {
  /** London settlement date and period 1 to 50. */
  readonly date: string;
  readonly period: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly coveredHours: Big;
  /** The number of its first instruction point: 1 START, then one SPP a half-hour boundary. */
  readonly sequence: number;
}

/** An activation lasts hours; a day has at most 50 settlement periods. */
const MAX_PERIODS_PER_ORDER = 50;
const HOUR_MS = 3_600_000;

/** The settlement periods an instruction touches, in order; throws RangeError for more than the bound. */
export function coveredPeriods(window: TimeWindow): CoveredPeriod[] {
  const periods: CoveredPeriod[] = [];
  for (let atMs = window.startMs; atMs < window.endMs; ) {
    if (periods.length === MAX_PERIODS_PER_ORDER) {
      throw new RangeError(`an instruction of more than ${MAX_PERIODS_PER_ORDER} settlement periods is not settled`);
    }
    const { date, period, startMs, endMs } = settlementPeriodOf(atMs);
    const coveredMs = Math.min(window.endMs, endMs) - Math.max(window.startMs, startMs);
    periods.push({
      date,
      period,
      startMs,
      endMs,
      coveredHours: decimal(coveredMs).div(HOUR_MS),
      sequence: periods.length + 1,
    });
    atMs = endMs;
  }
  return periods;
}

/** Key of a settlement period in a map. */
export function periodKey(row: { readonly settlement_date: string; readonly settlement_period: number }): string {
  return `${row.settlement_date}/${row.settlement_period}`;
}
