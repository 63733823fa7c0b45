import { systemWallClock } from '@flexder/runtime/clock.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { PLAN_GAP } from '../../limits.ts';
import { byUnitCost, type CoverBlock, type CoverProblem, cheapestCover, coverOf, greedyCover } from './cover.ts';
import { type CoverSolver, createSolver } from './solver.ts';

const block = fc
  .record({
    stepW: fc.integer({ min: 1, max: 7 }),
    steps: fc.integer({ min: 1, max: 6 }),
    minimumW: fc.integer({ min: 0, max: 12 }),
    unitCost: fc.integer({ min: 0, max: 20 }),
    yieldMilli: fc.constantFrom(500, 800, 900, 1_000),
    party: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ stepW, steps, ...rest }): CoverBlock => ({ ...rest, stepW, maximumW: stepW * steps }))
  .filter(({ minimumW, maximumW }) => minimumW <= maximumW);
const anyProblem = fc.record({
  blocks: fc.array(block, { minLength: 1, maxLength: 4 }).map((list) => list.sort(byUnitCost)),
  neededMilliW: fc.integer({ min: 1, max: 60_000 }),
  partyMaxW: fc.constant([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
});

/** As many blocks as `count`, unlike each other, with enough for the need. */
function market(count: number, partyMaxW = Number.POSITIVE_INFINITY): CoverProblem {
  const blocks = Array.from({ length: count }, (_, i): CoverBlock => {
    const stepW = 100 + (i % 5) * 50;
    return {
      ...{ stepW, minimumW: 1_000 + (i % 3) * 4_000, maximumW: stepW * 150, party: i % 8 },
      unitCost: 30_000 + ((i * 7_919) % 9_000),
      yieldMilli: 800 + ((i * 37) % 200),
    };
  }).sort(byUnitCost);
  return { blocks, neededMilliW: count * 6_250_000 + 123_000, partyMaxW: Array(8).fill(partyMaxW) };
}

describe('cheapest cover', () => {
  it('is never worse than any other choice on the raster', () => {
    fc.assert(
      fc.property(anyProblem, (problem) => {
        const cover = cheapestCover(problem);
        const best = bruteForce(problem);
        expect(cover.sufficient).to.equal(best !== undefined);
        if (best !== undefined) expect(cover).to.include({ cost: best, gap: 0 });
      }),
      { numRuns: 400 },
    );
  });

  it('stays on each block’s raster and within every limit, and costs no more than greedy', () => {
    const limited = fc
      .tuple(anyProblem, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }))
      .map(([problem, ...partyMaxW]): CoverProblem => ({ ...problem, partyMaxW }));
    fc.assert(
      fc.property(limited, (problem) => {
        const cover = cheapestCover(problem);
        // Throws for what is not on offer or beyond a limit.
        expect(coverOf(problem, cover.takenW)).to.include({ cost: cover.cost, sufficient: cover.sufficient });
        const best = bruteForce(problem);
        if (best === undefined) expect(cover.sufficient).to.equal(false);
        else if (cover.sufficient) expect(cover.cost).to.equal(best);
        const greedy = greedyCover(problem);
        if (greedy.sufficient) expect(cover.cost).to.be.at.most(greedy.cost);
      }),
      { numRuns: 400 },
    );
  });

  it('knows what is not on offer', () => {
    const problem = market(8, 10_000);
    expect(() => coverOf(problem, Array(8).fill(7))).to.throw(RangeError, /7 W are not on offer in block 0/);
    expect(() =>
      coverOf(
        problem,
        problem.blocks.map(({ maximumW }) => maximumW),
      ),
    ).to.throw(RangeError, /more than its limit/);
  });

  it('says how far it may be from the cheapest where it proves nothing', () => {
    const cover = cheapestCover(market(1_000));
    expect(cover).to.include({ sufficient: true, method: 'heuristic' });
    expect(cover.gap).to.be.within(0, 0.001);
    expect(cover.cost).to.be.below(greedyCover(market(1_000)).cost);
  });

  describe('by the solver', () => {
    let solver: CoverSolver;
    const { log } = testDeps();
    before(() => {
      solver = createSolver({ wall: systemWallClock(), log });
    });
    after(() => solver.close());
    const BOUND_MS = 20_000;

    it('costs what the proven search costs', async () => {
      for (const size of [1, 5, 24]) {
        const problem = market(size);
        const found = cheapestCover(problem);
        expect(found.method, 'proven').to.equal('search');
        const solved = (await solver.solve(problem, BOUND_MS))!;
        expect(solved).to.include({ sufficient: true, method: 'solver', gap: PLAN_GAP });
        expect(solved.cost).to.be.within(found.cost, found.cost * (1 + PLAN_GAP));
      }
    });

    it('holds the limit of every party, which makes it dearer', async () => {
      const free = market(200);
      const limited = market(200, 180_000);
      const [a, b] = [(await solver.solve(free, BOUND_MS))!, (await solver.solve(limited, BOUND_MS))!];
      expect(b.cost).to.be.above(a.cost);
      expect(coverOf(limited, b.takenW).sufficient).to.equal(true);
    });

    it('beats block after block, and nothing by more than the gap that was told', async () => {
      const problem = market(400);
      const [blocks, found] = [greedyCover(problem), cheapestCover(problem)];
      const solved = (await solver.solve(problem, BOUND_MS))!;
      expect(solved.cost).to.be.at.most(blocks.cost);
      expect((found.cost - solved.cost) / found.cost).to.be.at.most(found.gap);
      expect((solved.cost - found.cost) / solved.cost).to.be.at.most(solved.gap);
    });

    it('has nothing where nothing covers the need, and none in no time', async () => {
      const problem = market(8);
      expect(await solver.solve({ ...problem, neededMilliW: 1e15 }, BOUND_MS)).to.equal(undefined);
      expect(await solver.solve(market(4_000), 1)).to.equal(undefined);
      expect(await solver.solve(problem, BOUND_MS), 'and is asked again').to.include({ sufficient: true });
    });
  });
});

function bruteForce(problem: CoverProblem, index = 0, takenW: readonly number[] = []): number | undefined {
  const { blocks, neededMilliW, partyMaxW } = problem;
  const one = blocks[index];
  if (!one) {
    const given = takenW.reduce((sum, watts, i) => sum + watts * blocks[i]!.yieldMilli, 0);
    const fits = partyMaxW.every(
      (maxW, party) => takenW.reduce((sum, watts, i) => sum + (blocks[i]!.party === party ? watts : 0), 0) <= maxW,
    );
    if (given < neededMilliW || !fits) return undefined;
    return takenW.reduce((sum, watts, i) => sum + watts * blocks[i]!.unitCost, 0);
  }
  let best: number | undefined;
  for (let watts = 0; watts <= one.maximumW; watts += one.stepW) {
    if (watts > 0 && watts < one.minimumW) continue;
    const cost = bruteForce(problem, index + 1, [...takenW, watts]);
    if (cost !== undefined && (best === undefined || cost < best)) best = cost;
  }
  return best;
}
