import { type Big, decimal, ONE, ZERO } from './decimal.ts';

/** Payment factor by the share of the instruction that was delivered: linear between its points, level outside them. */
export interface PerformanceCurve {
  readonly id: string;
  /** `[share delivered, factor]`, both 0 to 1, shares rising. */
  readonly points: readonly (readonly [number, number])[];
}

/** Nothing up to half of the instruction, all of it at the whole. */
export const LINEAR_CURVE: PerformanceCurve = {
  id: 'linear-50-100',
  points: [
    [0.5, 0],
    [1, 1],
  ],
};

/** Full payment from 95 % on, nothing at 63 % and below. */
export const STRICT_CURVE: PerformanceCurve = {
  id: 'strict-63-95',
  points: [
    [0.63, 0],
    [0.95, 1],
  ],
};

export const FACTOR_PLACES = 6;

/** Factor with 6 places for `delivered` of `instructed`; 0 when nothing was instructed. */
export function performanceFactor(curve: PerformanceCurve, delivered: Big, instructed: Big): Big {
  const first = curve.points[0];
  const last = curve.points.at(-1);
  if (!first || !last || instructed.lte(0)) return ZERO;
  const share = delivered.div(instructed);
  if (share.lte(first[0])) return decimal(first[1]);
  if (share.gte(last[0])) return decimal(last[1]);
  const next = curve.points.findIndex(([at]) => share.lt(at));
  const [x0, y0] = curve.points[next - 1] ?? first;
  const [x1, y1] = curve.points[next] ?? last;
  const part = share.minus(x0).div(decimal(x1).minus(x0));
  const factor = decimal(y0)
    .plus(part.times(decimal(y1).minus(y0)))
    .round(FACTOR_PLACES);
  return factor.gt(ONE) ? ONE : factor;
}
