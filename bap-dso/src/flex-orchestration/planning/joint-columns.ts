/** Several needs and their markets as one problem of cover. */
import type { FlexOffer, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { AVAILABILITY_SLACK_MS, JOINT_WINDOW_SLACK_MS } from '../../limits.ts';
import { groupBy } from '../../network-model/group.ts';
import { LEAST_REACH } from '../../network-model/limits.ts';
import type { CoverBlock } from './cover.ts';
import { blockKey, reachOf } from './eligibility.ts';
import type { JointColumn, JointProblem } from './joint-problem.ts';
import { type Market, milliWatts } from './plan.ts';

export interface JointNeed {
  readonly market: Market;
  readonly needKw: number;
  /** What is bought for it is bought at once: others may count on it. */
  readonly lends: boolean;
  /** Peak of the hospitals and homes on medical equipment behind the feeder, kW. */
  readonly essentialKw: number;
  /** By how much of its limit the feeder is above it. */
  readonly severity: number;
}

/** Essential loads first, then the most severe overload; the event's id decides between equals. */
export function byPriority(a: JointNeed, b: JointNeed): number {
  const [first, second] = [a.market.need.eventId, b.market.need.eventId];
  return b.essentialKw - a.essentialKw || b.severity - a.severity || (first < second ? -1 : 1);
}

/** Columns and what each stands for: the offer, as it is in the market of its home. */
export interface Coupled {
  readonly problem: JointProblem;
  readonly offers: readonly FlexOffer[];
  /** Index of the offer among the eligible ones of its home. */
  readonly places: readonly number[];
}

/** Relief of a window counts for another need when it lasts as long as that one. */
export function lastsFor(of: TimeWindow, other: TimeWindow): boolean {
  return of.startMs <= other.startMs + AVAILABILITY_SLACK_MS && of.endMs + JOINT_WINDOW_SLACK_MS >= other.endMs;
}

export function coupledProblem(needs: readonly JointNeed[]): Coupled {
  const parties = [...new Set(needs.flatMap(({ market }) => market.parties))].sort();
  const partyOf = new Map<string, number>(parties.map((bppId, i) => [bppId, i]));
  const blocks = new Map<string, number>();
  const blockMaxW: number[] = [];
  const found: { column: JointColumn; offer: FlexOffer; place: number }[] = [];
  needs.forEach((_, home) => {
    const { eligible, blocks: own } = needs[home]!.market;
    eligible.forEach((offer, place) => {
      const key = blockKey(offer);
      const block = blocks.get(key) ?? blocks.size;
      blocks.set(key, block);
      blockMaxW[block] = Math.min(blockMaxW[block] ?? Number.POSITIVE_INFINITY, own[place]!.maximumW);
      const column = columnOf(needs, home, offer, own[place]!, block, partyOf.get(offer.bppId)!);
      found.push({ column, offer, place });
    });
  });
  const kept = withoutDominated(found);
  return {
    problem: {
      columns: kept.map(({ column }) => column),
      blockMaxW,
      neededMilliW: needs.map(({ needKw }) => Math.max(0, milliWatts(needKw))),
      // The windows of the needs differ, and so may what is committed in each: the least that is left holds for all.
      partyMaxW: parties.map((bppId) => Math.min(...needs.map(({ market }) => leftOf(market, bppId)))),
    },
    offers: kept.map(({ offer }) => offer),
    places: kept.map(({ place }) => place),
  };
}

function leftOf(market: Market, bppId: string): number {
  const at = market.parties.indexOf(bppId as Market['parties'][number]);
  return at < 0 ? Number.POSITIVE_INFINITY : market.partyMaxW[at]!;
}

function columnOf(
  needs: readonly JointNeed[],
  home: number,
  offer: FlexOffer,
  block: CoverBlock,
  blockAt: number,
  party: number,
): JointColumn {
  const { market, lends } = needs[home]!;
  const minutes = Math.max(1, Math.round((market.need.window.endMs - market.need.window.startMs) / 60_000));
  const yieldsMilli = needs.map(({ market: other }, at) => {
    if (at === home) return block.yieldMilli;
    const reach =
      lends && lastsFor(market.need.window, other.need.window) ? reachOf(other.need, offer, other.options) : 0;
    return reach < LEAST_REACH ? 0 : Math.round(market.options.derate(offer) * reach * 1_000);
  });
  const { minimumW, maximumW, stepW, unitCost } = block;
  return { block: blockAt, home, minimumW, maximumW, stepW, party, unitCost: unitCost * minutes, yieldsMilli };
}

/** Bought for another need the same block may cost no more and be felt nowhere less: then it is only bought for that. */
function withoutDominated<T extends { readonly column: JointColumn }>(found: readonly T[]): T[] {
  const dropped = new Set<T>();
  const own = ({ column }: T) => column.yieldsMilli[column.home]!;
  for (const columns of groupBy(found, ({ column }) => String(column.block)).values()) {
    const kept: T[] = [];
    for (const one of [...columns].sort((a, b) => own(b) - own(a) || a.column.home - b.column.home)) {
      if (kept.some((other) => isAsGood(other.column, one.column))) dropped.add(one);
      else kept.push(one);
    }
  }
  return found.filter((one) => !dropped.has(one));
}

function isAsGood(one: JointColumn, other: JointColumn): boolean {
  const costsNoMore = one.unitCost <= other.unitCost;
  return costsNoMore && one.yieldsMilli.every((milli, need) => milli >= other.yieldsMilli[need]!);
}

/** Needs that share a block, relief, or an aggregator under a limit, directly or by others; each group in the order given. */
export function coupledGroups(needs: readonly JointNeed[]): number[][] {
  const groupOf = needs.map((_, i) => i);
  const join = (a: number, b: number) => {
    const [kept, gone] = [Math.min(groupOf[a]!, groupOf[b]!), Math.max(groupOf[a]!, groupOf[b]!)];
    groupOf.forEach((group, i) => {
      if (group === gone) groupOf[i] = kept;
    });
  };
  const firstBy = new Map<string, number>();
  needs.forEach(({ market }, i) => {
    const keys = new Set(market.eligible.map((offer) => `block ${blockKey(offer)}`));
    for (const { bppId } of market.eligible) if (Number.isFinite(leftOf(market, bppId))) keys.add(`party ${bppId}`);
    for (const key of keys) {
      const first = firstBy.get(key);
      if (first === undefined) firstBy.set(key, i);
      else join(first, i);
    }
  });
  return [
    ...groupBy(
      groupOf.map((group, i) => ({ group, i })),
      ({ group }) => String(group),
    ).values(),
  ].map((group) => group.map(({ i }) => i));
}
