/** The plan of one need: the cheapest sufficient set of offers, as one selection a BPP. */
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexNeed, FlexOffer, FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import { PLAN_GAP, PLAN_OFFERS, PLAN_SOLVE_MS } from '../../limits.ts';
import {
  byUnitCost,
  type Cover,
  type CoverBlock,
  type CoverMethod,
  type CoverProblem,
  cheapestCover,
  leastLevel,
} from './cover.ts';
import { type Exclusion, type ExclusionReason, exclusionOf, type PlanConditions, reachOf } from './eligibility.ts';
import type { CoverSolver } from './solver.ts';

export interface PlanOptions extends PlanConditions {
  /** kW that may be expected for each kW asked of an offer, 0 to 1. */
  readonly derate: (offer: FlexOffer) => number;
  /** The most that one BPP is asked for at a time, over all events, in kW; no limit when absent. */
  readonly partyMaxKw?: number | undefined;
  /** kW of each BPP that are committed in overlapping windows of open events: they come off its limit. */
  readonly partyCommittedKw?: ReadonlyMap<string, number> | undefined;
  readonly solver?: Pick<CoverSolver, 'solve' | 'solveJoint'> | undefined;
  /** Wall time that the solver has. */
  readonly solveMs?: number | undefined;
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
  readonly method: CoverMethod;
  /** By how much of itself the cost may lie above the cheapest; 0 where it is proven to be that. */
  readonly gap: number;
  /** BPPs of which a part of the limit is committed already, with the kW that were left. */
  readonly limited: readonly { readonly bppId: string; readonly leftKw: number }[];
  /** Blocks that are bought for other events and felt here, too; their kW are not in the figures above. */
  readonly relied: readonly ReliedBlock[];
  /** kW of those that may be expected at the feeder in need. */
  readonly reliedKw: number;
}

export interface ReliedBlock extends PlannedBlock {
  readonly eventId: string;
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

/** The offers that may serve a need, cheapest first, and why the others may not. */
export interface Market {
  readonly need: FlexNeed;
  readonly options: PlanOptions;
  readonly eligible: readonly FlexOffer[];
  readonly blocks: readonly CoverBlock[];
  readonly excluded: readonly Exclusion[];
  readonly parties: readonly SubscriberId[];
  /** What each of them may be asked for yet, in watts; infinite where there is no limit. */
  readonly partyMaxW: readonly number[];
}

/** kW that a BPP may be asked for yet; infinite without a limit. */
export function partyLeftKw({ partyMaxKw, partyCommittedKw }: PlanOptions, bppId: string): number {
  return Math.max(0, (partyMaxKw ?? Number.POSITIVE_INFINITY) - (partyCommittedKw?.get(bppId) ?? 0));
}

export function marketOf(need: FlexNeed, offers: readonly FlexOffer[], options: PlanOptions): Market {
  const excluded: Exclusion[] = [];
  const eligible: { offer: FlexOffer; block: CoverBlock }[] = [];
  const parties = [...new Set(offers.map(({ bppId }) => bppId))].sort();
  const partyOf = new Map(parties.map((bppId, i) => [bppId, i]));
  const partyMaxW = parties.map((bppId) => Math.floor(partyLeftKw(options, bppId) * 1_000));
  for (const offer of [...offers].sort(byPrice)) {
    const block = blockOf(need, offer, options, partyOf.get(offer.bppId)!);
    const reason = exclusionOf(need, offer, options) ?? unusable(block, partyMaxW[block.party]!);
    if (reason) excluded.push(exclusion(offer, reason));
    else eligible.push({ offer, block });
  }
  eligible.sort((a, b) => byUnitCost(a.block, b.block) || byPrice(a.offer, b.offer));
  for (const { offer } of eligible.splice(PLAN_OFFERS)) excluded.push(exclusion(offer, 'beyond-plan-size'));
  return {
    ...{ need, options, parties, partyMaxW, excluded },
    eligible: eligible.map(({ offer }) => offer),
    blocks: eligible.map(({ block }) => block),
  };
}

function unusable(block: CoverBlock, partyLeftW: number): ExclusionReason | undefined {
  if (block.maximumW <= 0) return 'nothing-available';
  return partyLeftW < leastLevel(block) ? 'party-limit' : undefined;
}

function exclusion({ bppId, itemId, availableKw }: FlexOffer, reason: Exclusion['reason']): Exclusion {
  return { bppId, itemId, availableKw, reason };
}

/** Watts times 1000 of a need. */
export const milliWatts = (kw: number): number => Math.ceil(kw * 1_000) * 1_000;

/**
 * The cheapest plan for `needKw` (infinite: all there is). A search that proves it is tried first; where that would take
 * too long a solver has `solveMs`; the best block after block serves when it has nothing by then, and says so.
 */
export async function planOf(market: Market, needKw: number): Promise<Plan> {
  const { solver, solveMs = PLAN_SOLVE_MS } = market.options;
  const problem: CoverProblem = {
    blocks: market.blocks,
    neededMilliW: milliWatts(needKw),
    partyMaxW: market.partyMaxW,
  };
  const found = cheapestCover(problem);
  if (found.gap <= PLAN_GAP || !solver) return planWith(market, found);
  const solved = await solver.solve(problem, solveMs);
  if (!solved) return planWith(market, found);
  return planWith(market, solved.cost <= found.cost ? solved : { ...found, gap: Math.min(found.gap, solved.gap) });
}

export function choosePlan(need: FlexNeed, offers: readonly FlexOffer[], options: PlanOptions): Promise<Plan> {
  return planOf(marketOf(need, offers, options), need.requestedKw);
}

/** A plan of what a cover takes of each eligible block. */
export function planWith(
  { need, options, eligible, blocks: market, excluded }: Market,
  cover: Cover,
  relied: readonly ReliedBlock[] = [],
): Plan {
  const blocks = eligible.flatMap((offer, i): PlannedBlock[] => {
    const watts = cover.takenW[i]!;
    if (watts <= 0) return [];
    const expectedKw = (watts * market[i]!.yieldMilli) / 1_000_000;
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
    method: cover.method,
    gap: cover.gap,
    limited: limitedOf(options),
    relied,
    reliedKw: total(relied, (block) => block.expectedKw),
  };
}

function limitedOf(options: PlanOptions): Plan['limited'] {
  if (options.partyMaxKw === undefined) return [];
  const bpps = [...(options.partyCommittedKw?.keys() ?? [])].sort();
  return bpps.map((bppId) => ({ bppId, leftKw: Math.round(partyLeftKw(options, bppId) * 1_000) / 1_000 }));
}

/** Whole watts and hundred-thousandths of a pound, so that equal plans cost exactly the same. */
function blockOf(need: FlexNeed, offer: FlexOffer, options: PlanOptions, party: number): CoverBlock {
  const stepW = Math.max(1, Math.round(offer.stepKw * 1_000));
  const maximumW = Math.floor(Math.round(offer.availableKw * 1_000) / stepW) * stepW;
  const minimumW = Math.round(offer.minimumKw * 1_000);
  return {
    stepW,
    minimumW,
    maximumW: maximumW >= minimumW ? maximumW : 0,
    unitCost: Math.round(offer.priceGbpPerKwh * 100_000),
    party,
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
