/** A long list of which only the pages that are looked at are read. */
import { ask, type ProblemError } from '@flexder/runtime/page/browser.ts';
import { useEffect, useRef, useState } from 'preact/hooks';
import { checkSession } from './session.ts';

/** What one answer of the service may hold. */
export const PAGE_ROWS = 500;

export interface Pages<T> {
  /** Undefined before the first answer. */
  readonly total: number | undefined;
  readonly rows: ReadonlyMap<number, T>;
  readonly problem?: ProblemError;
  /** Has the pages read that hold these rows. */
  need(first: number, last: number): void;
}

interface Answer<T> {
  readonly total: number;
  readonly rows: readonly T[];
}

/**
 * `address` without limit and offset; another one begins anew. `version`: read again when it changes, and what is known
 * stays until then.
 */
export function usePages<T>(address: string, rowsOf: (answer: never) => Answer<T>, version: unknown): Pages<T> {
  const [known, set] = useState<Omit<Pages<T>, 'need'>>({ total: undefined, rows: new Map() });
  const of = useRef({ key: '', pages: new Set<number>() });
  const seen = useRef<readonly [number, number]>([0, 0]);
  const key = `${address} ${String(version)}`;

  function read(page: number): void {
    const { pages } = of.current;
    if (pages.has(page)) return;
    pages.add(page);
    const separator = address.includes('?') ? '&' : '?';
    ask<never>(`${address}${separator}limit=${PAGE_ROWS}&offset=${page * PAGE_ROWS}`).then(
      (answer) => {
        if (of.current.key !== key) return;
        const { total, rows } = rowsOf(answer);
        set((before) => ({
          total,
          rows: new Map([...before.rows, ...rows.map((row, index) => [page * PAGE_ROWS + index, row] as const)]),
        }));
      },
      (problem: ProblemError) => {
        if (of.current.key !== key) return;
        pages.delete(page);
        set((before) => ({ ...before, problem }));
        if (problem.status === 401) void checkSession();
      },
    );
  }
  function need(first: number, last: number): void {
    seen.current = [first, last];
    for (let page = Math.floor(first / PAGE_ROWS); page <= Math.floor(last / PAGE_ROWS); page++) read(page);
  }
  useEffect(() => {
    const another = !of.current.key.startsWith(`${address} `);
    of.current = { key, pages: new Set() };
    if (another) {
      seen.current = [0, 0];
      set({ total: undefined, rows: new Map() });
    }
    need(...seen.current);
  }, [key]);
  return { ...known, need };
}
