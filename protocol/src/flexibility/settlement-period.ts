/**
 * Settlement periods of the GB market: half hours from London local midnight, numbered from 1; 48 a day, 46 on
 * the day the clocks go forward and 50 on the day they go back.
 */
import { Temporal } from 'temporal-polyfill';

export const HALF_HOUR_MS = 1_800_000;
const LONDON = 'Europe/London';

export interface SettlementPeriod {
  /** London date, `YYYY-MM-DD`. */
  readonly date: string;
  /** 1 to 50. */
  readonly period: number;
  readonly startMs: number;
  readonly endMs: number;
}

interface SettlementDay {
  readonly startMs: number;
  readonly endMs: number;
}

/** Days kept ready: a baseline looks 60 days back, a scenario spans a few. */
const MAX_DAYS = 256;
const days = new Map<string, SettlementDay>();
/** The day of the last question: telemetry asks for the same day again and again. */
let latest: { readonly date: string; readonly day: SettlementDay } | undefined;

/** @param ms grid time */
export function settlementPeriodOf(ms: number): SettlementPeriod {
  const { date, day } = dayAt(ms);
  const period = Math.floor((ms - day.startMs) / HALF_HOUR_MS) + 1;
  const startMs = day.startMs + (period - 1) * HALF_HOUR_MS;
  return { date, period, startMs, endMs: startMs + HALF_HOUR_MS };
}

/** All periods of a London date: 46, 48 or 50. Throws a RangeError for what is no date. */
export function periodsOf(date: string): SettlementPeriod[] {
  const day = dayOf(date);
  const count = (day.endMs - day.startMs) / HALF_HOUR_MS;
  return Array.from({ length: count }, (_, index) => {
    const startMs = day.startMs + index * HALF_HOUR_MS;
    return { date, period: index + 1, startMs, endMs: startMs + HALF_HOUR_MS };
  });
}

/** Start of a period, epoch milliseconds. Throws a RangeError when the day has no such period. */
export function periodStart(date: string, period: number): number {
  const day = dayOf(date);
  const startMs = day.startMs + (period - 1) * HALF_HOUR_MS;
  if (!Number.isInteger(period) || period < 1 || startMs >= day.endMs) {
    const count = (day.endMs - day.startMs) / HALF_HOUR_MS;
    throw new RangeError(`${date} has settlement periods 1 to ${count}, not ${period}`);
  }
  return startMs;
}

/** The periods that `[startMs, endMs)` touches, in order. */
export function periodsBetween(startMs: number, endMs: number): SettlementPeriod[] {
  const found: SettlementPeriod[] = [];
  for (let at = startMs; at < endMs; ) {
    const period = settlementPeriodOf(at);
    found.push(period);
    at = period.endMs;
  }
  return found;
}

/** Half hour of the London clock, 0 to 47: on a clock-change day not the period less one. */
export function clockSlot(ms: number): number {
  const { hour, minute } = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(LONDON);
  return hour * 2 + Math.floor(minute / 30);
}

/** The date so many days away; negative is earlier. */
export function dateAfter(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

/** 1 Monday to 7 Sunday. */
export function dayOfWeek(date: string): number {
  return Temporal.PlainDate.from(date).dayOfWeek;
}

function dayAt(ms: number): { date: string; day: SettlementDay } {
  if (latest !== undefined && ms >= latest.day.startMs && ms < latest.day.endMs) return latest;
  const date = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms))
    .toZonedDateTimeISO(LONDON)
    .toPlainDate()
    .toString();
  latest = { date, day: dayOf(date) };
  return latest;
}

function dayOf(date: string): SettlementDay {
  const known = days.get(date);
  if (known !== undefined) return known;
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new RangeError(`not a date YYYY-MM-DD: ${JSON.stringify(date)}`);
  const plain = Temporal.PlainDate.from(date, { overflow: 'reject' });
  const startOf = (day: Temporal.PlainDate) => day.toZonedDateTime(LONDON).epochMilliseconds;
  const day = { startMs: startOf(plain), endMs: startOf(plain.add({ days: 1 })) };
  if (days.size >= MAX_DAYS) days.delete(days.keys().next().value ?? date);
  days.set(date, day);
  return day;
}
