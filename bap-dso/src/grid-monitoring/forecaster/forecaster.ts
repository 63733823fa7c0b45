/** Short-term forecast of one feeder: five minutes to four hours ahead with 90 % bands, anew with every sample. */
import { CONFORMAL_WINDOW, FIT_MINIMUM_ROWS, FORECAST_STEPS } from '../../limits.ts';
import { between, type Origin, usual } from '../forecast/features.ts';
import type { ForecastInput } from '../forecast/inputs.ts';
import type { Basis, ModelKind } from '../forecast/load-model.ts';
import { type Issued, RollingForecast } from '../forecast/rolling.ts';
import { lineOf, ShortTerm } from '../forecast/short-term.ts';
import { type ForecastState, packState, unpackState } from '../forecast/state.ts';
import { FeederSeries, HALF_HOUR_MS, meanKw } from '../telemetry/series.ts';

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
  /** Version of the method, and until when its daily fit has read; null before the first. */
  readonly version?: string;
  readonly fittedAtMs?: number | null;
  /** What it was made from. */
  readonly used?: readonly string[];
  readonly points: readonly ForecastPoint[];
}

export interface ForecasterOptions {
  /** From outside its readings. */
  readonly inputs?: readonly ForecastInput[];
  /** Half hours by which this feeder's daily fits are later than another's. */
  readonly phase?: number;
  /** Learn the bands from the last week of history (a fraction of a second a feeder) or from live forecasts alone. */
  readonly warmUp?: boolean;
  /** Fits are left to `refit`, so that a sample never waits for them. */
  readonly deferred?: boolean;
}

const AHEADS = Array.from({ length: FORECAST_STEPS }, (_, i) => i + 1);
/** Live telemetry over this long is one reading: it takes the noise out and lags the load by half of it. */
const SMOOTHING_MS = 5 * 60_000;
/** Half hours between the origins whose errors the bands begin with: prime, so that they meet every time of day. */
const WARM_UP_APART = 13;

export class Forecaster {
  readonly #series: FeederSeries;
  readonly #rolling: RollingForecast;
  #short = new ShortTerm();
  /** Latest sample while dispatch changed the load; what was read until then says nothing of the load left alone. */
  #relievedMs = Number.NEGATIVE_INFINITY;
  /** The forecast of the latest sample, which judging and showing share. */
  #latest: { readonly atMs: number; readonly issued: readonly Issued[] } | undefined;

  constructor(series: FeederSeries, options: ForecasterOptions = {}) {
    this.#series = series;
    const { inputs, phase, deferred } = options;
    this.#rolling = new RollingForecast({ stepMs: HALF_HOUR_MS, aheads: AHEADS, inputs, phase, deferred });
    this.#readIn(options.warmUp ?? true);
  }

  /** One of the fits that are due; false when none is. */
  refit(): boolean {
    return this.#rolling.model.refit();
  }

  /** A forecaster and its series as they were when `snapshot` was taken. Throws on bytes of another version. */
  static restore(bytes: Uint8Array, options: Omit<ForecasterOptions, 'warmUp'> = {}) {
    const state = unpackState(bytes);
    const series = FeederSeries.restore(state.series);
    const forecaster = new Forecaster(series, options);
    forecaster.#rolling.restore(state.rolling);
    forecaster.#short = ShortTerm.restore(state.short);
    forecaster.#relievedMs = state.relievedMs;
    return { series, forecaster };
  }

  /** Everything learnt and pending, with the series: bounded, about 80 kB. */
  snapshot(): Uint8Array {
    const state: ForecastState = {
      series: this.#series.state(),
      rolling: this.#rolling.state(),
      short: this.#short.state(),
      relievedMs: this.#relievedMs,
    };
    return packState(state);
  }

  /** Where it takes its place among other feeders, once it is restored. */
  settle({ phase, deferred }: Required<Pick<ForecasterOptions, 'phase' | 'deferred'>>): void {
    this.#rolling.model.phase = phase;
    this.#rolling.model.deferred = deferred;
  }

  /** Until when the daily fits have read; null before the first. */
  get fittedAtMs(): number | null {
    return this.#rolling.model.fittedAtMs;
  }

  /** What the forecast is made from, and when it was fitted. */
  describe(): Basis {
    return this.#rolling.model.describe();
  }

  /**
   * The forecast from the latest sample on, to be asked for with each; undefined before the first. `relieved`: the load
   * is being changed by dispatch.
   */
  forecast(relieved = false): Forecast | undefined {
    const nowMs = this.#series.last?.atMs;
    if (relieved && nowMs !== undefined) this.#relievedMs = nowMs;
    const origin = nowMs === undefined ? undefined : this.#originAt(nowMs);
    if (nowMs === undefined || !origin) return undefined;
    const nowKw = origin.recent[0];
    const issued = this.#issuedAt(nowMs, origin);
    const halfHourKw = issued[0]?.prediction.value ?? nowKw;
    const line = lineOf(this.#series, nowMs, this.#relievedMs);
    if (nowMs > this.#relievedMs) this.#short.learn(line, this.#series.last!.powerKw, nowMs, nowKw, halfHourKw);
    const short = this.#short.forecast(line, nowMs, nowKw, halfHourKw);
    return {
      issuedAtMs: nowMs,
      model: issued.at(-1)?.prediction.model ?? 'persistence',
      version: this.#rolling.model.version,
      fittedAtMs: this.#rolling.model.fittedAtMs,
      used: this.#rolling.model.used,
      points: [
        ...short.map(({ atMs, powerKw, interval }) => pointOf(atMs, powerKw, interval.half)),
        ...AHEADS.map((ahead, i) => {
          const one = issued[i];
          return pointOf(nowMs + ahead * HALF_HOUR_MS, one?.prediction.value ?? nowKw, one?.interval.half);
        }),
      ],
    };
  }

  /**
   * To be called when a half hour completed. `relieved`: the load is being changed by dispatch, so no residual counts,
   * and the half hour is a gap in the history: what is forecast is the load left alone.
   */
  learn(relieved: boolean): void {
    const nowMs = this.#series.last!.atMs;
    if (relieved) this.#relievedMs = nowMs;
    const completed = this.#series.completed;
    const slot = completed && completed.atMs / HALF_HOUR_MS;
    const { model } = this.#rolling;
    const altered = completed && completed.atMs <= this.#relievedMs;
    if (completed && !altered && slot! > model.history.last) model.observe(slot!, completed.powerKw);
    this.#latest = undefined;
    const origin = this.#originAt(nowMs);
    if (relieved || !origin) {
      this.#rolling.forget();
      this.#short.forget();
      return;
    }
    // The tolerance: a gap in telemetry makes the reading another instant than the one that was forecast.
    this.#rolling.resolve(nowMs, origin.recent[0], SMOOTHING_MS - 1);
    this.#latest = { atMs: nowMs, issued: this.#rolling.issue(nowMs, origin) };
  }

  #issuedAt(nowMs: number, origin: Origin): readonly Issued[] {
    if (this.#latest?.atMs !== nowMs) this.#latest = { atMs: nowMs, issued: this.#rolling.forecast(nowMs, origin) };
    return this.#latest.issued;
  }

  /** History first, and with it the errors of forecasts made on the way, so that the bands are there from the start. */
  #readIn(warmUp: boolean): void {
    const { model } = this.#rolling;
    const { deferred } = model;
    const history = this.#series.takeHistory();
    model.deferred = deferred && !warmUp;
    const warmFrom = warmUp ? Math.max(FIT_MINIMUM_ROWS, history.length - CONFORMAL_WINDOW) : history.length;
    model.fitsDaily = false;
    history.forEach(({ atMs, powerKw }, n) => {
      const slot = Math.floor(atMs / HALF_HOUR_MS);
      if (slot <= model.history.last) return;
      this.#rolling.resolve(slot * HALF_HOUR_MS, powerKw, 0);
      model.observe(slot, powerKw);
      if (n < warmFrom) return;
      if (n === warmFrom) model.fit();
      if ((n - warmFrom) % WARM_UP_APART === 0) this.#rolling.issue(slot * HALF_HOUR_MS);
    });
    model.fitsDaily = true;
    this.#rolling.forget();
    if ((warmUp || deferred) && history.length > 0) model.fit();
    model.deferred = deferred;
  }

  /** A half-hour reading is the mean of its half hour, so it stands at the centre. */
  #originAt(nowMs: number): Origin | undefined {
    const now = this.#smoothed(nowMs);
    if (now === undefined) return undefined;
    const { history } = this.#rolling.model;
    const position = nowMs / HALF_HOUR_MS - 0.5;
    const ratio = history.ratio(history.last);
    const usualAt = (at: number) => ratio * between(usual, history, at);
    const read = (halves: number) => {
      const atMs = nowMs - halves * HALF_HOUR_MS;
      // Without a reading of the load left alone: as far from the usual load as now.
      if (atMs <= this.#relievedMs) return now - usualAt(position) + usualAt(position - halves);
      return this.#smoothed(atMs) ?? between((h, slot) => h.load(slot), history, position - halves);
    };
    return {
      position,
      recent: [now, read(1), read(2)],
      ratio,
      level: history.last < 0 ? Math.max(Math.abs(now), Number.EPSILON) : history.level(history.last),
    };
  }

  #smoothed(atMs: number): number | undefined {
    return meanKw(this.#series.between(atMs - SMOOTHING_MS + 1, atMs + 1));
  }
}

function pointOf(atMs: number, powerKw: number, half = 0): ForecastPoint {
  return { atMs, powerKw, lowKw: powerKw - half, highKw: powerKw + half };
}
