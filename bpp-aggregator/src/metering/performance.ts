import type { Performance, PerformanceInterval, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { BASELINE_METHOD } from '../catalogue/blocks.ts';
import { roundKw } from '../orders/quantity.ts';

/** The parts of `window` between the half-hour boundaries of grid time. */
export function halfHourSlices(window: TimeWindow): TimeWindow[] {
  const halfHourMs = 1_800_000;
  const slices: TimeWindow[] = [];
  let startMs = window.startMs;
  while (startMs < window.endMs) {
    const endMs = Math.min(window.endMs, (Math.floor(startMs / halfHourMs) + 1) * halfHourMs);
    slices.push({ startMs, endMs });
    startMs = endMs;
  }
  return slices;
}

/**
 * What the devices did, as the aggregator sees it: `kwhOf[i]` is the net energy of all of them in `slices[i]`
 * and `agreedKwhOf[i]` what was agreed to be shed in it; the
 * baseline their mean power in the five minutes before dispatch. An energy that is unknown counts as the baseline's,
 * so that what nobody measured is not claimed.
 */
export function performanceOf(
  slices: readonly TimeWindow[],
  kwhOf: readonly (number | undefined)[],
  baselineKw: number,
  agreedKwhOf: readonly number[],
): Performance {
  let deliveredKwh = 0;
  let committedKwh = 0;
  const intervals = slices.map((slice, index): PerformanceInterval => {
    const hours = (slice.endMs - slice.startMs) / 3_600_000;
    const kwh = kwhOf[index];
    const actualKw = kwh === undefined ? baselineKw : kwh / hours;
    const reductionKw = roundKw(baselineKw - actualKw);
    deliveredKwh += reductionKw * hours;
    committedKwh += agreedKwhOf[index] ?? 0;
    return { startMs: slice.startMs, baselineKw: roundKw(baselineKw), actualKw: roundKw(actualKw), reductionKw };
  });
  return {
    deliveredKwh: roundKw(deliveredKwh),
    ratio: committedKwh > 0 ? Math.round((deliveredKwh / committedKwh) * 10_000) / 10_000 : 0,
    baselineMethod: BASELINE_METHOD,
    intervals,
  };
}
