/** Figures and instants as text. A dash stands for what is not known. */

/** kW with one decimal below 100. */
export function kw(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const digits = Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function pounds(gbp: number | string): string {
  return Number(gbp).toLocaleString('en-GB', { style: 'currency', currency: 'GBP' });
}

export function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}

const LONDON = { timeZone: 'Europe/London', hour12: false } as const;
const minutes = new Intl.DateTimeFormat('en-GB', { ...LONDON, hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat('en-GB', {
  ...LONDON,
  ...({ hour: '2-digit', minute: '2-digit', second: '2-digit' } as const),
});
const full = new Intl.DateTimeFormat('en-GB', {
  ...LONDON,
  ...({ weekday: 'short', day: '2-digit', month: 'short', year: 'numeric' } as const),
  ...({ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' } as const),
});
const days = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London' });

/** London local time, as settlement counts it. */
export const time = (ms: number): string => (Number.isFinite(ms) ? minutes.format(ms) : '–');
export const timeOfDay = (ms: number): string => (Number.isFinite(ms) ? seconds.format(ms) : '–');
export const dateTime = (ms: number): string => (Number.isFinite(ms) ? full.format(ms).replaceAll(',', '') : '–');
/** A text of the record whose instants stand in it as RFC 3339, with London's time of day instead. */
export const withTimes = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (instant) => timeOfDay(Date.parse(instant)));
/** London date as YYYY-MM-DD. */
export const day = (ms: number): string => days.format(ms);

export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  const min = Math.round(s / 60);
  return min < 100 ? `${min} min` : `${Math.round(min / 60)} h`;
}

/** Minutes and seconds, of the same width every second. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** Enough of an id to tell it from the others of a day. */
export const shortId = (id: string): string => (id.length > 13 ? `${id.slice(0, 8)}…` : id);

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
