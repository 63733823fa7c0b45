/**
 * How good the forecast is on a series, on a rolling origin and without look-ahead: the readings are given to the very
 * forecaster that runs live, one after the other, and a forecast is what it says before the next one. Test readings
 * come last; the horizons, the model and its constants are the same for every series.
 */
import { CONFORMAL_WINDOW } from '../../limits.ts';
import { baselinesOf } from './baselines.ts';
import { DAY_MS } from './calendar.ts';
import type { ForecastInput } from './inputs.ts';
import type { Basis } from './load-model.ts';
import { type Issued, RollingForecast } from './rolling.ts';
import { type ModelScores, Scores } from './scores.ts';

export interface SeriesReading {
  readonly atMs: number;
  /** In the unit of the series. */
  readonly load: number;
}

export interface EvaluationOptions {
  /** Sampling of the series, milliseconds; divides an hour. */
  readonly stepMs: number;
  /** The last share of the readings is the test, above 0 and below 1. */
  readonly testShare: number;
  /** Horizons, minutes, ascending; those that are no multiple of the sampling are left out. */
  readonly horizonMinutes?: readonly number[];
  /** From outside the readings; what they say is taken for known at every origin, as each declares. */
  readonly inputs?: readonly ForecastInput[];
  /** Told every forecast whose target was read, in order: for plots and for tests. */
  onForecast?(forecast: MadeForecast): void;
}

export interface MadeForecast {
  readonly originMs: number;
  readonly targetMs: number;
  readonly minutes: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface HorizonResult {
  readonly minutes: number;
  /** Test readings that were forecast: those whose origin was read. */
  readonly forecasts: number;
  readonly model: ModelScores;
  readonly persistence: { readonly mape: number | null };
  readonly dayNaive: { readonly mape: number | null };
  readonly dayLastError: { readonly mape: number | null };
}

export interface Evaluation {
  readonly readings: number;
  readonly test: number;
  readonly testFromMs: number;
  readonly horizons: readonly HorizonResult[];
  readonly model: Basis;
  /** Horizons asked for that this sampling cannot express. */
  readonly leftOutMinutes: readonly number[];
}

export const EVALUATED_MINUTES = [30, 60, 120, 240] as const;
/** Residuals that the intervals start with, beside what the test brings: two windows of half hours. */
const WARM_UP_MS = 2 * CONFORMAL_WINDOW * 30 * 60_000;

/**
 * `readings` ascend in time and lie on the raster of `stepMs`; slots without one are missing. Throws RangeError when
 * they do not, or when no reading is left for either part.
 */
export function evaluateForecast(readings: readonly SeriesReading[], options: EvaluationOptions): Evaluation {
  const { stepMs, testShare } = options;
  const firstTest = Math.floor(readings.length * (1 - testShare));
  if (!(testShare > 0 && testShare < 1) || firstTest < 1 || firstTest >= readings.length) {
    throw new RangeError(`${readings.length} readings leave none to test or none to learn from`);
  }
  const wanted = options.horizonMinutes ?? EVALUATED_MINUTES;
  const minutes = wanted.filter((m) => (m * 60_000) % stepMs === 0);
  const aheads = minutes.map((m) => (m * 60_000) / stepMs);
  const testFromMs = readings[firstTest]!.atMs;
  const rolling = new RollingForecast({ stepMs, aheads, inputs: options.inputs });
  const baseline = baselinesOf(readings);
  // Which relative errors mean something is part of the measure, not of any forecast.
  const scores = minutes.map(() => new Scores(readings.slice(firstTest).map(({ load }) => load)));

  let fitted = false;
  for (const { atMs, load } of readings) {
    const slot = atMs / stepMs;
    if (!Number.isInteger(slot)) throw new RangeError(`the reading at ${atMs} ms is off the raster of ${stepMs} ms`);
    for (const issued of rolling.resolve(atMs, load, 0)) {
      const made = madeOf(issued, minutes[issued.i]!);
      options.onForecast?.(made);
      if (atMs >= testFromMs) scores[issued.i]!.add(load, made, baseline(made.originMs, atMs));
    }
    rolling.model.observe(slot, load);
    if (atMs < testFromMs - WARM_UP_MS - DAY_MS / 4) continue;
    if (!fitted) rolling.model.fit();
    fitted = true;
    rolling.issue(atMs);
  }
  return {
    readings: readings.length,
    test: readings.length - firstTest,
    testFromMs,
    horizons: minutes.map((m, i) => ({ minutes: m, ...scores[i]!.result() })),
    model: rolling.model.describe(),
    leftOutMinutes: wanted.filter((m) => !minutes.includes(m)),
  };
}

function madeOf({ targetMs, prediction, interval }: Issued, minutes: number): MadeForecast {
  const half = interval.half ?? 0;
  return {
    originMs: targetMs - minutes * 60_000,
    targetMs,
    minutes,
    value: prediction.value,
    low: prediction.value - half,
    high: prediction.value + half,
  };
}
