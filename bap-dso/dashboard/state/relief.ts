/** The lines of an event as values at instants. Pure. */
import type { ReliefView } from '../../src/operator-api/events/relief.ts';

type Line = ReliefView['promised'];

/** Of a line of steps: the value that holds then; null before the first. */
export function valueAt(line: Line, atMs: number): number | null {
  return line.findLast((point) => point.atMs <= atMs)?.kw ?? null;
}

export interface ReliefRow {
  readonly atMs: number;
  readonly promisedKw: number | null;
  readonly acknowledgedKw: number | null;
  /** Null where nothing was read at that instant. */
  readonly measuredKw: number | null;
}

/** Newest first: every instant at which a line has a point. */
export function rowsOf({ promised, acknowledged, measured, untilMs }: ReliefView): ReliefRow[] {
  const instants = new Set([...promised, ...acknowledged, ...measured].map(({ atMs }) => atMs));
  const at = new Map(measured.map((point) => [point.atMs, point.kw]));
  return [...instants]
    .filter((atMs) => atMs <= untilMs)
    .sort((a, b) => b - a)
    .map((atMs) => ({
      atMs,
      promisedKw: valueAt(promised, atMs),
      acknowledgedKw: valueAt(acknowledged, atMs),
      measuredKw: at.get(atMs) ?? null,
    }));
}
