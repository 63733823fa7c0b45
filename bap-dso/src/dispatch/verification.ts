/** Whether relief came: what a feeder shows once it is due, against what was promised and what is needed. Pure. */

import { rounded } from '../grid-monitoring/detection/detection.ts';
import { GAP_MIN_KW, GUARD_SHARE, SHORTFALL_TOLERANCE } from '../limits.ts';

export interface Reading {
  readonly powerKw: number;
  /** Mean of the five minutes before dispatch. */
  readonly baselineKw: number;
  /** What the aggregators of this event bound themselves to. */
  readonly committedKw: number;
  readonly limitKw: number;
  readonly releaseKw: number;
}

export interface Judgement {
  readonly verdict: 'relieved' | 'short';
  /** The fall at the feeder, kW; negative when the load rose. */
  readonly measuredKw: number;
  /** Commitment less fall, at least 0. */
  readonly shortfallKw: number;
  /** What is still to be bought to come below the release level, kW; 0 when relieved. */
  readonly gapKw: number;
  readonly because: string;
}

/**
 * Between release level and limit, nearer to the limit: what reaches it in spite of relief would reach the limit before
 * a top-up is felt, since a feeder is read once a minute and devices need some of the next.
 */
export function guardKw({ limitKw, releaseKw }: Pick<Reading, 'limitKw' | 'releaseKw'>): number {
  return limitKw - GUARD_SHARE * (limitKw - releaseKw);
}

/**
 * A shortfall alone is no harm below the release level, and above it a kept commitment is no shortfall: only a load at
 * the guard level, or both together, call for more. A plan aims at the release level, so this happens while the limit
 * holds.
 */
export function judge({ powerKw, baselineKw, committedKw, limitKw, releaseKw }: Reading): Judgement {
  const measuredKw = rounded(baselineKw - powerKw);
  const shortfallKw = rounded(Math.max(0, committedKw - measuredKw));
  const gapKw = rounded(powerKw - releaseKw);
  const missed = shortfallKw > Math.max(GAP_MIN_KW, committedKw * SHORTFALL_TOLERANCE);
  const guard = guardKw({ limitKw, releaseKw });
  const atGuard = powerKw >= guard;
  if (atGuard || (missed && gapKw > GAP_MIN_KW)) {
    const because = atGuard
      ? `${rounded(powerKw)} kW is at or above ${rounded(guard)} kW, where the limit of ${limitKw} kW is near`
      : `the load fell by ${measuredKw} kW of ${rounded(committedKw)} kW committed and stands above the release level of ${rounded(releaseKw)} kW`;
    return { verdict: 'short', measuredKw, shortfallKw, gapKw: Math.max(gapKw, GAP_MIN_KW), because };
  }
  const because = `${rounded(powerKw)} kW after a fall of ${measuredKw} kW, ${rounded(committedKw)} kW were committed`;
  return { verdict: 'relieved', measuredKw, shortfallKw, gapKw: 0, because };
}

export interface Acknowledgement {
  readonly committedKw: number;
  readonly acknowledgedKw: number;
  readonly closed: boolean;
}

/**
 * kW that the devices did not accept of what was promised and is needed; undefined while an answer is still awaited
 * and 0 when it is too little to buy for.
 */
export function acknowledgedGapKw(neededKw: number, orders: readonly Acknowledgement[]): number | undefined {
  if (orders.length === 0 || orders.some((order) => !order.closed)) return undefined;
  const committedKw = orders.reduce((sum, order) => sum + order.committedKw, 0);
  const acknowledgedKw = orders.reduce((sum, order) => sum + order.acknowledgedKw, 0);
  const dueKw = Math.min(neededKw, committedKw);
  const gapKw = dueKw - acknowledgedKw;
  return gapKw > Math.max(GAP_MIN_KW, dueKw * SHORTFALL_TOLERANCE) ? rounded(gapKw) : 0;
}
