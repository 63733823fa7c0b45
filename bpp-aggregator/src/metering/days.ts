/** Settlement dates as text, `YYYY-MM-DD`; a date here is a label, not an instant. */
const DAY_MS = 86_400_000;

export function shiftDate(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export type DayType = 'working' | 'non-working';

/** Saturday and Sunday are non-working. Bank holidays are not known here: the DSO, who settles, decides on those. */
export function dayTypeOf(date: string): DayType {
  const day = new Date(Date.parse(`${date}T00:00:00Z`)).getUTCDay();
  return day === 0 || day === 6 ? 'non-working' : 'working';
}

/** Dates of the same type before `date`, the newest first, that `keep` admits. */
export function sameTypeDatesBefore(date: string, lookBackDays: number, keep: (date: string) => boolean): string[] {
  const type = dayTypeOf(date);
  const dates: string[] = [];
  for (let back = 1; back <= lookBackDays; back++) {
    const candidate = shiftDate(date, -back);
    if (dayTypeOf(candidate) === type && keep(candidate)) dates.push(candidate);
  }
  return dates;
}
