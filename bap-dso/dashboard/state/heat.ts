/** A heat map's rows and steps. Pure. */
import type { HeatCell, HeatMap } from '../../src/operator-api/shift/heat.ts';

/** Shares of the limit where a darker step begins; the last but one is where relief is released, the last the limit. */
export const STEPS: readonly number[] = [0, 0.4, 0.6, 0.8, 0.95, 1];

/** 0 for the lightest. */
export function stepOf({ meanKw, limitKw }: Pick<HeatCell, 'meanKw' | 'limitKw'>): number {
  return Math.max(
    0,
    STEPS.findLastIndex((from) => meanKw / limitKw >= from),
  );
}

export interface HeatRow {
  readonly date: string;
  /** By slot of the day; undefined where nothing was read. */
  readonly cells: readonly (HeatCell | undefined)[];
}

/** Newest day first, every slot of each. */
export function rowsOf({ dates, cells, minutes }: Pick<HeatMap, 'dates' | 'cells' | 'minutes'>): HeatRow[] {
  const slots = (24 * 60) / minutes;
  const found = new Map(cells.map((cell) => [`${cell.date} ${cell.slot}`, cell]));
  return dates.toReversed().map((date) => ({
    date,
    cells: Array.from({ length: slots }, (_, slot) => found.get(`${date} ${slot}`)),
  }));
}

/** `06:30`. */
export function slotText(slot: number, minutes: number): string {
  const at = slot * minutes;
  return `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`;
}

const KEYS: Readonly<Record<string, readonly [number, number]>> = {
  ...{ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] },
};

/** Where a key leads from a cell, within rows and slots; undefined for a key that leads nowhere. */
export function stepped(
  key: string,
  [row, slot]: readonly [number, number],
  rows: number,
  slots: number,
): readonly [number, number] | undefined {
  const by = KEYS[key];
  if (!by) return undefined;
  const within = (value: number, most: number) => Math.min(most - 1, Math.max(0, value));
  return [within(row + by[0], rows), within(slot + by[1], slots)];
}
