/** Readings of one feeder in memory: recent samples as they came, and the half hour that is being read. */
import { SERIES_KEPT_MS, SERIES_SAMPLES } from '../../limits.ts';

export const HALF_HOUR_MS = 1_800_000;

/** Grid time (ms since the Unix epoch) and kW, import positive. */
export interface Reading {
  readonly atMs: number;
  readonly powerKw: number;
}

/** Everything a series holds, as plain values. */
export interface SeriesState {
  readonly samples: Float64Array;
  readonly open: { readonly slotMs: number; readonly sum: number; readonly count: number } | undefined;
  readonly completed: Reading | undefined;
}

export class FeederSeries {
  #samples: Reading[] = [];
  #history: readonly Reading[];
  #open: { slotMs: number; sum: number; count: number } | undefined;
  #completed: Reading | undefined;

  /** `history`: means of half hours, each at its start. */
  constructor(history: readonly Reading[] = []) {
    this.#history = [...history].sort((a, b) => a.atMs - b.atMs);
  }

  static restore({ samples, open, completed }: SeriesState): FeederSeries {
    const series = new FeederSeries();
    for (let i = 0; i < samples.length; i += 2) series.#samples.push({ atMs: samples[i]!, powerKw: samples[i + 1]! });
    series.#open = open && { ...open };
    series.#completed = completed;
    return series;
  }

  state(): SeriesState {
    const samples = Float64Array.from(this.#samples.flatMap(({ atMs, powerKw }) => [atMs, powerKw]));
    return { samples, open: this.#open && { ...this.#open }, completed: this.#completed };
  }

  /** The history it began with, once: whoever learns from it keeps what it needs. */
  takeHistory(): readonly Reading[] {
    const taken = this.#history;
    this.#history = [];
    return taken;
  }

  /** Adds a sample; one not later than the last is ignored. Returns the half hour that it completed, if one. */
  add(sample: Reading): Reading | undefined {
    if (this.last && sample.atMs <= this.last.atMs) return undefined;
    this.#samples.push(sample);
    this.#forget(sample.atMs - SERIES_KEPT_MS);
    const slotMs = Math.floor(sample.atMs / HALF_HOUR_MS) * HALF_HOUR_MS;
    const open = this.#open;
    if (open?.slotMs === slotMs) {
      open.sum += sample.powerKw;
      open.count++;
      return undefined;
    }
    this.#open = { slotMs, sum: sample.powerKw, count: 1 };
    if (!open) return undefined;
    this.#completed = { atMs: open.slotMs, powerKw: open.sum / open.count };
    return this.#completed;
  }

  get last(): Reading | undefined {
    return this.#samples.at(-1);
  }

  /** The latest half hour that was read to its end. */
  get completed(): Reading | undefined {
    return this.#completed;
  }

  /** Samples of `[fromMs, toMs)`, oldest first. */
  between(fromMs: number, toMs: number): Reading[] {
    let from = this.#samples.length;
    while (from > 0 && this.#samples[from - 1]!.atMs >= fromMs) from--;
    const found: Reading[] = [];
    for (let i = from; i < this.#samples.length && this.#samples[i]!.atMs < toMs; i++) found.push(this.#samples[i]!);
    return found;
  }

  /** In strides: dropping one sample at a time would move all the others each time. */
  #forget(beforeMs: number): void {
    const tooMany = this.#samples.length > SERIES_SAMPLES;
    if (!tooMany && this.#samples[this.#samples.length >> 2]!.atMs >= beforeMs) return;
    const kept = tooMany ? this.#samples.slice(-SERIES_SAMPLES / 2) : this.#samples;
    this.#samples = kept.filter(({ atMs }) => atMs >= beforeMs);
  }
}

export function meanKw(readings: readonly Reading[]): number | undefined {
  if (readings.length === 0) return undefined;
  return readings.reduce((sum, reading) => sum + reading.powerKw, 0) / readings.length;
}
