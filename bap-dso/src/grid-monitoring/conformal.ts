/** Rolling conformal bands: the quantile of the latest absolute residuals, so that the band follows the season. */
import { CONFORMAL_MINIMUM, CONFORMAL_WINDOW } from '../limits.ts';

const COVERAGE = 0.9;

export class ConformalBand {
  #residuals: number[] = [];
  #halfWidthKw: number | undefined;

  add(residualKw: number): void {
    this.#residuals.push(Math.abs(residualKw));
    if (this.#residuals.length > CONFORMAL_WINDOW) this.#residuals.shift();
    this.#halfWidthKw = undefined;
  }

  get count(): number {
    return this.#residuals.length;
  }

  /** Half width of the 90 % band, kW; undefined while too few residuals are known. */
  get halfWidthKw(): number | undefined {
    if (this.#residuals.length < CONFORMAL_MINIMUM) return undefined;
    if (this.#halfWidthKw === undefined) {
      const sorted = [...this.#residuals].sort((a, b) => a - b);
      // The finite-sample correction of split conformal prediction: the (n + 1)-th share, not the n-th.
      const rank = Math.min(sorted.length, Math.ceil((sorted.length + 1) * COVERAGE));
      this.#halfWidthKw = sorted[rank - 1]!;
    }
    return this.#halfWidthKw;
  }
}
