import { type Percentiles, percentiles } from '@flexder/runtime/percentiles.ts';

const tenth = (value: number | null) => (value === null ? null : Math.round(value * 10) / 10);

/** Of durations in milliseconds, to 0.1: further digits are noise. */
export function roundedPercentiles(valuesMs: readonly number[]): Percentiles {
  const { count, p50, p95, p99, max } = percentiles(valuesMs);
  return { count, p50: tenth(p50), p95: tenth(p95), p99: tenth(p99), max: tenth(max) };
}

/** Ten, a hundred and so on below `largest`, and that. */
export function sizesUpTo(largest: number): number[] {
  return [10, 100, 1_000, 10_000].filter((size) => size < largest).concat(largest);
}

/** The upper one of an even number of values; 0 of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
