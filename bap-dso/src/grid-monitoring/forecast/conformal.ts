/**
 * Adaptive conformal intervals. An error counts in units of what is usual at its time of day (the spread of the fit)
 * and of how far off recent forecasts were; the 90 % quantile of the last week of such scores makes the interval. Its
 * level moves a little with every hit and miss (adaptive conformal inference), so that a season that changes faster
 * than a week is followed too. Horizons share what they know of recent errors: the short ones know it first.
 */
import { CONFORMAL_MINIMUM, CONFORMAL_WINDOW } from '../../limits.ts';

export const COVERAGE = 0.9;
/** Weight of the latest error in what counts as recent: about the last seven. */
const RECENT = 0.15;
/** The interval grows with the root of the recent error: errors return to the mean before the next target. */
const RECENT_POWER = 0.5;
const LEVEL_STEP = 0.002;
const LEVEL_MIN = 0.8;
const LEVEL_MAX = 0.98;
/** An error of zero must not make the next interval vanish. */
const SCORE_MIN = 1e-3;

export interface Interval {
  /** Half width, in the unit of the readings; undefined while too few residuals are known to tell. */
  readonly half: number | undefined;
  /** What a residual is divided by before it counts. */
  readonly unit: number;
}

/** Everything an interval is made from, as plain numbers. */
export interface BandState {
  readonly scores: Float32Array;
  count: number;
  next: number;
  recent: number;
  level: number;
}

export class ConformalBands {
  readonly #bands: BandState[];
  readonly #quantiles: (number | undefined)[];

  constructor(horizons: number, states?: readonly BandState[]) {
    this.#bands = Array.from({ length: horizons }, (_, i) => ({
      scores: new Float32Array(CONFORMAL_WINDOW),
      count: 0,
      next: 0,
      recent: 1,
      level: COVERAGE,
      ...states?.[i],
    }));
    this.#quantiles = this.#bands.map(() => undefined);
  }

  get states(): readonly BandState[] {
    return this.#bands;
  }

  /** The interval of a forecast made now for horizon `i`, whose usual error is `spread`. */
  interval(i: number, spread: number): Interval {
    const unit = spread * this.#recent(i) ** RECENT_POWER;
    const quantile = this.#quantile(i);
    return { half: quantile === undefined ? undefined : quantile * unit, unit };
  }

  /** What came of a forecast of horizon `i` that was issued with `interval`. */
  add(i: number, residual: number, spread: number, interval: Interval): void {
    const band = this.#bands[i]!;
    const error = Math.abs(residual);
    band.scores[band.next] = error / Math.max(interval.unit, Number.EPSILON);
    band.next = (band.next + 1) % CONFORMAL_WINDOW;
    band.count = Math.min(band.count + 1, CONFORMAL_WINDOW);
    const share = Math.max(RECENT, 1 / band.count);
    const relative = Math.max(SCORE_MIN, error / Math.max(spread, Number.EPSILON));
    band.recent += share * (relative - band.recent);
    if (interval.half !== undefined) {
      const missed = error > interval.half ? 1 : 0;
      band.level = Math.min(LEVEL_MAX, Math.max(LEVEL_MIN, band.level + LEVEL_STEP * (missed - (1 - COVERAGE))));
    }
    this.#quantiles[i] = undefined;
  }

  /** Geometric mean of the recent relative errors of this horizon and the shorter ones. */
  #recent(i: number): number {
    let sum = 0;
    for (let k = 0; k <= i; k++) sum += Math.log(this.#bands[k]!.recent);
    return Math.exp(sum / (i + 1));
  }

  #quantile(i: number): number | undefined {
    const band = this.#bands[i]!;
    if (band.count < CONFORMAL_MINIMUM) return undefined;
    if (this.#quantiles[i] === undefined) {
      const sorted = band.scores.slice(0, band.count).sort();
      // The finite-sample correction of split conformal prediction: the (n + 1)-th share, not the n-th.
      const rank = Math.min(band.count, Math.ceil((band.count + 1) * band.level));
      this.#quantiles[i] = sorted[rank - 1]!;
    }
    return this.#quantiles[i];
  }
}
