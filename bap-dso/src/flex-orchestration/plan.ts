/** The plan of one need: the cheapest sufficient set of offers, as one selection a BPP. Pure and deterministic. */
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexNeed, FlexOffer, FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import { PLAN_OFFERS } from '../limits.ts';
import { byUnitCost, type CoverBlock, cheapestCover } from './cover.ts';
import { type Exclusion, exclusionOf, type PlanConditions, reachOf } from './eligibility.ts';

export interface PlanOptions extends PlanConditions {
  /** kW that may be expected for each kW asked of an offer, 0 to 1. */
  readonly derate: (offer: FlexOffer) => number;
}

export interface PlannedBlock {
  readonly offer: FlexOffer;
  readonly kw: number;
  /** kW at the feeder in need: kW times derate and reach. */
  readonly expectedKw: number;
  /** What of a kW of the offer is felt at the feeder in need. */
  readonly reach: number;
}

export interface PlannedOrder {
  readonly bppId: SubscriberId;
  readonly selection: FlexSelection;
  readonly requestedKw: number;
  readonly expectedKw: number;
  readonly reach: number;
  /** The latest end of window that every block of the order can hold. */
  readonly latestEndMs: number;
}

export interface Plan {
  readonly blocks: readonly PlannedBlock[];
  readonly orders: readonly PlannedOrder[];
  readonly excluded: readonly Exclusion[];
  readonly eligible: number;
  readonly askedKw: number;
  readonly expectedKw: number;
  /** £ per hour of full delivery. */
  readonly costGbpPerHour: number;
  readonly sufficient: boolean;
  readonly exact: boolean;
}

/** An unproven newcomer offers with reliability 0: buying from it at no discount or never are both wrong. */
const LEAST_DERATE = 0.1;

export function reliabilityDerate(offer: FlexOffer): number {
  return Math.min(1, Math.max(LEAST_DERATE, offer.reliability));
}

/** Price, then BPP, then item: never the order of arrival. */
export function byPrice(a: FlexOffer, b: FlexOffer): number {
  return a.priceGbpPerKwh - b.priceGbpPerKwh || compare(a.bppId, b.bppId) || compare(a.itemId, b.itemId);
}

export function choosePlan(need: FlexNeed, offers: readonly FlexOffer[], options: PlanOptions): Plan {
  const excluded: Exclusion[] = [];
  const eligible: { offer: FlexOffer; block: CoverBlock }[] = [];
  for (const offer of [...offers].sort(byPrice)) {
    const block = blockOf(need, offer, options);
    const reason = exclusionOf(need, offer, options) ?? (block.maximumW > 0 ? undefined : 'nothing-available');
    if (reason) excluded.push({ bppId: offer.bppId, itemId: offer.itemId, availableKw: offer.availableKw, reason });
    else eligible.push({ offer, block });
  }
  eligible.sort((a, b) => byUnitCost(a.block, b.block) || byPrice(a.offer, b.offer));
  for (const { offer } of eligible.splice(PLAN_OFFERS)) {
    const { bppId, itemId, availableKw } = offer;
    excluded.push({ bppId, itemId, availableKw, reason: 'beyond-plan-size' });
  }
  const cover = cheapestCover(
    eligible.map(({ block }) => block),
    Math.ceil(need.requestedKw * 1_000) * 1_000,
  );
  const blocks = eligible.flatMap(({ offer, block }, i): PlannedBlock[] => {
    const watts = cover.takenW[i]!;
    if (watts <= 0) return [];
    const expectedKw = (watts * block.yieldMilli) / 1_000_000;
    return [{ offer, kw: watts / 1_000, expectedKw, reach: reachOf(need, offer, options) }];
  });
  return {
    blocks,
    orders: ordersOf(need, blocks),
    excluded,
    eligible: eligible.length,
    askedKw: total(blocks, (block) => block.kw),
    expectedKw: total(blocks, (block) => block.expectedKw),
    costGbpPerHour: Math.round(cover.cost / 100) / 1_000_000,
    sufficient: cover.sufficient,
    exact: cover.exact,
  };
}

/** Whole watts and hundred-thousandths of a pound, so that equal plans cost exactly the same. */
function blockOf(need: FlexNeed, offer: FlexOffer, options: PlanOptions): CoverBlock {
  const stepW = Math.max(1, Math.round(offer.stepKw * 1_000));
  const maximumW = Math.floor(Math.round(offer.availableKw * 1_000) / stepW) * stepW;
  const minimumW = Math.round(offer.minimumKw * 1_000);
  return {
    stepW,
    minimumW,
    maximumW: maximumW >= minimumW ? maximumW : 0,
    unitCost: Math.round(offer.priceGbpPerKwh * 100_000),
    yieldMilli: Math.max(1, Math.round(options.derate(offer) * reachOf(need, offer, options) * 1_000)),
  };
}

function ordersOf(need: FlexNeed, blocks: readonly PlannedBlock[]): PlannedOrder[] {
  const groups = new Map<string, PlannedBlock[]>();
  for (const block of blocks) {
    // One order has one provider, one fulfilment and one place; a BPP with several gets an order for each.
    const { bppId, providerId, fulfillmentId, feederId } = block.offer;
    const key = JSON.stringify([bppId, providerId, fulfillmentId, feederId]);
    groups.set(key, [...(groups.get(key) ?? []), block]);
  }
  const orders = [...groups.values()].map((group): PlannedOrder => {
    const { bppId, providerId, fulfillmentId, feederId } = group[0]!.offer;
    const items = group.map(({ offer, kw }) => ({ itemId: offer.itemId, kw }));
    return {
      bppId,
      selection: { providerId, fulfillmentId, feederId, window: need.window, items },
      requestedKw: total(group, (block) => block.kw),
      expectedKw: total(group, (block) => block.expectedKw),
      // One BPP and one place.
      reach: group[0]!.reach,
      latestEndMs: Math.min(...group.map(({ offer }) => latestEnd(need, offer))),
    };
  });
  return orders.sort(
    (a, b) =>
      compare(a.bppId, b.bppId) ||
      compare(a.selection.fulfillmentId, b.selection.fulfillmentId) ||
      compare(a.selection.feederId, b.selection.feederId),
  );
}

function latestEnd(need: FlexNeed, offer: FlexOffer): number {
  return Math.min(offer.availability.endMs, need.window.startMs + offer.maxDurationSeconds * 1_000);
}

function total<T>(parts: readonly T[], of: (part: T) => number): number {
  return Math.round(parts.reduce((sum, part) => sum + of(part), 0) * 1_000) / 1_000;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
