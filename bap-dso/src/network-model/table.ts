/** One CSV file of a network set, read strictly: every wrong cell is told with its line and column. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CsvError, type Info, parse } from 'csv-parse/sync';
import type { Column } from './columns.ts';
import { FILE_BYTES, FILE_ROWS, ROW_CHARS } from './limits.ts';
import type { Problems } from './problems.ts';

// biome-ignore lint/suspicious/noExplicitAny: columns of one table have different values
export type Columns = Readonly<Record<string, Column<any>>>;
type Values<C extends Columns> = { readonly [Name in keyof C]: C[Name] extends Column<infer T> ? T : never };
/** A row with the line it stands on, for what is found wrong with it later. */
export type Row<C extends Columns> = Values<C> & { readonly line: number };

export interface Table<C extends Columns> {
  readonly file: string;
  readonly columns: C;
  /** The file may be absent: the network has none of it. */
  readonly optional?: boolean;
}

/** The rows that are right; what is wrong goes into `problems`. */
export function readTable<C extends Columns>(dir: string, table: Table<C>, problems: Problems): Row<C>[] {
  const records = recordsOf(dir, table, problems);
  const [header, ...rest] = records;
  if (!header) return [];
  const place = placesOf(header.record, table, problems);
  if (!place) return [];
  return rest.flatMap(({ record, info }) => {
    const line = info.lines;
    if (record.length !== header.record.length) {
      const text = `has ${record.length} cells, the header has ${header.record.length}`;
      problems.add({ file: table.file, line, text });
      return [];
    }
    const row = readRow(record, line, table, place, problems);
    return row ? [row] : [];
  });
}

interface CsvRecord {
  readonly info: Info;
  readonly record: readonly string[];
}

function recordsOf(dir: string, { file, optional }: Table<Columns>, problems: Problems): CsvRecord[] {
  const path = join(dir, file);
  if (!existsSync(path)) {
    if (!optional) problems.add({ file, text: 'is missing' });
    return [];
  }
  if (statSync(path).size > FILE_BYTES) {
    problems.add({ file, text: `is larger than ${FILE_BYTES} bytes` });
    return [];
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    const records = parse(text, {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: ROW_CHARS,
      to: FILE_ROWS + 2,
    }) as unknown as CsvRecord[];
    if (records.length > FILE_ROWS + 1) problems.add({ file, text: `has more than ${FILE_ROWS} rows` });
    if (records.length === 0) problems.add({ file, text: 'is empty: a header line is needed' });
    return records;
  } catch (error) {
    problems.add({ file, ...faultOf(error) });
    return [];
  }
}

function faultOf(error: unknown): { line?: number; text: string } {
  if (error instanceof CsvError) {
    const line = (error as unknown as { lines?: number }).lines;
    return { ...(line === undefined ? {} : { line }), text: `is not CSV from here on: ${error.message}` };
  }
  if (error instanceof TypeError) return { text: 'is not UTF-8' };
  return { text: `cannot be read: ${(error as Error).message}` };
}

/** Where each column stands; undefined when the header is wrong, for then every row would be. */
function placesOf(
  header: readonly string[],
  { file, columns }: Table<Columns>,
  problems: Problems,
): ReadonlyMap<string, number> | undefined {
  const places = new Map<string, number>();
  const before = problems.count;
  for (const [index, name] of header.entries()) {
    if (!Object.hasOwn(columns, name)) {
      const known = Object.keys(columns).join(', ');
      problems.add({ file, line: 1, column: name, text: `is no column of this file; it has: ${known}` });
    } else if (places.has(name)) problems.add({ file, line: 1, column: name, text: 'stands twice' });
    places.set(name, index);
  }
  for (const [name, column] of Object.entries(columns)) {
    if (!places.has(name) && !column.optional) problems.add({ file, line: 1, column: name, text: 'is missing' });
  }
  return problems.count === before ? places : undefined;
}

function readRow<C extends Columns>(
  record: readonly string[],
  line: number,
  { file, columns }: Table<C>,
  places: ReadonlyMap<string, number>,
  problems: Problems,
): Row<C> | undefined {
  const row: Record<string, unknown> = { line };
  let right = true;
  for (const [name, column] of Object.entries(columns)) {
    const index = places.get(name);
    const result = column.read(index === undefined ? '' : record[index]!.trim());
    if ('problem' in result) {
      problems.add({ file, line, column: name, text: result.problem });
      right = false;
    } else row[name] = result.value;
  }
  return right ? (row as Row<C>) : undefined;
}
