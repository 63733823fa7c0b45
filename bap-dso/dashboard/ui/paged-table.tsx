/** A table of a long list whose pages are read as they are looked at: a row that is on its way says so. */
import { Note } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { Pages } from '../state/pages.ts';

/** One row of the list; undefined while it is on its way. */
type Line<T> = { readonly index: number; readonly of: T | undefined };

export function PagedTable<T>(props: {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly pages: Pages<T>;
  readonly keyOf: (item: T) => string;
  readonly empty: string;
}) {
  const { label, columns, pages, keyOf, empty } = props;
  const rows = Array.from({ length: pages.total ?? 0 }, (_, index): Line<T> => ({ index, of: pages.rows.get(index) }));
  return (
    <Table
      label={label}
      columns={columns.map(({ cell, ...column }, at) => ({
        ...column,
        cell: ({ of }: Line<T>) => (of === undefined ? at === 0 && <Note>Reading…</Note> : cell(of)),
      }))}
      rows={rows}
      keyOf={({ of, index }) => (of === undefined ? `coming ${index}` : keyOf(of))}
      seen={pages.need}
      empty={empty}
    />
  );
}
