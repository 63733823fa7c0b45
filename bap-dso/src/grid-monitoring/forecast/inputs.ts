/**
 * Series from outside a feeder's own readings that its forecast may use: weather, national demand, embedded generation.
 * Optional, every one. They are read by regressions of their own, beside those that know the load alone; where a series
 * is missing those have no say, and the forecast is what it would be without.
 */
import type { LoadHistory } from './history.ts';

/** Below it a home is heated, °C: the base temperature of British degree days. */
const HEATING_BELOW_C = 15.5;
/** What is measured is published this much later. */
const PUBLISHED_AFTER_MS = 90 * 60_000;
const DAY_MS = 86_400_000;

export interface ForecastInput {
  /** As it is told in what a forecast used. */
  readonly name: string;
  /**
   * `ahead`: a forecast of it is known at every origin, as of weather. `outturn`: only what was measured up to an hour
   * and a half before the origin is looked at, as of demand.
   */
  readonly known: 'ahead' | 'outturn';
  /** Heating demand goes with degrees below 15.5 °C; other series count as they are. */
  readonly kind: 'temperature' | 'plain';
  /** °C or MW at an instant, as best known; undefined where it is not. For a past instant its forecast or what came of it. */
  at(atMs: number): number | undefined;
}

export function widthOf(inputs: readonly ForecastInput[]): number {
  return inputs.reduce((sum, { known }) => sum + (known === 'ahead' ? 3 : 1), 0);
}

export function inputFeatures(inputs: readonly ForecastInput[]): string[] {
  return inputs.flatMap(({ name, known }) =>
    known === 'ahead'
      ? [`${name} at the target`, `its change from the origin`, `its change from a day before`]
      : [`${name} against a day before`],
  );
}

/** NaN where one of them is not known. */
export function writeInputs(
  inputs: readonly ForecastInput[],
  history: LoadHistory,
  position: number,
  ahead: number,
  out: Float64Array,
  from: number,
): void {
  const hereMs = position * history.stepMs;
  const thereMs = hereMs + ahead * history.stepMs;
  let at = from;
  for (const input of inputs) {
    if (input.known === 'ahead') {
      const there = valueAt(input, thereMs);
      out[at++] = there;
      out[at++] = there - valueAt(input, hereMs);
      out[at++] = there - valueAt(input, thereMs - DAY_MS);
    } else {
      const latestMs = hereMs - PUBLISHED_AFTER_MS;
      out[at++] = valueAt(input, latestMs) - valueAt(input, latestMs - DAY_MS);
    }
  }
}

function valueAt({ kind, at }: ForecastInput, atMs: number): number {
  const value = at(atMs) ?? Number.NaN;
  return kind === 'temperature' ? Math.max(0, HEATING_BELOW_C - value) : value;
}

/** Those that are known over enough of a history to be learnt from, its last two days included. */
export function usableOf(inputs: readonly ForecastInput[], history: LoadHistory, rows: number): ForecastInput[] {
  const stride = Math.max(1, Math.round(1_800_000 / history.stepMs));
  const recent = history.last - 2 * history.calendar.perDay;
  return inputs.filter(({ at }) => {
    let known = 0;
    let knownLately = 0;
    for (let slot = history.last; slot >= history.first; slot -= stride) {
      if (at(slot * history.stepMs) === undefined) continue;
      known++;
      if (slot > recent) knownLately++;
    }
    return known >= rows && knownLately * stride > 1.5 * history.calendar.perDay;
  });
}
