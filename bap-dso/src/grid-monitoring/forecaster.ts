/** Short-term forecast of one feeder: two hours ahead in half hours, with rolling conformal 90 % bands. */
import { CONFORMAL_WINDOW, FORECAST_STEPS, FORECASTS_PENDING } from '../limits.ts';
import { ConformalBand } from './conformal.ts';
import type { LoadAt } from './features.ts';
import { type DirectModel, fitDirect, type ModelKind, predictLoad } from './model.ts';
import { type FeederSeries, HALF_HOUR_MS, meanKw } from './series.ts';

export interface ForecastPoint {
  readonly atMs: number;
  readonly powerKw: number;
  /** 90 % band; equal to `powerKw` while too few residuals are known to tell. */
  readonly lowKw: number;
  readonly highKw: number;
}

export interface Forecast {
  readonly issuedAtMs: number;
  readonly model: ModelKind;
  readonly points: readonly ForecastPoint[];
}

/** Live telemetry over this long is one reading: it takes the noise out and lags the load by half of it. */
const SMOOTHING_MS = 5 * 60_000;
const SHORT_MS = HALF_HOUR_MS / 2;
const REFIT_SLOTS = 48;

export class Forecaster {
  readonly #series: FeederSeries;
  readonly #bands = Array.from({ length: FORECAST_STEPS }, () => new ConformalBand());
  #direct: DirectModel | undefined;
  #pending: { targetMs: number; step: number; powerKw: number }[] = [];
  #slotsSinceFit = 0;

  constructor(series: FeederSeries) {
    this.#series = series;
    this.#fit();
  }

  /** The forecast from the latest sample on; undefined before the first. */
  forecast(): Forecast | undefined {
    const issuedAtMs = this.#series.last?.atMs;
    if (issuedAtMs === undefined) return undefined;
    const points: ForecastPoint[] = [];
    let model: ModelKind = 'persistence';
    const load = this.#loadFrom(issuedAtMs);
    for (let step = 1; step <= FORECAST_STEPS; step++) {
      const predicted = predictLoad(this.#direct, load, issuedAtMs, step);
      if (!predicted) return undefined;
      model = predicted.model;
      points.push(this.#point(issuedAtMs + step * HALF_HOUR_MS, predicted.powerKw, step));
    }
    const short = this.#shortTermKw(issuedAtMs);
    if (short !== undefined) points.unshift(this.#point(issuedAtMs + SHORT_MS, short, 1));
    return { issuedAtMs, model, points };
  }

  /** To be called when a half hour completed. `relieved`: the load is being changed by dispatch, so no residual counts. */
  learn(relieved: boolean): void {
    const nowMs = this.#series.last!.atMs;
    const actualKw = this.#smoothed(nowMs);
    const due = this.#pending.filter((pending) => pending.targetMs <= nowMs);
    this.#pending = this.#pending.filter((pending) => pending.targetMs > nowMs);
    if (relieved || actualKw === undefined) {
      this.#pending = [];
    } else {
      for (const { step, powerKw, targetMs } of due) {
        // A gap in telemetry makes the reading another instant than the one that was forecast.
        if (nowMs - targetMs < SMOOTHING_MS) this.#bands[step - 1]!.add(actualKw - powerKw);
      }
      this.#issue(nowMs);
    }
    if (++this.#slotsSinceFit >= REFIT_SLOTS) this.#fit();
  }

  #issue(nowMs: number): void {
    const load = this.#loadFrom(nowMs);
    for (let step = 1; step <= FORECAST_STEPS; step++) {
      const predicted = predictLoad(this.#direct, load, nowMs, step);
      if (predicted) {
        this.#pending.push({ targetMs: nowMs + step * HALF_HOUR_MS, step, powerKw: predicted.powerKw });
      }
    }
    this.#pending = this.#pending.slice(-FORECASTS_PENDING);
  }

  /** Fits on all but the last week to learn the residuals of that week, then on everything. */
  #fit(): void {
    this.#slotsSinceFit = 0;
    const slots = this.#series.slots();
    const load: LoadAt = (atMs) => this.#series.at(atMs);
    if (this.#bands[0]!.count === 0) {
      const heldOut = Math.min(CONFORMAL_WINDOW, Math.floor(slots.length / 4));
      const early = fitDirect(load, slots.slice(0, -heldOut || undefined));
      for (const { atMs, powerKw } of slots.slice(slots.length - heldOut)) {
        for (let step = 1; step <= FORECAST_STEPS; step++) {
          const predicted = predictLoad(early, load, atMs - step * HALF_HOUR_MS, step);
          if (predicted) this.#bands[step - 1]!.add(powerKw - predicted.powerKw);
        }
      }
    }
    this.#direct = fitDirect(load, slots);
  }

  #point(atMs: number, powerKw: number, step: number): ForecastPoint {
    const halfWidthKw = this.#bands[step - 1]!.halfWidthKw ?? 0;
    return { atMs, powerKw, lowKw: powerKw - halfWidthKw, highKw: powerKw + halfWidthKw };
  }

  /** Live telemetry where there is some, else the half hours, read between their centres. */
  #loadFrom(originMs: number): LoadAt {
    return (atMs) => {
      const live = originMs - atMs <= 2 * HALF_HOUR_MS ? this.#smoothed(atMs) : undefined;
      return live ?? this.#interpolated(atMs);
    };
  }

  #smoothed(atMs: number): number | undefined {
    return meanKw(this.#series.between(atMs - SMOOTHING_MS + 1, atMs + 1));
  }

  /** A half-hour reading is the mean of its half hour, so it stands at the centre. */
  #interpolated(atMs: number): number | undefined {
    const position = (atMs - HALF_HOUR_MS / 2) / HALF_HOUR_MS;
    const slot = Math.floor(position);
    const left = this.#series.at(slot * HALF_HOUR_MS);
    const right = this.#series.at((slot + 1) * HALF_HOUR_MS);
    if (left === undefined || right === undefined) return left ?? right;
    return left + (right - left) * (position - slot);
  }

  /** A quarter of an hour ahead: persistence plus the slope of the last quarter of an hour. */
  #shortTermKw(nowMs: number): number | undefined {
    const readings = this.#series.between(nowMs - SHORT_MS, nowMs + 1);
    const first = readings[0];
    const level = this.#smoothed(nowMs);
    if (!first || level === undefined || readings.length < 5 || nowMs - first.atMs < (2 * SHORT_MS) / 3) {
      return undefined;
    }
    const meanAtMs = readings.reduce((sum, reading) => sum + reading.atMs, 0) / readings.length;
    const mean = meanKw(readings)!;
    let covariance = 0;
    let variance = 0;
    for (const { atMs, powerKw } of readings) {
      covariance += (atMs - meanAtMs) * (powerKw - mean);
      variance += (atMs - meanAtMs) ** 2;
    }
    // The line through the mean, so that one noisy last sample does not carry the forecast.
    return mean + (covariance / variance) * (nowMs + SHORT_MS - meanAtMs);
  }
}
