/** Which blocks may serve a need at all; every one that may not is named with its reason. */

import type { FlexNeed, FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { AVAILABILITY_SLACK_MS } from '../../limits.ts';
import { LEAST_REACH } from '../../network-model/limits.ts';

export type ExclusionReason =
  | 'other-feeder'
  | 'reaches-too-little'
  | 'other-direction'
  | 'nothing-available'
  | 'malformed-block'
  | 'price'
  | 'reliability'
  | 'response-time'
  | 'notice'
  | 'duration'
  | 'availability'
  | 'unresponsive'
  | 'declined'
  | 'excluded-by-operator'
  | 'party-limit'
  | 'beyond-plan-size';

export interface Exclusion {
  readonly bppId: string;
  readonly itemId: string;
  readonly availableKw: number;
  readonly reason: ExclusionReason;
}

export interface PlanConditions {
  /** Grid time at which the plan is made: what is left of the notice. */
  readonly nowMs: number;
  /** BPPs that a person holds back. */
  readonly heldBack?: (bppId: string) => boolean;
  /** BPPs that lately left an order unanswered. */
  readonly unresponsive: ReadonlySet<string>;
  /** BPPs that gave less than asked, or nothing, for this need. */
  readonly declined: ReadonlySet<string>;
  /** What of a kW of this offer is felt at the feeder in need, 0 to 1; an offer on that feeder alone when absent. */
  readonly reach?: (offer: FlexOffer) => number;
}

export function blockKey(block: { readonly bppId: string; readonly itemId: string }): string {
  return `${block.bppId}/${block.itemId}`;
}

/** What of a kW of this offer is felt at the feeder in need. */
export function reachOf(need: Pick<FlexNeed, 'feederId'>, offer: FlexOffer, { reach }: PlanConditions): number {
  return reach ? reach(offer) : offer.feederId === need.feederId ? 1 : 0;
}

/** Undefined when the block may serve the need. */
export function exclusionOf(need: FlexNeed, offer: FlexOffer, at: PlanConditions): ExclusionReason | undefined {
  const reach = reachOf(need, offer, at);
  if (reach <= 0) return 'other-feeder';
  if (reach < LEAST_REACH) return 'reaches-too-little';
  if (offer.direction !== need.direction) return 'other-direction';
  if (at.heldBack?.(offer.bppId)) return 'excluded-by-operator';
  if (at.declined.has(offer.bppId)) return 'declined';
  if (at.unresponsive.has(offer.bppId)) return 'unresponsive';
  if (!(offer.availableKw > 0)) return 'nothing-available';
  if (!(offer.stepKw > 0) || offer.minimumKw < 0 || offer.priceGbpPerKwh < 0) return 'malformed-block';
  if (offer.minimumKw > offer.availableKw) return 'nothing-available';
  if (offer.priceGbpPerKwh > need.maxPriceGbpPerKwh) return 'price';
  if (offer.reliability < need.minReliability) return 'reliability';
  if (offer.responseSeconds > need.maxResponseSeconds) return 'response-time';
  if (offer.minimumNoticeSeconds * 1_000 > need.window.startMs - at.nowMs) return 'notice';
  if (offer.maxDurationSeconds * 1_000 < need.window.endMs - need.window.startMs) return 'duration';
  const lateMs = offer.availability.startMs - need.window.startMs;
  if (lateMs > AVAILABILITY_SLACK_MS || offer.availability.endMs < need.window.endMs) {
    return 'availability';
  }
  return undefined;
}
