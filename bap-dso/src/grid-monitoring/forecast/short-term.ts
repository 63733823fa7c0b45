/**
 * Below half an hour, on telemetry of a reading a minute or so: the straight line of the last quarter of an hour and
 * the way from the present load to the model's half-hour forecast, weighted by how either did lately.
 */
import { type FeederSeries, meanKw } from '../telemetry/series.ts';
import { ConformalBands, type Interval } from './conformal.ts';

const MINUTE_MS = 60_000;
export const SHORT_MINUTES = [5, 15] as const;
const LINE_MS = 15 * MINUTE_MS;
/** Fewer samples make no line: telemetry is too slow for this. */
const LINE_SAMPLES = 5;
/** Forecasts are judged this often: often enough to learn within hours, seldom enough to be told apart. */
const ISSUED_MS = 5 * MINUTE_MS;
const JUDGED_WITHIN_MS = 2 * MINUTE_MS;
const LOSS_KEPT = 0.98;
const LOSS_POWER = 4;
/** Unit of the intervals before their quantile: a share of the load. */
const SPREAD_SHARE = 0.005;

export interface ShortPoint {
  readonly atMs: number;
  readonly powerKw: number;
  readonly interval: Interval;
}

interface Pending {
  readonly i: number;
  readonly targetMs: number;
  readonly said: readonly [line: number, way: number];
  readonly powerKw: number;
  readonly spread: number;
  readonly interval: Interval;
}

export interface ShortTermState {
  readonly losses: readonly (readonly number[])[];
  readonly bands: ConformalBands['states'];
  readonly pending: readonly Pending[];
  readonly issuedMs: number;
}

export class ShortTerm {
  #losses: number[][] = SHORT_MINUTES.map(() => [0, 0]);
  #bands = new ConformalBands(SHORT_MINUTES.length);
  #pending: Pending[] = [];
  #issuedMs = Number.NEGATIVE_INFINITY;

  static restore({ losses, bands, pending, issuedMs }: ShortTermState): ShortTerm {
    const restored = new ShortTerm();
    restored.#losses = losses.map((pair) => [...pair]);
    restored.#bands = new ConformalBands(SHORT_MINUTES.length, bands);
    restored.#pending = [...pending];
    restored.#issuedMs = issuedMs;
    return restored;
  }

  state(): ShortTermState {
    return {
      losses: this.#losses,
      bands: this.#bands.states,
      pending: this.#pending,
      issuedMs: this.#issuedMs,
    };
  }

  /** The next minutes from `nowKw` on, given what is forecast for half an hour ahead; nothing on slow telemetry. */
  forecast(line: Line | undefined, nowMs: number, nowKw: number, halfHourKw: number): ShortPoint[] {
    return this.#said(line, nowMs, nowKw, halfHourKw).map(({ targetMs, powerKw, interval }) => ({
      atMs: targetMs,
      powerKw,
      interval,
    }));
  }

  /**
   * To be called with every sample: judges what is due by the sample itself, noise included, and from time to time
   * remembers what is said now.
   */
  learn(line: Line | undefined, readKw: number, nowMs: number, nowKw: number, halfHourKw: number): void {
    const due = this.#pending.filter(({ targetMs }) => targetMs <= nowMs);
    if (due.length > 0) this.#pending = this.#pending.filter(({ targetMs }) => targetMs > nowMs);
    for (const { i, targetMs, said, powerKw, spread, interval } of due) {
      if (nowMs - targetMs > JUDGED_WITHIN_MS) continue;
      this.#bands.add(i, readKw - powerKw, spread, interval);
      const losses = this.#losses[i]!;
      said.forEach((kw, k) => {
        const loss = Math.abs(kw - readKw);
        losses[k] = losses[k] === 0 ? loss : LOSS_KEPT * losses[k]! + (1 - LOSS_KEPT) * loss;
      });
    }
    if (nowMs < this.#issuedMs + ISSUED_MS) return;
    this.#issuedMs = nowMs;
    this.#pending.push(...this.#said(line, nowMs, nowKw, halfHourKw));
  }

  /** The load is being changed by dispatch: no forecast of before is judged by it. */
  forget(): void {
    this.#pending = [];
  }

  #said(line: Line | undefined, nowMs: number, nowKw: number, halfHourKw: number): Pending[] {
    if (!line) return [];
    return SHORT_MINUTES.map((minutes, i) => {
      const targetMs = nowMs + minutes * MINUTE_MS;
      const said = [line(targetMs), nowKw + ((halfHourKw - nowKw) * minutes) / 30] as const;
      const powerKw = this.#blend(said, this.#losses[i]!);
      const spread = SPREAD_SHARE * Math.max(Math.abs(nowKw), Math.abs(halfHourKw), Number.EPSILON);
      return { i, targetMs, said, powerKw, spread, interval: this.#bands.interval(i, spread) };
    });
  }

  /** Until both are judged the line counts: without history the way is persistence. */
  #blend([line, way]: readonly [number, number], [lineLoss, wayLoss]: number[]): number {
    if (!lineLoss || !wayLoss) return line;
    const share = 1 / (1 + (lineLoss / wayLoss) ** LOSS_POWER);
    return share * line + (1 - share) * way;
  }
}

export type Line = (atMs: number) => number;

/**
 * Least squares through the last quarter of an hour, so that one noisy last sample does not carry the forecast;
 * undefined where too little was read after `afterMs`.
 */
export function lineOf(series: FeederSeries, nowMs: number, afterMs: number): Line | undefined {
  const readings = series.between(Math.max(nowMs - LINE_MS, afterMs + 1), nowMs + 1);
  const first = readings[0];
  if (!first || readings.length < LINE_SAMPLES || nowMs - first.atMs < (2 * LINE_MS) / 3) return undefined;
  const meanAtMs = readings.reduce((sum, reading) => sum + reading.atMs, 0) / readings.length;
  const mean = meanKw(readings)!;
  let covariance = 0;
  let variance = 0;
  for (const { atMs, powerKw } of readings) {
    covariance += (atMs - meanAtMs) * (powerKw - mean);
    variance += (atMs - meanAtMs) ** 2;
  }
  return (atMs) => mean + (covariance / variance) * (atMs - meanAtMs);
}
