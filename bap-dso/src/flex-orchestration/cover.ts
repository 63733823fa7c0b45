/**
 * Cheapest cover of a need by blocks: each gives nothing, or a quantity on its own raster between its least and its
 * most. Branch and bound over whole numbers (watts, tenths of pence), exact up to a bound on branches.
 */
import { PLAN_NODES } from '../limits.ts';

export interface CoverBlock {
  readonly minimumW: number;
  /** On the raster. */
  readonly maximumW: number;
  readonly stepW: number;
  /** Cost of one watt, in any whole unit. */
  readonly unitCost: number;
  /** Delivered over asked, in thousandths. */
  readonly yieldMilli: number;
}

export interface Cover {
  /** Watts of each block, in the order given. */
  readonly takenW: readonly number[];
  readonly cost: number;
  readonly sufficient: boolean;
  /** False when the bound on branches was met: the best found, not proven cheapest. */
  readonly exact: boolean;
}

/** @param blocks cheapest first per delivered watt (see `byUnitCost`): ties keep this order @param neededMilliW watts times 1000 */
export function cheapestCover(blocks: readonly CoverBlock[], neededMilliW: number): Cover {
  const everything = blocks.map((block) => block.maximumW);
  if (yieldOf(blocks, everything) < neededMilliW) {
    return { takenW: everything, cost: costOf(blocks, everything), sufficient: false, exact: true };
  }
  const search = new CoverSearch(blocks, greedyCover(blocks, neededMilliW).takenW);
  search.descend(0, neededMilliW, 0);
  return { takenW: search.best, cost: search.bestCost, sufficient: true, exact: search.nodes <= PLAN_NODES };
}

/** Block after block, each as much as is still missing: what the exact search has to beat. Needs enough in total. */
export function greedyCover(blocks: readonly CoverBlock[], neededMilliW: number): Cover {
  let missing = neededMilliW;
  const takenW = blocks.map((block) => {
    if (missing <= 0) return 0;
    const watts = levelFor(block, missing);
    missing -= watts * block.yieldMilli;
    return watts;
  });
  return { takenW, cost: costOf(blocks, takenW), sufficient: missing <= 0, exact: false };
}

export function byUnitCost(a: CoverBlock, b: CoverBlock): number {
  return a.unitCost * b.yieldMilli - b.unitCost * a.yieldMilli;
}

/** The least quantity on the block's raster that delivers `milliW`, or its most. */
function levelFor(block: CoverBlock, milliW: number): number {
  const watts = Math.ceil(milliW / block.yieldMilli / block.stepW) * block.stepW;
  return Math.min(block.maximumW, Math.max(leastLevel(block), watts));
}

function leastLevel(block: CoverBlock): number {
  return Math.max(block.stepW, Math.ceil(block.minimumW / block.stepW) * block.stepW);
}

function yieldOf(blocks: readonly CoverBlock[], takenW: readonly number[]): number {
  return blocks.reduce((sum, block, i) => sum + takenW[i]! * block.yieldMilli, 0);
}

function costOf(blocks: readonly CoverBlock[], takenW: readonly number[]): number {
  return blocks.reduce((sum, block, i) => sum + takenW[i]! * block.unitCost, 0);
}

class CoverSearch {
  readonly #blocks: readonly CoverBlock[];
  readonly #taken: number[];
  best: readonly number[];
  bestCost: number;
  nodes = 0;

  constructor(blocks: readonly CoverBlock[], incumbent: readonly number[]) {
    this.#blocks = blocks;
    this.#taken = blocks.map(() => 0);
    this.best = incumbent;
    this.bestCost = costOf(blocks, incumbent);
  }

  descend(index: number, missing: number, cost: number): void {
    if (++this.nodes > PLAN_NODES) return;
    if (missing <= 0) {
      if (cost < this.bestCost) [this.best, this.bestCost] = [[...this.#taken], cost];
      return;
    }
    const block = this.#blocks[index];
    if (!block) return;
    const least = leastLevel(block);
    const top = levelFor(block, missing);
    for (let watts = top; watts >= least; watts -= block.stepW) {
      const left = missing - watts * block.yieldMilli;
      const spent = cost + watts * block.unitCost;
      // Less of this cheaper block means more of dearer ones, so below the first level the bound only rises.
      if (spent + this.#relaxed(index + 1, left) >= this.bestCost) {
        if (watts === top) continue;
        break;
      }
      this.#taken[index] = watts;
      this.descend(index + 1, left, spent);
      this.#taken[index] = 0;
    }
    if (cost + this.#relaxed(index + 1, missing) < this.bestCost) this.descend(index + 1, missing, cost);
  }

  /** Cost of the rest when blocks could be cut at will: never above the true cost. Infinite when they cannot cover it. */
  #relaxed(index: number, missing: number): number {
    let left = missing;
    let cost = 0;
    for (let i = index; left > 0 && i < this.#blocks.length; i++) {
      const { maximumW, unitCost, yieldMilli } = this.#blocks[i]!;
      const share = Math.min(left, maximumW * yieldMilli);
      cost += (share / yieldMilli) * unitCost;
      left -= share;
    }
    // A hair below, so that rounding of the division never prunes an equal-cost optimum's cheaper sibling.
    return left > 0 ? Number.POSITIVE_INFINITY : cost - cost * 1e-12;
  }
}
