/** What a forecast has to beat: rules that need no model. */
import { DAY_MS } from './calendar.ts';
import type { SeriesReading } from './evaluate.ts';

/** Undefined where a reading that the rule needs is missing. */
export interface Baselines {
  /** The reading at the origin. */
  readonly persistence: number | undefined;
  /** The reading 24 hours before the target. */
  readonly dayNaive: number | undefined;
  /** The same, plus what the reading at the origin differs from the one 24 hours before it. */
  readonly dayLastError: number | undefined;
}

export function baselinesOf(readings: readonly SeriesReading[]): (originMs: number, targetMs: number) => Baselines {
  const known = new Map(readings.map(({ atMs, load }) => [atMs, load]));
  return (originMs, targetMs) => {
    const now = known.get(originMs);
    const dayNaive = known.get(targetMs - DAY_MS);
    const before = known.get(originMs - DAY_MS);
    const dayLastError =
      now === undefined || dayNaive === undefined || before === undefined ? undefined : dayNaive + now - before;
    return { persistence: now, dayNaive, dayLastError };
  };
}
