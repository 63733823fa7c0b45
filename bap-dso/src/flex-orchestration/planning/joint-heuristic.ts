/** Joint covers without a solver: need after need, or column after column, then what became too much is given back. */
import { JOINT_GREEDY_COLUMNS, PLAN_NODES } from '../../limits.ts';
import { byUnitCost, type CoverBlock, cheapestCover, leastLevel } from './cover.ts';
import { type JointColumn, type JointCover, type JointProblem, jointCoverOf } from './joint-problem.ts';

/** What is taken so far and what is left to take. */
class Draft {
  readonly takenW: number[];
  readonly missingMilliW: number[];
  readonly #problem: JointProblem;
  readonly #blockLeftW: number[];
  readonly #partyLeftW: number[];

  constructor(problem: JointProblem) {
    this.#problem = problem;
    this.takenW = problem.columns.map(() => 0);
    this.missingMilliW = [...problem.neededMilliW];
    this.#blockLeftW = [...problem.blockMaxW];
    this.#partyLeftW = [...problem.partyMaxW];
  }

  get partyLeftW(): readonly number[] {
    return this.#partyLeftW;
  }

  /** The most that may still be taken of a column, on its raster; 0 when less than its least. */
  mostW(i: number): number {
    const { block, party, maximumW, stepW } = this.#problem.columns[i]!;
    const left = Math.min(maximumW - this.takenW[i]!, this.#blockLeftW[block]!, this.#partyLeftW[party]!);
    const most = Math.floor(left / stepW) * stepW;
    return most >= this.leastW(i) ? most : 0;
  }

  /** What is begun may grow by any step. */
  leastW(i: number): number {
    const column = this.#problem.columns[i]!;
    return this.takenW[i]! > 0 ? column.stepW : leastLevel(column);
  }

  /** Negative watts are given back. */
  take(i: number, watts: number): void {
    const { block, party, yieldsMilli } = this.#problem.columns[i]!;
    this.takenW[i]! += watts;
    this.#blockLeftW[block]! -= watts;
    this.#partyLeftW[party]! -= watts;
    yieldsMilli.forEach((milli, need) => {
      this.missingMilliW[need]! -= watts * milli;
    });
  }
}

/** One need after the other in this order, each by its cheapest cover of what those before it leave open. */
export function coverInTurn(problem: JointProblem, order: readonly number[]): JointCover {
  const draft = new Draft(problem);
  // All of them together take no longer than a plan of one need.
  const nodes = Math.ceil(PLAN_NODES / problem.neededMilliW.length);
  // Columns of one block are chosen from side by side: what that leaves open is covered in a second round.
  for (const need of [...order, ...order]) {
    if (draft.missingMilliW[need]! <= 0) continue;
    const candidates = problem.columns
      .flatMap((column, i) => {
        const maximumW = column.yieldsMilli[need]! > 0 ? draft.mostW(i) : 0;
        const yieldMilli = column.yieldsMilli[need]!;
        const block: CoverBlock = { ...column, minimumW: draft.leastW(i), maximumW, yieldMilli };
        return maximumW > 0 ? [{ i, block }] : [];
      })
      .sort((a, b) => byUnitCost(a.block, b.block) || a.i - b.i);
    const { takenW } = cheapestCover(
      {
        blocks: candidates.map(({ block }) => block),
        neededMilliW: draft.missingMilliW[need]!,
        partyMaxW: draft.partyLeftW,
      },
      nodes,
    );
    candidates.forEach(({ i }, at) => {
      const watts = Math.min(takenW[at]!, draft.mostW(i));
      if (watts > 0) draft.take(i, watts);
    });
  }
  return finished(problem, draft);
}

/** As if each need were alone: relief that one has of what another buys is not counted before all is bought. */
export function coverApart(problem: JointProblem, order: readonly number[]): JointCover {
  const columns = problem.columns.map((column) => ({
    ...column,
    yieldsMilli: column.yieldsMilli.map((milli, need) => (need === column.home ? milli : 0)),
  }));
  const draft = new Draft(problem);
  coverInTurn({ ...problem, columns }, order).takenW.forEach((watts, i) => {
    if (watts > 0) draft.take(i, watts);
  });
  return finished(problem, draft);
}

/** Always the column that gives most to needs still open for its cost, as much of it as the first of them asks for. */
export function coverByRelief(problem: JointProblem): JointCover | undefined {
  if (problem.columns.length > JOINT_GREEDY_COLUMNS) return undefined;
  const draft = new Draft(problem);
  const open = new Set(problem.columns.keys());
  for (;;) {
    const best = mostRelief(problem, draft, open);
    if (best === undefined) return finished(problem, draft);
    const { yieldsMilli, stepW } = problem.columns[best]!;
    const wanted = Math.min(
      ...yieldsMilli.map((milli, need) => {
        const missing = draft.missingMilliW[need]!;
        return milli > 0 && missing > 0 ? missing / milli : Number.POSITIVE_INFINITY;
      }),
    );
    const watts = Math.min(draft.mostW(best), Math.max(draft.leastW(best), Math.ceil(wanted / stepW) * stepW));
    draft.take(best, watts);
  }
}

function mostRelief(problem: JointProblem, draft: Draft, open: Set<number>): number | undefined {
  let best: number | undefined;
  let bestWorth = 0;
  for (const i of open) {
    if (draft.mostW(i) === 0) {
      open.delete(i);
      continue;
    }
    const worth = worthOf(problem.columns[i]!, draft.missingMilliW);
    if (worth > bestWorth) [best, bestWorth] = [i, worth];
  }
  return best;
}

function worthOf({ yieldsMilli, unitCost }: JointColumn, missingMilliW: readonly number[]): number {
  const felt = yieldsMilli.reduce((sum, milli, need) => sum + (missingMilliW[need]! > 0 ? milli : 0), 0);
  return felt / Math.max(1, unitCost);
}

/** Gives back, dearest first, what no need misses. */
function finished(problem: JointProblem, draft: Draft): JointCover {
  const dearest = [...problem.columns.keys()]
    .filter((i) => draft.takenW[i]! > 0)
    .sort((a, b) => problem.columns[b]!.unitCost - problem.columns[a]!.unitCost || b - a);
  for (const i of dearest) {
    const column = problem.columns[i]!;
    const spare = Math.min(
      ...column.yieldsMilli.map((milli, need) =>
        // A need that is short anyway loses nothing it would have.
        milli > 0 ? Math.max(0, -draft.missingMilliW[need]!) / milli : Number.POSITIVE_INFINITY,
      ),
    );
    const taken = draft.takenW[i]!;
    const kept = Math.ceil((taken - Math.min(taken, spare)) / column.stepW) * column.stepW;
    const left = kept === 0 ? 0 : Math.max(kept, leastLevel(column));
    if (left < taken) draft.take(i, left - taken);
  }
  return jointCoverOf(problem, draft.takenW, 'heuristic');
}
