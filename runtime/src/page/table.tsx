/** Tables, short and long. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useVirtual } from './virtual.ts';

export interface Column<T> {
  readonly head: string;
  readonly number?: boolean;
  readonly cell: (item: T) => ComponentChildren;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly empty: string;
  readonly classOf?: (item: T) => string;
  /** Told which rows are drawn, by index; of a list whose rows are read as they are looked at. */
  readonly seen?: (first: number, last: number) => void;
}

/** From here on a table scrolls by itself, and only the rows that are seen are drawn. */
const MANY = 200;
const ROW_PX = 31;

/** A table that scrolls by itself where it is wider than the screen, also by keyboard. */
export function Table<T>(props: TableProps<T>) {
  const { label, columns, rows, empty } = props;
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  if (rows.length > MANY) return <LongTable {...props} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table>
        <Head columns={columns} />
        <tbody>{rows.map((row) => rowOf(props, row))}</tbody>
      </table>
    </section>
  );
}

function LongTable<T>(props: TableProps<T>) {
  const { label, columns, rows, seen } = props;
  const box = useRef<HTMLElement>(null);
  const { items, beforePx, afterPx } = useVirtual(rows.length, ROW_PX, box);
  const [first, last] = [items[0]?.index ?? 0, Math.min(items.at(-1)?.index ?? 0, rows.length - 1)];
  useEffect(() => seen?.(first, last), [first, last]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
    <section ref={box} class="scroll long" tabIndex={0} aria-label={label}>
      <table aria-rowcount={rows.length + 1}>
        <Head columns={columns} />
        <tbody>
          <Room px={beforePx} columns={columns.length} />
          {items.map(({ index }) => index < rows.length && rowOf(props, rows[index]!, index))}
          <Room px={afterPx} columns={columns.length} />
        </tbody>
      </table>
    </section>
  );
}

function Head<T>({ columns }: { readonly columns: readonly Column<T>[] }) {
  return (
    <thead>
      <tr>
        {columns.map(({ head, number }) => (
          <th key={head} scope="col" class={number ? 'number' : undefined}>
            {head}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** `index`: of a row among more than are drawn. */
function rowOf<T>({ columns, keyOf, classOf }: TableProps<T>, row: T, index?: number): JSX.Element {
  return (
    <tr key={keyOf(row)} class={classOf?.(row)} aria-rowindex={index === undefined ? undefined : index + 2}>
      {columns.map(({ head, number, cell }) => (
        <td key={head} class={number ? 'number' : undefined}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}

function Room({ px, columns }: { readonly px: number; readonly columns: number }) {
  return px <= 0 ? null : (
    <tr>
      <td colSpan={columns} style={{ height: `${px}px`, padding: 0 }} />
    </tr>
  );
}
