/** The London calendar: demand follows the clock on the wall, and the kind of day. */
import { isBankHoliday } from './bank-holidays.ts';

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const WORKING = 0;
export const SATURDAY = 1;
export const SUNDAY = 2;
export type DayKind = typeof WORKING | typeof SATURDAY | typeof SUNDAY;

/** 01:00 UTC on the last Sunday of `month` (0 to 11): when British clocks change. */
function clockChangeMs(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month + 1, 0));
  return Date.UTC(year, month, last.getUTCDate() - last.getUTCDay(), 1);
}

export function isSummerTime(atMs: number): boolean {
  const year = new Date(atMs).getUTCFullYear();
  return atMs >= clockChangeMs(year, 2) && atMs < clockChangeMs(year, 9);
}

/** London clock minus UTC, milliseconds. */
export function londonOffsetMs(atMs: number): number {
  return isSummerTime(atMs) ? HOUR_MS : 0;
}

/** London time of day as a share of the day, 0 to 1, and the kind of day: a bank holiday is a Sunday. */
export function londonDay(atMs: number): { readonly share: number; readonly kind: DayKind } {
  const localMs = atMs + londonOffsetMs(atMs);
  const intoDayMs = localMs % DAY_MS;
  const weekday = new Date(localMs).getUTCDay();
  const sunday = weekday === 0 || isBankHoliday(localMs - intoDayMs);
  return { share: intoDayMs / DAY_MS, kind: sunday ? SUNDAY : weekday === 6 ? SATURDAY : WORKING };
}
