/**
 * Cheapest cover of a need by blocks: each gives nothing, or a quantity on its own raster between its least and its
 * most, and nobody gives more than the limit set for it. Whole numbers throughout (watts, tenths of pence).
 */
import { PLAN_NODES, SEARCH_BLOCKS } from '../../limits.ts';

export interface CoverBlock {
  readonly minimumW: number;
  /** On the raster. */
  readonly maximumW: number;
  readonly stepW: number;
  /** Cost of one watt, in any whole unit. */
  readonly unitCost: number;
  /** Delivered over asked, in thousandths. */
  readonly yieldMilli: number;
  /** Whose it is: index into `partyMaxW`. */
  readonly party: number;
}

export interface CoverProblem {
  /** Cheapest first per delivered watt (see `byUnitCost`): ties keep this order. */
  readonly blocks: readonly CoverBlock[];
  /** Watts times 1000; infinite for all there is. */
  readonly neededMilliW: number;
  /** The most that is asked of each party, in watts; infinite where there is no limit. */
  readonly partyMaxW: readonly number[];
}

/** `search`: branch and bound; `solver`: mixed-integer program; `heuristic`: block after block, then the last ones searched; `all`: there is no choice. */
export type CoverMethod = 'search' | 'solver' | 'heuristic' | 'all';

export interface Cover {
  /** Watts of each block, in the order given. */
  readonly takenW: readonly number[];
  readonly cost: number;
  readonly sufficient: boolean;
  readonly method: CoverMethod;
  /** By how much of itself the cost may lie above the cheapest; 0 where it is proven to be that. */
  readonly gap: number;
}

/** The best that is found within a bound on branches (`nodes`); the most there is when that is not enough. */
export function cheapestCover(problem: CoverProblem, nodes = PLAN_NODES): Cover {
  const first = firstCover(problem);
  if (!first.sufficient) return { ...first, method: 'all', gap: 0 };
  if (problem.blocks.length > SEARCH_BLOCKS) return coreCover(problem, first, nodes);
  const search = new CoverSearch(problem, first, nodes);
  search.descend(0, problem.neededMilliW, 0);
  if (search.nodes <= nodes) return { ...search.best(), method: 'search', gap: 0 };
  return { ...search.best(), method: 'heuristic', gap: gapOf(problem, search.bestCost) };
}

/**
 * Whether a block is worth taking is in doubt only near the price at which the need is covered: what is well below it is
 * taken, what is well above is left, and those between are searched.
 */
function coreCover(problem: CoverProblem, first: Cover, nodes: number): Cover {
  const { blocks, neededMilliW, partyMaxW } = problem;
  const last = first.takenW.findLastIndex((watts) => watts > 0);
  const from = Math.max(0, last - SEARCH_BLOCKS / 2);
  const left = [...partyMaxW];
  let missing = neededMilliW;
  let cost = 0;
  for (const [i, block] of blocks.slice(0, from).entries()) {
    missing -= first.takenW[i]! * block.yieldMilli;
    left[block.party]! -= first.takenW[i]!;
    cost += first.takenW[i]! * block.unitCost;
  }
  const core = { blocks: blocks.slice(from, from + SEARCH_BLOCKS), neededMilliW: missing, partyMaxW: left };
  const takenW = first.takenW.slice(from, from + SEARCH_BLOCKS);
  const search = new CoverSearch(core, { ...first, takenW, cost: first.cost - cost }, nodes);
  if (first.takenW.slice(from + SEARCH_BLOCKS).every((watts) => watts === 0)) search.descend(0, missing, 0);
  const after = blocks.slice(from + SEARCH_BLOCKS).map(() => 0);
  const found = coverOf(problem, [...first.takenW.slice(0, from), ...search.best().takenW, ...after]);
  const best = found.sufficient && found.cost < first.cost ? found : first;
  return { ...best, method: 'heuristic', gap: gapOf(problem, best.cost) };
}

/** The cheapest blocks first; where a party's limit makes that too little, those that deliver most first. */
function firstCover(problem: CoverProblem): Cover {
  const cheapest = greedyCover(problem);
  if (cheapest.sufficient || problem.partyMaxW.every((maxW) => !Number.isFinite(maxW))) return cheapest;
  const order = problem.blocks
    .map((_, i) => i)
    .sort((a, b) => problem.blocks[b]!.yieldMilli - problem.blocks[a]!.yieldMilli);
  const most = greedyCover({ ...problem, blocks: order.map((i) => problem.blocks[i]!) });
  const takenW = problem.blocks.map(() => 0);
  order.forEach((at, i) => {
    takenW[at] = most.takenW[i]!;
  });
  return { ...most, takenW };
}

/** Block after block, each as much as is still missing. */
export function greedyCover({ blocks, neededMilliW, partyMaxW }: CoverProblem): Cover {
  const left = [...partyMaxW];
  let missing = neededMilliW;
  let cost = 0;
  const takenW = blocks.map((block) => {
    if (missing <= 0) return 0;
    const watts = levelFor(block, missing, left[block.party]!);
    missing -= watts * block.yieldMilli;
    left[block.party]! -= watts;
    cost += watts * block.unitCost;
    return watts;
  });
  return { takenW, cost, sufficient: missing <= 0, method: 'heuristic', gap: 1 };
}

/** A cover that somebody else found, by the same arithmetic. */
export function coverOf({ blocks, neededMilliW, partyMaxW }: CoverProblem, takenW: readonly number[]): Cover {
  const left = [...partyMaxW];
  let given = 0;
  let cost = 0;
  blocks.forEach((block, i) => {
    const watts = takenW[i]!;
    if (watts > 0 && (watts < leastLevel(block) || watts > block.maximumW || watts % block.stepW !== 0))
      throw new RangeError(`${watts} W are not on offer in block ${i}`);
    left[block.party]! -= watts;
    given += watts * block.yieldMilli;
    cost += watts * block.unitCost;
  });
  if (left.some((watts) => watts < 0)) throw new RangeError('a party gives more than its limit');
  return { takenW, cost, sufficient: given >= neededMilliW, method: 'solver', gap: 1 };
}

/** How far `cost` may be from the cheapest: against blocks that could be cut at will. */
export function gapOf({ blocks, neededMilliW }: CoverProblem, cost: number): number {
  const bound = relaxedCost(blocks, 0, neededMilliW);
  return cost <= 0 ? 0 : Math.max(0, Math.min(1, (cost - bound) / cost));
}

export function byUnitCost(a: CoverBlock, b: CoverBlock): number {
  return a.unitCost * b.yieldMilli - b.unitCost * a.yieldMilli;
}

/** The least quantity on the block's raster that delivers `milliW`, or its most; 0 when its party has too little left. */
function levelFor(block: CoverBlock, milliW: number, partyLeftW: number): number {
  const most = Math.floor(Math.min(block.maximumW, partyLeftW) / block.stepW) * block.stepW;
  const least = leastLevel(block);
  if (most < least) return 0;
  const watts = Math.ceil(milliW / block.yieldMilli / block.stepW) * block.stepW;
  return Math.min(most, Math.max(least, watts));
}

export function leastLevel(block: Pick<CoverBlock, 'stepW' | 'minimumW'>): number {
  return Math.max(block.stepW, Math.ceil(block.minimumW / block.stepW) * block.stepW);
}

/** Cost of the blocks from `index` on when they could be cut at will: never above the true cost. Infinite when they cannot cover it. */
export function relaxedCost(
  blocks: readonly Pick<CoverBlock, 'maximumW' | 'unitCost' | 'yieldMilli'>[],
  index: number,
  missing: number,
): number {
  let left = missing;
  let cost = 0;
  for (let i = index; left > 0 && i < blocks.length; i++) {
    const { maximumW, unitCost, yieldMilli } = blocks[i]!;
    const share = Math.min(left, maximumW * yieldMilli);
    cost += (share / yieldMilli) * unitCost;
    left -= share;
  }
  // A hair below, so that rounding of the division never prunes an equal-cost optimum's cheaper sibling.
  return left > 0 ? Number.POSITIVE_INFINITY : cost - cost * 1e-12;
}

class CoverSearch {
  readonly #blocks: readonly CoverBlock[];
  readonly #partyLeftW: number[];
  readonly #taken: number[];
  readonly #most: number;
  #best: readonly number[];
  bestCost: number;
  nodes = 0;

  constructor({ blocks, partyMaxW }: CoverProblem, incumbent: Cover, most: number) {
    this.#most = most;
    this.#blocks = blocks;
    this.#partyLeftW = [...partyMaxW];
    this.#taken = blocks.map(() => 0);
    this.#best = incumbent.takenW;
    this.bestCost = incumbent.cost;
  }

  best(): Pick<Cover, 'takenW' | 'cost' | 'sufficient'> {
    return { takenW: this.#best, cost: this.bestCost, sufficient: true };
  }

  descend(index: number, missing: number, cost: number): void {
    if (++this.nodes > this.#most) return;
    if (missing <= 0) {
      if (cost < this.bestCost) [this.#best, this.bestCost] = [[...this.#taken], cost];
      return;
    }
    const block = this.#blocks[index];
    if (!block) return;
    const top = levelFor(block, missing, this.#partyLeftW[block.party]!);
    const least = leastLevel(block);
    for (let watts = top; watts >= least; watts -= block.stepW) {
      const left = missing - watts * block.yieldMilli;
      const spent = cost + watts * block.unitCost;
      // Less of this cheaper block means more of dearer ones, so below the first level the bound only rises.
      if (spent + relaxedCost(this.#blocks, index + 1, left) >= this.bestCost) {
        if (watts === top) continue;
        break;
      }
      this.#taken[index] = watts;
      this.#partyLeftW[block.party]! -= watts;
      this.descend(index + 1, left, spent);
      this.#partyLeftW[block.party]! += watts;
      this.#taken[index] = 0;
    }
    if (cost + relaxedCost(this.#blocks, index + 1, missing) < this.bestCost) this.descend(index + 1, missing, cost);
  }
}
