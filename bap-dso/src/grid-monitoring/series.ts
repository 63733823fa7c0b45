/** Readings of one feeder in memory: recent samples as they came, and half-hour readings for the forecast. */
import { SERIES_HALF_HOURS, SERIES_SAMPLES } from '../limits.ts';

export const HALF_HOUR_MS = 1_800_000;

/** Grid time (ms since the Unix epoch) and kW, import positive. */
export interface Reading {
  readonly atMs: number;
  readonly powerKw: number;
}

/** A series on the half-hour raster, by slot start; a slot without a reading is missing, never zero. */
export interface HalfHours {
  at(slotMs: number): number | undefined;
}

export class FeederSeries implements HalfHours {
  #samples: Reading[] = [];
  readonly #slots = new Map<number, number>();
  #open: { slotMs: number; sum: number; count: number } | undefined;

  constructor(history: readonly Reading[] = []) {
    for (const reading of [...history].sort((a, b) => a.atMs - b.atMs)) {
      this.#store(Math.floor(reading.atMs / HALF_HOUR_MS) * HALF_HOUR_MS, reading.powerKw);
    }
  }

  /** Adds a sample not older than the last. Returns the half hours that it completed (none or one). */
  add(sample: Reading): Reading | undefined {
    this.#samples.push(sample);
    if (this.#samples.length > 2 * SERIES_SAMPLES) this.#samples = this.#samples.slice(-SERIES_SAMPLES);
    const slotMs = Math.floor(sample.atMs / HALF_HOUR_MS) * HALF_HOUR_MS;
    const open = this.#open;
    if (open?.slotMs === slotMs) {
      open.sum += sample.powerKw;
      open.count++;
      return undefined;
    }
    this.#open = { slotMs, sum: sample.powerKw, count: 1 };
    if (!open) return undefined;
    const completed = { atMs: open.slotMs, powerKw: open.sum / open.count };
    this.#store(completed.atMs, completed.powerKw);
    return completed;
  }

  get last(): Reading | undefined {
    return this.#samples.at(-1);
  }

  at(slotMs: number): number | undefined {
    return this.#slots.get(slotMs);
  }

  /** The half hours held, oldest first. */
  slots(): Reading[] {
    return [...this.#slots].map(([atMs, powerKw]) => ({ atMs, powerKw })).sort((a, b) => a.atMs - b.atMs);
  }

  /** Samples of `[fromMs, toMs)`, oldest first. */
  between(fromMs: number, toMs: number): Reading[] {
    let from = this.#samples.length;
    while (from > 0 && this.#samples[from - 1]!.atMs >= fromMs) from--;
    const found: Reading[] = [];
    for (let i = from; i < this.#samples.length && this.#samples[i]!.atMs < toMs; i++) found.push(this.#samples[i]!);
    return found;
  }

  #store(slotMs: number, powerKw: number): void {
    this.#slots.delete(slotMs);
    this.#slots.set(slotMs, powerKw);
    if (this.#slots.size > SERIES_HALF_HOURS) this.#slots.delete(this.#slots.keys().next().value!);
  }
}

export function meanKw(readings: readonly Reading[]): number | undefined {
  if (readings.length === 0) return undefined;
  return readings.reduce((sum, reading) => sum + reading.powerKw, 0) / readings.length;
}
