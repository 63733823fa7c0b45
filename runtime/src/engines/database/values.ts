import { types } from '@electric-sql/pglite';

/**
 * How values go in and come out, the same as `pg` with these exceptions: int8 is a number while it is safe,
 * timestamps are UTC, `date` stays text. numeric stays its exact decimal text: cast to `float8` for a number.
 */
export type WireValue = string | Uint8Array | null;

const SPECIAL = /["\\]/;

const arrayItem = (value: unknown): string => {
  if (value === null || value === undefined) return 'NULL';
  // Telemetry is mostly numbers: nothing in them has to be quoted.
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return arrayText(value);
  const text = toWire(value);
  const plain = typeof text === 'string' ? text : `\\x${Buffer.from(text ?? []).toString('hex')}`;
  return SPECIAL.test(plain) ? `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `"${plain}"`;
};

const arrayText = (values: readonly unknown[]): string => `{${values.map(arrayItem).join(',')}}`;

/** Arrays become PostgreSQL arrays and other objects JSON: a JSON array must be given as text. */
export function toWire(value: unknown): WireValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return arrayText(value);
  return JSON.stringify(value);
}

const instant = (text: string): Date | string => {
  if (text.endsWith('infinity')) return text;
  const iso = text.replace(' ', 'T');
  return new Date(iso.endsWith('+00') ? `${iso.slice(0, -3)}Z` : /[+-]\d\d$/.test(iso) ? `${iso}:00` : iso);
};

const int8 = (text: string): number | string => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};

const json = (text: string): unknown => JSON.parse(text);

// Keys are PostgreSQL type OIDs (pg_type.dat).
const scalars = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'],
  [17, (text) => Buffer.from(text.slice(2), 'hex')],
  [20, int8],
  [21, Number],
  [23, Number],
  [26, Number],
  [114, json],
  [700, Number],
  [701, Number],
  [1114, (text) => instant(text.endsWith('infinity') ? text : `${text}+00`)],
  [1184, instant],
  [3802, json],
]);

const arrays = new Map<number, number>([
  [199, 114],
  [1000, 16],
  [1001, 17],
  [1005, 21],
  [1007, 23],
  [1009, 25],
  [1015, 1043],
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1115, 1114],
  [1182, 1082],
  [1185, 1184],
  [1231, 1700],
  [2951, 2950],
  [3807, 3802],
]);

const asText = (text: string): unknown => text;

/** The parser of a column, by the OID of its type. */
export function parserOf(oid: number): (text: string) => unknown {
  const item = arrays.get(oid);
  if (item === undefined) return scalars.get(oid) ?? asText;
  const parse = scalars.get(item) ?? asText;
  return (text) => types.arrayParser(text, parse, oid);
}
