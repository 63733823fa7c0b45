/** Seasons of a year by London calendar days: ratings follow the weather that cools a line. */
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';

/** Both days included, `MM-DD`; one that begins in autumn may end in spring. */
export interface Season {
  readonly season: string;
  readonly from: string;
  readonly to: string;
}

export function isWithin({ from, to }: Season, monthDay: string): boolean {
  return from <= to ? monthDay >= from && monthDay <= to : monthDay >= from || monthDay <= to;
}

/** @param atMs grid time */
export function monthDayOf(atMs: number): string {
  return settlementPeriodOf(atMs).date.slice(5);
}

/** Every day of a leap year, `MM-DD`. */
export function daysOfYear(): string[] {
  return Array.from({ length: 366 }, (_, index) => new Date(Date.UTC(2024, 0, index + 1)).toISOString().slice(5, 10));
}

/** Days that no season has, and days that two have, each as its first and last day. */
export function seasonFaults(seasons: readonly Season[]): { readonly gaps: string[]; readonly overlaps: string[] } {
  const counted = daysOfYear().map((day) => ({ day, count: seasons.filter((one) => isWithin(one, day)).length }));
  return {
    gaps: runs(counted.map(({ day, count }) => ({ day, wrong: count === 0 }))),
    overlaps: runs(counted.map(({ day, count }) => ({ day, wrong: count > 1 }))),
  };
}

function runs(days: readonly { readonly day: string; readonly wrong: boolean }[]): string[] {
  const found: { first: string; last: string }[] = [];
  for (const [index, { day, wrong }] of days.entries()) {
    if (!wrong) continue;
    if (index > 0 && days[index - 1]!.wrong) found.at(-1)!.last = day;
    else found.push({ first: day, last: day });
  }
  return found.map(({ first, last }) => (first === last ? first : `${first} to ${last}`));
}
