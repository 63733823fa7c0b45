/** Inputs of a forecast from files: a temperature series, and NESO's demand data as `flexder data fetch` brings them. */
import { CsvError, parse } from 'csv-parse/sync';
import { POWER_FLOW_MAX_BYTES } from '../../limits.ts';
import { startOf } from '../../open-data/datasets/neso.ts';
import type { ForecastInput } from './inputs.ts';
import { PowerFlowError } from './power-flow-file.ts';

const HALF_HOUR_MS = 1_800_000;
/** Weather is published hourly or three-hourly; a longer gap is one. */
const LONGEST_GAP_MS = 3 * 3_600_000;
const TEMPERATURE_COLUMNS = ['temperature_c', 'temperature', 'temp_c'] as const;
/** °C that the air of Great Britain stays within, with room. */
const COLDEST_C = -40;
const HOTTEST_C = 50;

type Row = Readonly<Record<string, string>>;

/** CSV `timestamp, temperature_c`; in between by a line. Throws PowerFlowError. */
export function readWeather(bytes: Uint8Array): ForecastInput {
  const { head, rows } = rowsOf(bytes);
  const column = TEMPERATURE_COLUMNS.find((name) => head.includes(name));
  if (!head.includes('timestamp') || !column) {
    throw new PowerFlowError(`line 1: expected timestamp, temperature_c; found ${head.join(', ') || 'nothing'}`);
  }
  const points: { readonly atMs: number; readonly celsius: number }[] = [];
  rows.forEach((row, i) => {
    const value = row[column]!;
    if (value === '') return;
    const atMs = Date.parse(zoned(row.timestamp!));
    const celsius = Number(value);
    if (Number.isNaN(atMs)) throw new PowerFlowError(`row ${i + 1}: ${JSON.stringify(row.timestamp)} is no timestamp`);
    if (!(celsius >= COLDEST_C && celsius <= HOTTEST_C)) {
      throw new PowerFlowError(`row ${i + 1}: ${column} ${JSON.stringify(value)} is no temperature in °C`);
    }
    points.push({ atMs, celsius });
  });
  if (points.length === 0) throw new PowerFlowError('no row has a temperature');
  points.sort((a, b) => a.atMs - b.atMs);
  const at = (atMs: number) => interpolated(points, atMs);
  return { name: 'temperature', known: 'ahead', kind: 'temperature', at };
}

/** CSV with the columns of NESO's demand data update; outturn rows alone count. Throws PowerFlowError. */
export function readDemand(bytes: Uint8Array): ForecastInput[] {
  const { head, rows } = rowsOf(bytes);
  const needed = ['settlement_date', 'settlement_period', 'nd'];
  const lacking = needed.filter((name) => !head.includes(name));
  if (lacking.length > 0) throw new PowerFlowError(`line 1: no column ${lacking.join(', ').toUpperCase()}`);
  const outturn = rows.filter((row) => (row.forecast_actual_indicator ?? 'A') === 'A');
  const series = (name: string, column: string): ForecastInput[] => {
    if (!head.includes(column)) return [];
    const figures = new Map<number, number>();
    for (const row of outturn) {
      const atMs = startOf({
        SETTLEMENT_DATE: (row.settlement_date ?? '').slice(0, 10),
        SETTLEMENT_PERIOD: Number(row.settlement_period),
      });
      const value = row[column] ?? '';
      if (atMs !== undefined && value !== '' && Number.isFinite(Number(value))) figures.set(atMs, Number(value));
    }
    const at = (atMs: number) => figures.get(Math.floor(atMs / HALF_HOUR_MS) * HALF_HOUR_MS);
    return [{ name, known: 'outturn', kind: 'plain', at }];
  };
  return [
    ...series('national demand', 'nd'),
    ...series('embedded wind', 'embedded_wind_generation'),
    ...series('embedded solar', 'embedded_solar_generation'),
  ];
}

function rowsOf(bytes: Uint8Array): { readonly head: readonly string[]; readonly rows: readonly Row[] } {
  if (bytes.byteLength > POWER_FLOW_MAX_BYTES) {
    throw new PowerFlowError(`the file is larger than ${POWER_FLOW_MAX_BYTES / 1_048_576} MiB`);
  }
  let head: string[] = [];
  try {
    const columns = (names: string[]) => {
      head = names.map((name) => name.toLowerCase());
      return head;
    };
    const rows = parse(Buffer.from(bytes), { bom: true, trim: true, skip_empty_lines: true, columns }) as Row[];
    return { head, rows };
  } catch (error) {
    if (error instanceof CsvError) throw new PowerFlowError(`not CSV: ${error.message}`);
    throw error;
  }
}

/** A time without a zone is UTC. */
function zoned(text: string): string {
  const plain = text.replace(' ', 'T');
  return /(Z|[+-]\d{2}:?\d{2})$/i.test(plain) ? plain : `${plain}Z`;
}

function interpolated(
  points: readonly { readonly atMs: number; readonly celsius: number }[],
  atMs: number,
): number | undefined {
  let low = 0;
  let high = points.length - 1;
  if (atMs < points[0]!.atMs || atMs > points[high]!.atMs) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]!.atMs <= atMs) low = middle;
    else high = middle;
  }
  const [left, right] = [points[low]!, points[high]!];
  if (right.atMs === left.atMs || atMs === left.atMs) return left.celsius;
  if (atMs === right.atMs) return right.celsius;
  if (right.atMs - left.atMs > LONGEST_GAP_MS) return undefined;
  return left.celsius + ((right.celsius - left.celsius) * (atMs - left.atMs)) / (right.atMs - left.atMs);
}
