import { DAY_MS, HOUR_MS } from '../model.ts';

/** A London settlement period: half hours counted from local midnight, so that a day has 46, 48 or 50. */
export interface HalfHour {
  readonly startMs: number;
  readonly settlementDate: string;
  readonly settlementPeriod: number;
}

export const HALF_HOUR_MS = HOUR_MS / 2;

const london = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
});

function localParts(atMs: number): { date: string; hour: number } {
  const parts = Object.fromEntries(london.formatToParts(atMs).map(({ type, value }) => [type, value]));
  return { date: `${parts.year}-${parts.month}-${parts.day}`, hour: Number(parts.hour) };
}

/** London is at UTC or one hour ahead: local midnight is UTC midnight of that date or the hour before. */
function midnightOf(date: string): number {
  const utcMidnight = Date.parse(`${date}T00:00:00Z`);
  return localParts(utcMidnight).hour === 0 ? utcMidnight : utcMidnight - HOUR_MS;
}

export function halfHourOf(atMs: number): HalfHour {
  const startMs = Math.floor(atMs / HALF_HOUR_MS) * HALF_HOUR_MS;
  const { date } = localParts(startMs);
  return {
    startMs,
    settlementDate: date,
    settlementPeriod: (startMs - midnightOf(date)) / HALF_HOUR_MS + 1,
  };
}

/** Half hours that start in `[fromMs, untilMs)`. */
export function halfHoursBetween(fromMs: number, untilMs: number): HalfHour[] {
  const first = Math.ceil(fromMs / HALF_HOUR_MS) * HALF_HOUR_MS;
  const count = Math.max(0, Math.ceil((untilMs - first) / HALF_HOUR_MS));
  return Array.from({ length: count }, (_, i) => halfHourOf(first + i * HALF_HOUR_MS));
}

/** London midnight that begins the day of `atMs`, and the one `days` days before it. */
export function londonMidnight(atMs: number, daysBefore = 0): number {
  const today = midnightOf(localParts(atMs).date);
  // Noon of the day wanted names its date whatever the clocks did in between.
  return daysBefore === 0 ? today : midnightOf(localParts(today + DAY_MS / 2 - daysBefore * DAY_MS).date);
}
