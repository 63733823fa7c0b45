/** Rows of a data set as CSV (RFC 4180, UTF-8, header line), for training and for a spreadsheet. */
import { stringify } from 'csv-stringify/sync';

/** What a spreadsheet takes for the start of a formula; a figure may begin with a minus. */
const FORMULA_START = /^[=+\-@\t\r\n＝＋－＠]/;

export function historyCsv(columns: readonly string[], rows: readonly Readonly<Record<string, unknown>>[]): string {
  const records = rows.map((row) => columns.map((column) => cell(row[column])));
  return stringify([[...columns], ...records]);
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return typeof value === 'string' && FORMULA_START.test(text) ? `'${text}` : text;
}
