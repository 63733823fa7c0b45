import { stringify } from 'csv-stringify/sync';

/** What a spreadsheet takes for the start of a formula, full-width forms included. */
const FORMULA_START = /^[=+\-@\t\r\n＝＋－＠]/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

type Cell = string | number | boolean | null | undefined;
export type Column = readonly [name: string, kind: 'text' | 'number'];

/** Rows as CSV (RFC 4180, UTF-8, header line). Text that a spreadsheet would run begins with an apostrophe. */
export function csvOf(
  columns: readonly Column[],
  rows: readonly Readonly<Record<string, Cell>>[],
  options: { header?: boolean } = {},
): string {
  const records = rows.map((row) => columns.map(([column, kind]) => cell(row[column], kind)));
  const header = columns.map(([column]) => column);
  return stringify(options.header === false ? records : [header, ...records], { record_delimiter: 'windows' });
}

/** A minus sign belongs to a figure; in a column of figures only what is none is treated as text. */
function cell(value: Cell, kind: 'text' | 'number'): string {
  const text = value === null || value === undefined ? '' : String(value);
  if (kind === 'number' && DECIMAL.test(text)) return text;
  return FORMULA_START.test(text) ? `'${text}` : text;
}
