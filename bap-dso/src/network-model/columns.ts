/** Fields of the tables: what a cell may hold, and what to say when it does not. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';

export type Read<T> = (cell: string) => { readonly value: T } | { readonly problem: string };

export interface Column<T> {
  readonly read: Read<T>;
  /** The column may be absent as a whole. */
  readonly optional?: boolean;
}

const shown = (cell: string) => JSON.stringify(cell.slice(0, 40));

export const id: Column<string> = {
  read: (cell) =>
    isIdentifier(cell)
      ? { value: cell }
      : { problem: `must be letters, digits, dot, underscore and hyphen, at most 128, not ${shown(cell)}` },
};

export const text: Column<string> = {
  read: (cell) =>
    cell !== '' && cell.length <= 200 ? { value: cell } : { problem: 'must be a text of 1 to 200 characters' },
};

export const msid: Column<string> = {
  read: (cell) => (/^\d{13}$/.test(cell) ? { value: cell } : { problem: `must be 13 digits, not ${shown(cell)}` }),
};

/** A number above `low` (or from it on) and at most `high`. */
export function number(low: number, high: number, bound: 'above' | 'from'): Column<number> {
  return {
    read: (cell) => {
      const value = /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : Number.NaN;
      if (value <= high && (bound === 'above' ? value > low : value >= low)) return { value };
      return { problem: `must be a number ${bound} ${low} and at most ${high}, not ${shown(cell)}` };
    },
  };
}

export const kw = number(0, 1_000_000, 'above');

export function oneOf<const T extends string>(values: readonly T[]): Column<T> {
  return {
    read: (cell) => {
      const value = values.find((one) => one === cell);
      return value ? { value } : { problem: `must be one of ${values.join(', ')}, not ${shown(cell)}` };
    },
  };
}

/** An empty cell, or a column that is not there, is `fallback`. */
export function optional<T, F>(column: Column<T>, fallback: F): Column<T | F> {
  return { optional: true, read: (cell) => (cell === '' ? { value: fallback } : column.read(cell)) };
}

/** Several values in one cell, separated by semicolons. */
export const list: Column<readonly string[]> = {
  optional: true,
  read: (cell) => {
    const values = cell.split(';').map((value) => value.trim());
    const kept = values.filter((value) => value !== '');
    return kept.length <= 100 ? { value: kept } : { problem: 'must name at most 100 values' };
  },
};
