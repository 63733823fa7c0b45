/**
 * The settlement baseline, "BL01-like" (no conformance claimed): the mean of the same settlement periods on recent
 * days of the same type, moved by what the meter did differently in the hours before the event. Pure.
 */
import type { MeterRow } from '../flexibility/model.ts';
import { HALF_HOUR_MS, periodsOf, settlementPeriodOf } from '../flexibility/settlement-period.ts';
import type { CoveredPeriod } from './periods.ts';

/** Energy a pair of meters would have taken, kWh, import positive; undefined when no baseline can be had. */
export type BaselineOf = (
  importMsid: string,
  date: string,
  period: number,
) => { readonly unadjustedKwh: number; readonly adjustmentKwh: number } | undefined;

export interface BaselineParameters {
  /** Stands in every row. */
  readonly method: string;
  readonly lookBackDays: number;
  /** Most days averaged, by type of day; the newest are taken. */
  readonly workingDays: number;
  readonly nonWorkingDays: number;
  /** Half hours before the event that the in-day adjustment looks at. */
  readonly adjustmentPeriods: number;
  /** Dates that count as non-working beside Saturdays and Sundays. */
  readonly bankHolidays: readonly string[];
}

export const BL01_LIKE: BaselineParameters = {
  method: 'BL01-LIKE',
  lookBackDays: 60,
  workingDays: 10,
  nonWorkingDays: 4,
  adjustmentPeriods: 6,
  bankHolidays: [],
};

interface Slot {
  readonly date: string;
  readonly period: number;
}

const NORMAL_DAY_PERIODS = 48;
const DAY_MS = 86_400_000;

/**
 * @param rows meter rows of the event's own day and of the days before; what is MISSING counts as absent
 * @param event the periods of the event, in order
 * @param eventDays days on which a meter was activated before: they say nothing of its usual use
 */
export function baselineFrom(
  rows: Iterable<MeterRow>,
  event: readonly CoveredPeriod[],
  eventDays: (importMsid: string) => ReadonlySet<string>,
  parameters: BaselineParameters,
): BaselineOf {
  const first = event[0];
  if (!first) return () => undefined;
  const energies = energiesByMeter(rows);
  const before = Array.from({ length: parameters.adjustmentPeriods }, (_, index) =>
    settlementPeriodOf(first.startMs - (index + 1) * HALF_HOUR_MS),
  );
  const candidates = candidateDays(first.date, parameters);
  const most = isWorkingDay(first.date, parameters) ? parameters.workingDays : parameters.nonWorkingDays;
  const meters = new Map<string, BaselineOf>();
  return (importMsid, date, period) => {
    const known = meters.get(importMsid);
    const ofMeter = known ?? meterBaseline(energies.get(importMsid) ?? new Map(), eventDays(importMsid));
    if (!known) meters.set(importMsid, ofMeter);
    return ofMeter(importMsid, date, period);
  };

  function meterBaseline(kwhAt: ReadonlyMap<string, number>, excluded: ReadonlySet<string>): BaselineOf {
    const needed = [...before, ...event];
    const complete = (day: string) => needed.every((slot) => kwhAt.has(keyOf(moved(slot, day))));
    const days: string[] = [];
    for (const day of candidates) {
      if (days.length === most) break;
      if (!excluded.has(day) && complete(day)) days.push(day);
    }
    if (days.length === 0) return () => undefined;
    const mean = (slot: Slot) => average(days.map((day) => kwhAt.get(keyOf(moved(slot, day))) ?? 0));
    const differences = before.flatMap((slot) => {
      const actual = kwhAt.get(keyOf(slot));
      return actual === undefined ? [] : [actual - mean(slot)];
    });
    const adjustmentKwh = differences.length === 0 ? 0 : average(differences);
    return (_msid, date, period) => ({ unadjustedKwh: mean({ date, period }), adjustmentKwh });
  }

  /** The same period on a history day; what lies a day beside the event's first date stays a day beside. */
  function moved({ date, period }: Slot, day: string): Slot {
    // Most slots lie on the event's own date, and there are thousands of them.
    if (date === first?.date) return { date: day, period };
    const offset = Math.round((Date.parse(date) - Date.parse(first?.date ?? date)) / DAY_MS);
    return { date: shifted(day, offset), period };
  }
}

function energiesByMeter(rows: Iterable<MeterRow>): Map<string, Map<string, number>> {
  const energies = new Map<string, Map<string, number>>();
  for (const row of rows) {
    if (row.quality === 'MISSING') continue;
    const ofMeter = energies.get(row.import_msid) ?? new Map<string, number>();
    ofMeter.set(keyOf({ date: row.settlement_date, period: row.settlement_period }), row.metered_kwh);
    energies.set(row.import_msid, ofMeter);
  }
  return energies;
}

/** Days of the event's type, the newest first, without those on which the clocks change. */
function candidateDays(eventDate: string, parameters: BaselineParameters): string[] {
  const working = isWorkingDay(eventDate, parameters);
  return Array.from({ length: parameters.lookBackDays }, (_, back) => shifted(eventDate, -(back + 1))).filter(
    (day) => isWorkingDay(day, parameters) === working && periodsOf(day).length === NORMAL_DAY_PERIODS,
  );
}

function isWorkingDay(date: string, { bankHolidays }: BaselineParameters): boolean {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !bankHolidays.includes(date);
}

function shifted(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

function keyOf({ date, period }: Slot): string {
  return `${date}/${period}`;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
