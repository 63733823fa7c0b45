/**
 * One cover for several needs: each block is taken at most once, what is taken of it may be felt at more than one
 * feeder, and nobody gives more than the limit set for it over all needs. Whole numbers throughout.
 */
import { type CoverMethod, leastLevel, relaxedCost } from './cover.ts';

/** A block as it may be bought for one of the needs; the same block for another need is another column. */
export interface JointColumn {
  /** Of the block: what its columns take together is bounded by `blockMaxW`. */
  readonly block: number;
  /** The need it is bought for: window and order are that one's. */
  readonly home: number;
  readonly minimumW: number;
  /** On the raster. */
  readonly maximumW: number;
  readonly stepW: number;
  /** Cost of one watt over the window of its need, in any whole unit. */
  readonly unitCost: number;
  readonly party: number;
  /** By need: felt over asked, in thousandths; 0 where it does not count. */
  readonly yieldsMilli: readonly number[];
}

export interface JointProblem {
  readonly columns: readonly JointColumn[];
  readonly blockMaxW: readonly number[];
  /** By need, watts times 1000. */
  readonly neededMilliW: readonly number[];
  /** In watts; infinite where there is no limit. */
  readonly partyMaxW: readonly number[];
}

export interface JointCover {
  /** Watts of each column. */
  readonly takenW: readonly number[];
  readonly cost: number;
  /** By need, watts times 1000. */
  readonly givenMilliW: readonly number[];
  readonly sufficient: boolean;
  readonly method: CoverMethod;
  /** By how much of itself the cost may lie above the cheapest; 0 where it is proven to be that. */
  readonly gap: number;
}

/** Checks what somebody found against every bound. Throws RangeError for what is not on offer. */
export function jointCoverOf(problem: JointProblem, takenW: readonly number[], method: CoverMethod): JointCover {
  const { columns, neededMilliW } = problem;
  const blockLeftW = [...problem.blockMaxW];
  const partyLeftW = [...problem.partyMaxW];
  const givenMilliW = neededMilliW.map(() => 0);
  let cost = 0;
  columns.forEach((column, i) => {
    const watts = takenW[i]!;
    if (watts === 0) return;
    if (watts < leastLevel(column) || watts > column.maximumW || watts % column.stepW !== 0)
      throw new RangeError(`${watts} W are not on offer in column ${i}`);
    blockLeftW[column.block]! -= watts;
    partyLeftW[column.party]! -= watts;
    cost += watts * column.unitCost;
    column.yieldsMilli.forEach((milli, need) => {
      givenMilliW[need]! += watts * milli;
    });
  });
  if (blockLeftW.some((watts) => watts < 0)) throw new RangeError('a block is sold twice');
  if (partyLeftW.some((watts) => watts < 0)) throw new RangeError('a party gives more than its limit');
  const sufficient = givenMilliW.every((given, need) => given >= neededMilliW[need]!);
  return { takenW, cost, givenMilliW, sufficient, method, gap: sufficient ? jointGap(problem, cost) : 1 };
}

/**
 * How far `cost` may be from the cheapest. Two bounds from below, of which the higher holds: the dearest need alone, and
 * the sum of the needs when each column's cost is split among those that feel it.
 */
function jointGap({ columns, neededMilliW }: JointProblem, cost: number): number {
  if (cost <= 0) return 0;
  const alone = neededMilliW.map((needed, need) => boundOf(columns, need, needed, () => 1));
  const share = ({ yieldsMilli }: JointColumn, need: number) =>
    yieldsMilli[need]! / yieldsMilli.reduce((sum, milli) => sum + milli, 0);
  const split = neededMilliW.map((needed, need) => boundOf(columns, need, needed, share));
  const bound = Math.max(
    ...alone,
    split.reduce((sum, part) => sum + part, 0),
  );
  return Math.max(0, Math.min(1, (cost - bound) / cost));
}

function boundOf(
  columns: readonly JointColumn[],
  need: number,
  neededMilliW: number,
  shareOf: (column: JointColumn, need: number) => number,
): number {
  const blocks = columns
    .filter(({ yieldsMilli }) => yieldsMilli[need]! > 0)
    .map((column) => ({
      ...column,
      yieldMilli: column.yieldsMilli[need]!,
      unitCost: column.unitCost * shareOf(column, need),
    }))
    .sort((a, b) => a.unitCost / a.yieldMilli - b.unitCost / b.yieldMilli);
  return relaxedCost(blocks, 0, neededMilliW);
}
