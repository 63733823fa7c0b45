/** Measures of forecasts against readings. */
import type { Baselines } from './baselines.ts';
import { COVERAGE } from './conformal.ts';

/** Percentages in percent, everything else in the unit of the series; null where nothing was measured. */
export interface ModelScores {
  /** Mean of |forecast − reading| / |reading| over the readings that are not near zero. */
  readonly mape: number | null;
  readonly mae: number | null;
  /** Mean pinball loss of both ends of the interval: (loss of the low end at 5 % + loss of the high end at 95 %) / 2. */
  readonly pinball: number | null;
  /** Share of the readings within the 90 % interval, its ends included. */
  readonly coverage90: number | null;
  /** Mean half width of the interval. */
  readonly halfWidth: number | null;
}

export interface IntervalForecast {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A relative error of a reading smaller than this share of the mean absolute reading says nothing of the forecast. */
export const NEAR_ZERO_SHARE = 0.05;
const TAIL = (1 - COVERAGE) / 2;

class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    this.#sum += value;
    this.#count++;
  }

  get value(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }
}

export class Scores {
  readonly #nearZero: number;
  #forecasts = 0;
  readonly #absolute = new Mean();
  readonly #pinball = new Mean();
  readonly #covered = new Mean();
  readonly #half = new Mean();
  readonly #relative = {
    model: new Mean(),
    persistence: new Mean(),
    dayNaive: new Mean(),
    dayLastError: new Mean(),
  };

  /** `tested`: all readings of the test part, which say what is near zero. */
  constructor(tested: readonly number[]) {
    this.#nearZero = (NEAR_ZERO_SHARE * tested.reduce((sum, load) => sum + Math.abs(load), 0)) / tested.length;
  }

  add(actual: number, forecast: IntervalForecast, baselines: Baselines): void {
    const { value, low, high } = forecast;
    this.#forecasts++;
    this.#absolute.add(Math.abs(value - actual));
    this.#pinball.add((pinball(actual, low, TAIL) + pinball(actual, high, 1 - TAIL)) / 2);
    this.#covered.add(actual >= low && actual <= high ? 100 : 0);
    this.#half.add((high - low) / 2);
    if (Math.abs(actual) < this.#nearZero || actual === 0) return;
    const relative = (said: number) => (100 * Math.abs(said - actual)) / Math.abs(actual);
    this.#relative.model.add(relative(value));
    for (const rule of ['persistence', 'dayNaive', 'dayLastError'] as const) {
      const said = baselines[rule];
      if (said !== undefined) this.#relative[rule].add(relative(said));
    }
  }

  result() {
    const { model, persistence, dayNaive, dayLastError } = this.#relative;
    return {
      forecasts: this.#forecasts,
      model: {
        mape: model.value,
        mae: this.#absolute.value,
        pinball: this.#pinball.value,
        coverage90: this.#covered.value,
        halfWidth: this.#half.value,
      },
      persistence: { mape: persistence.value },
      dayNaive: { mape: dayNaive.value },
      dayLastError: { mape: dayLastError.value },
    };
  }
}

/** Loss of a quantile forecast: a reading above it costs `share` a unit, one below it the rest. */
export function pinball(actual: number, quantile: number, share: number): number {
  return actual >= quantile ? share * (actual - quantile) : (1 - share) * (quantile - actual);
}
