/** Decimal strings, times and measures of the wire. */
import { formatDuration, parseDuration } from '../../beckn/duration.ts';
import { CodecError } from '../codec-error.ts';
import type { TimeWindow } from '../model.ts';
import type { WirePrice, WireScalar, WireTime } from './wire.ts';

/** At most `most` and at least `least` decimals, never `-0`, never an exponent. */
export function decimal(value: number, most: number, least = 0): string {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) throw new RangeError(`not a decimal of the wire: ${value}`);
  const [whole, fraction = ''] = value.toFixed(most).split('.');
  let end = fraction.length;
  while (end > least && fraction[end - 1] === '0') end--;
  const text = end > 0 ? `${whole}.${fraction.slice(0, end)}` : `${whole}`;
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

const DECIMAL = /^-?\d{1,15}(\.\d{1,12})?$/;

export function readDecimal(text: string | undefined, path: string): number {
  if (text === undefined || !DECIMAL.test(text)) {
    throw new CodecError(path, `expected a decimal number as text such as "12.5", got ${JSON.stringify(text)}`);
  }
  return Number(text);
}

/** kW and kWh travel with at most 3 decimals: 1 W, 1 Wh. */
export const kw = (value: number): string => decimal(value, 3);
export const kwh = kw;
/** Prices travel with 2 to 5 decimals. */
export const pounds = (value: number): string => decimal(value, 5, 2);

export function measure(powerKw: number): { measure: WireScalar } {
  return { measure: { type: 'CONSTANT', unit: 'kW', value: kw(powerKw) } };
}

export function readKw(quantity: { measure?: WireScalar } | undefined, path: string): number {
  const scalar = quantity?.measure;
  if (scalar === undefined) throw new CodecError(`${path}/measure`, 'a quantity in kW is needed here');
  if (scalar.unit !== 'kW')
    throw new CodecError(`${path}/measure/unit`, `expected kW, got ${JSON.stringify(scalar.unit)}`);
  return readDecimal(scalar.value, `${path}/measure/value`);
}

export function price(gbp: number): WirePrice {
  return { currency: 'GBP', value: pounds(gbp) };
}

export function readPrice(value: WirePrice | undefined, path: string): number {
  if (value === undefined) throw new CodecError(path, 'a price is needed here');
  if (value.currency !== 'GBP') {
    throw new CodecError(`${path}/currency`, `expected GBP, got ${JSON.stringify(value.currency)}`);
  }
  return readDecimal(value.value, `${path}/value`);
}

/** RFC 3339 with milliseconds, UTC. */
export const instant = (ms: number): string => new Date(ms).toISOString();

const INSTANT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

export function readInstant(text: string | undefined, path: string): number {
  const ms = text !== undefined && INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new CodecError(path, `expected an RFC 3339 time, got ${JSON.stringify(text)}`);
  return ms;
}

export function range(window: TimeWindow): { start: string; end: string } {
  return { start: instant(window.startMs), end: instant(window.endMs) };
}

export function readRange(time: WireTime | undefined, path: string): TimeWindow {
  if (time?.range === undefined) throw new CodecError(`${path}/range`, 'a time range is needed here');
  const startMs = readInstant(time.range.start, `${path}/range/start`);
  const endMs = readInstant(time.range.end, `${path}/range/end`);
  if (endMs <= startMs) throw new CodecError(`${path}/range/end`, 'the range ends before it starts');
  return { startMs, endMs };
}

export const seconds = (value: number): string => formatDuration(value * 1000);

/** Seconds of an ISO 8601 duration. */
export function readSeconds(text: string | undefined, path: string): number {
  const ms = text === undefined ? undefined : parseDuration(text);
  if (ms === undefined) {
    throw new CodecError(path, `expected an ISO 8601 duration such as PT30S, got ${JSON.stringify(text)}`);
  }
  return ms / 1000;
}
