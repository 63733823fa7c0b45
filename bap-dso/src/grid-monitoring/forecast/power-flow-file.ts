/**
 * Reads power flows of a primary as UK Power Networks publishes them: CSV with `timestamp, tx_id, active_power_mw,
 * current_amps`, one row a transformer and time. Transformers are summed; a time that lacks one of them is missing.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { POWER_FLOW_MAX_BYTES, POWER_FLOW_MAX_READINGS } from '../../limits.ts';
import type { SeriesReading } from './evaluate.ts';
import { onRaster } from './sampling.ts';

export const POWER_FLOW_COLUMNS = ['current_amps', 'active_power_mw'] as const;
export type PowerFlowColumn = (typeof POWER_FLOW_COLUMNS)[number];

export interface PowerFlow {
  readonly column: PowerFlowColumn;
  readonly transformers: readonly string[];
  /** Ascending, on the raster of `stepMs`. */
  readonly readings: readonly SeriesReading[];
  readonly stepMs: number;
  /** What was set right on the way, in sentences. */
  readonly notes: readonly string[];
}

/** The file is not one of this shape; the message names the line. */
export class PowerFlowError extends Error {
  override name = 'PowerFlowError';
}

interface Row {
  readonly line: number;
  readonly atMs: number;
  readonly transformer: string;
  readonly values: Readonly<Record<PowerFlowColumn, number | undefined>>;
}

const ABSENT = new Set(['', 'nan', 'null', 'na', 'n/a']);
const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/** `column`: the one to read; by default the one that holds values. Throws PowerFlowError. */
export function readPowerFlow(bytes: Uint8Array, column?: PowerFlowColumn): PowerFlow {
  if (bytes.byteLength > POWER_FLOW_MAX_BYTES) {
    throw new PowerFlowError(`the file is larger than ${POWER_FLOW_MAX_BYTES / 1_048_576} MiB; evaluate a part of it`);
  }
  const rows = parseRows(bytes);
  const chosen = column ?? chooseColumn(rows);
  const notes: string[] = [];
  const { transformers, byTime } = gather(rows, chosen, notes);
  const sums: SeriesReading[] = [];
  for (const [atMs, loads] of [...byTime].sort(([a], [b]) => a - b)) {
    if (loads.size === transformers.length) {
      sums.push({ atMs, load: [...loads.values()].reduce((sum, load) => sum + load, 0) });
    }
  }
  const lacking = byTime.size - sums.length;
  if (lacking > 0) notes.push(`${lacking} times lack a transformer and count as missing`);
  if (sums.length > POWER_FLOW_MAX_READINGS) {
    throw new PowerFlowError(`${sums.length} readings; at most ${POWER_FLOW_MAX_READINGS} are evaluated at once`);
  }
  const { stepMs, readings } = onRaster(sums, notes, (message) => {
    throw new PowerFlowError(message);
  });
  return { column: chosen, transformers, readings, stepMs, notes };
}

function parseRows(bytes: Uint8Array): Row[] {
  let head: string[] = [];
  try {
    const records = parse(Buffer.from(bytes), {
      bom: true,
      delimiter: [',', ';'],
      trim: true,
      skip_empty_lines: true,
      info: true,
      columns: (names: string[]) => {
        head = names.map((name) => name.toLowerCase());
        return head;
      },
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
    checkHead(head);
    if (records.length === 0) throw new PowerFlowError('the file has a header and no row');
    return records.map(({ record, info }) => rowOf(record, info.lines));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw new PowerFlowError(`${lines === undefined ? '' : `line ${lines}: `}not CSV: ${error.message}`);
  }
}

function checkHead(head: readonly string[]): void {
  const wanted = `expected timestamp, tx_id, active_power_mw, current_amps; found ${head.join(', ') || 'nothing'}`;
  if (!head.includes('timestamp')) throw new PowerFlowError(`line 1: no column timestamp; ${wanted}`);
  if (!POWER_FLOW_COLUMNS.some((column) => head.includes(column))) {
    throw new PowerFlowError(`line 1: no column of values; ${wanted}`);
  }
  const twice = head.find((name, i) => head.indexOf(name) !== i);
  if (twice !== undefined) throw new PowerFlowError(`line 1: the column ${twice} is there twice`);
}

function rowOf(record: Readonly<Record<string, string>>, line: number): Row {
  return {
    line,
    atMs: instantOf(record.timestamp ?? '', line),
    transformer: record.tx_id ?? '',
    values: {
      current_amps: amountOf(record.current_amps, 'current_amps', line),
      active_power_mw: amountOf(record.active_power_mw, 'active_power_mw', line),
    },
  };
}

/** A time without a zone is UTC. */
function instantOf(text: string, line: number): number {
  const match = INSTANT.exec(text);
  const atMs = match ? Date.parse(`${match[1]}T${match[2]}${match[3] ?? ':00'}${zoneOf(match[4])}`) : Number.NaN;
  if (Number.isNaN(atMs)) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new PowerFlowError(`line ${line}: ${shown} is no timestamp; expected one like 2024-01-31 13:30:00+00:00`);
  }
  return atMs;
}

function zoneOf(zone = 'Z'): string {
  return /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
}

function amountOf(text: string | undefined, column: string, line: number): number | undefined {
  if (text === undefined || ABSENT.has(text.toLowerCase())) return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new PowerFlowError(`line ${line}: ${column} ${JSON.stringify(text.slice(0, 40))} is not a number`);
}

function chooseColumn(rows: readonly Row[]): PowerFlowColumn {
  const counts = POWER_FLOW_COLUMNS.map((column) => rows.filter(({ values }) => values[column] !== undefined).length);
  return POWER_FLOW_COLUMNS[counts[1]! > counts[0]! ? 1 : 0];
}

/** Of two rows for one transformer and time the later one counts: a correction follows what it corrects. */
function gather(rows: readonly Row[], column: PowerFlowColumn, notes: string[]) {
  const named = new Set(rows.map(({ transformer }) => transformer));
  const valued = new Set<string>();
  const byTime = new Map<number, Map<string, number>>();
  let repeated = 0;
  let changed = 0;
  for (const { atMs, transformer, values } of rows) {
    const value = values[column];
    if (value === undefined) continue;
    valued.add(transformer);
    const loads = byTime.get(atMs) ?? new Map<string, number>();
    const before = loads.get(transformer);
    if (before !== undefined) repeated++;
    if (before !== undefined && before !== value) changed++;
    loads.set(transformer, value);
    byTime.set(atMs, loads);
  }
  if (valued.size === 0) throw new PowerFlowError(`no row has a value of ${column}; see --column`);
  if (repeated > 0)
    notes.push(`${repeated} rows repeat a transformer and time, ${changed} with another value: the later counts`);
  if (named.size > valued.size) {
    notes.push(`without any value and left out: ${[...named].filter((name) => !valued.has(name)).join(', ')}`);
  }
  return { transformers: [...valued].sort(), byTime };
}
