import type { EventId, FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { PLAN_GAP } from '../../limits.ts';
import { need, offer, START_MS } from '../../testing/offers.ts';
import { planTogether } from './joint.ts';
import type { JointNeed } from './joint-columns.ts';
import { coverApart, coverByRelief, coverInTurn } from './joint-heuristic.ts';
import { type JointColumn, type JointProblem, jointCoverOf } from './joint-problem.ts';
import { marketOf, type PlanOptions, planOf } from './plan.ts';
import { type CoverSolver, createSolver } from './solver.ts';

/** By `place feeder`: what of a kW at the place is felt at the feeder. */
type Reaches = Readonly<Record<string, number>>;

interface Asked extends Partial<Omit<JointNeed, 'market' | 'needKw'>> {
  readonly feeder: string;
  readonly kw: number;
  readonly options?: Partial<PlanOptions>;
}

const on = (feeder: string) => ({ feederId: feeder as FeederId, itemId: `battery.${feeder}` });

function needOn({ feeder, kw, options, ...rest }: Asked, offers: readonly FlexOffer[], reaches: Reaches): JointNeed {
  const wanted = need({ eventId: `event-${feeder}` as EventId, feederId: feeder as FeederId, requestedKw: kw });
  const market = marketOf(wanted, offers, {
    ...{ derate: () => 1, nowMs: START_MS, unresponsive: new Set<string>(), declined: new Set<string>() },
    reach: ({ feederId }) => (feederId === feeder ? 1 : (reaches[`${feederId} ${feeder}`] ?? 0)),
    ...options,
  });
  return { market, needKw: kw, lends: true, essentialKw: 0, severity: kw / 1_000, ...rest };
}

const together = (asked: readonly Asked[], offers: readonly FlexOffer[], reaches: Reaches = {}) =>
  planTogether(
    asked.map((one) => needOn(one, offers, reaches)),
    {},
  );
const bought = (part: Awaited<ReturnType<typeof planTogether>>[number]) =>
  part?.plan.blocks.map(({ offer: { bppId }, kw }) => [bppId, kw]);

/** Bounded and small enough to try every choice. */
const anyJoint = fc
  .record({
    columns: fc.array(
      fc.record({
        block: fc.integer({ min: 0, max: 2 }),
        home: fc.integer({ min: 0, max: 1 }),
        minimumW: fc.integer({ min: 0, max: 3 }),
        steps: fc.integer({ min: 1, max: 4 }),
        unitCost: fc.integer({ min: 1, max: 20 }),
        party: fc.integer({ min: 0, max: 1 }),
        away: fc.constantFrom(0, 0, 400, 1_000),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    neededMilliW: fc.tuple(fc.integer({ min: 1, max: 6_000 }), fc.integer({ min: 1, max: 6_000 })),
    partyMaxW: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constant(Number.POSITIVE_INFINITY)),
  })
  .map(({ columns, ...rest }): JointProblem => {
    const made = columns.map(
      ({ steps, away, ...column }): JointColumn => ({
        ...{ ...column, stepW: 1, maximumW: Math.max(steps, column.minimumW) },
        yieldsMilli: column.home === 0 ? [1_000, away] : [away, 1_000],
      }),
    );
    const blockMaxW = [0, 1, 2].map((block) =>
      Math.max(0, ...made.filter((column) => column.block === block).map(({ maximumW }) => maximumW)),
    );
    return { columns: made, blockMaxW, ...rest };
  });

/** A thousand times as large: a watt is near what a solver takes for nothing. */
const inKw = ({ columns, blockMaxW, neededMilliW, partyMaxW }: JointProblem): JointProblem => ({
  columns: columns.map((column) => ({
    ...column,
    ...{ minimumW: column.minimumW * 1_000, maximumW: column.maximumW * 1_000, stepW: 1_000 },
  })),
  ...{ blockMaxW: blockMaxW.map(inWatts), neededMilliW: neededMilliW.map(inWatts), partyMaxW: partyMaxW.map(inWatts) },
});
const inWatts = (kw: number) => kw * 1_000;

/** The least cost that covers every need; undefined when nothing does. */
function bruteForce(problem: JointProblem, taken: readonly number[] = []): number | undefined {
  const column = problem.columns[taken.length];
  if (!column) {
    try {
      const cover = jointCoverOf(problem, taken, 'all');
      return cover.sufficient ? cover.cost : undefined;
    } catch {
      return undefined;
    }
  }
  let best: number | undefined;
  for (let watts = 0; watts <= column.maximumW; watts++) {
    if (watts > 0 && watts < column.minimumW) continue;
    const cost = bruteForce(problem, [...taken, watts]);
    if (cost !== undefined && (best === undefined || cost < best)) best = cost;
  }
  return best;
}

describe('a joint plan', () => {
  const limited = { options: { partyMaxKw: 60 } };
  const cheapAndDear = [
    offer('a', { ...on('f-1'), priceGbpPerKwh: 0.2 }),
    offer('a', { ...on('f-2'), priceGbpPerKwh: 0.2 }),
    offer('b', { ...on('f-1'), priceGbpPerKwh: 0.5 }),
  ];

  it('leaves needs that share nothing to plans of their own', async () => {
    expect(
      await together(
        [
          { feeder: 'f-1', kw: 50 },
          { feeder: 'f-2', kw: 50 },
        ],
        cheapAndDear,
      ),
    ).to.deep.equal([undefined, undefined]);
  });

  it('gives who is limited to the feeder that has nobody else, which plans one after the other cannot', async () => {
    const asked = [
      { feeder: 'f-1', kw: 50, ...limited },
      { feeder: 'f-2', kw: 50, ...limited },
    ];
    const [first, second] = await together(asked, cheapAndDear);
    expect([bought(first), bought(second)]).to.deep.equal([
      [
        ['a', 10],
        ['b', 40],
      ],
      [['a', 50]],
    ]);
    expect(first!.plannedWith).to.deep.equal([{ eventId: 'event-f-2', feederId: 'f-2' }]);
    expect(first!.shared).to.deep.include({ neededKw: 100, askedKw: 100, costGbp: 32 });
    const alone = await planOf(needOn(asked[0]!, cheapAndDear, {}).market, 50);
    expect(alone.blocks.map(({ offer: { bppId }, kw }) => [bppId, kw])).to.deep.equal([['a', 50]]);
    const committed = { partyMaxKw: 60, partyCommittedKw: new Map([['a', 50]]) };
    const after = await planOf(needOn({ ...asked[1]!, options: committed }, cheapAndDear, {}).market, 50);
    expect(after).to.include({ sufficient: false, askedKw: 10 });
  });

  it('buys once what is felt at both feeders', async () => {
    const offers = [offer('a', { ...on('leaf'), availableKw: 100 }), offer('b', { ...on('f-2'), priceGbpPerKwh: 0.1 })];
    const asked = [
      { feeder: 'f-1', kw: 60 },
      { feeder: 'f-2', kw: 50 },
    ];
    const [first, second] = await together(asked, offers, { 'leaf f-1': 1, 'leaf f-2': 0.8 });
    expect(bought(first)).to.deep.equal([['a', 60]]);
    expect(bought(second)).to.deep.equal([['b', 2]]);
    expect(second!.plan).to.deep.include({ sufficient: true, expectedKw: 2, reliedKw: 48 });
    expect(second!.plan.relied[0]).to.include({ eventId: 'event-f-1', kw: 60, reach: 0.8 });
    const [, own] = await together([{ ...asked[0]!, lends: false }, asked[1]!], offers, {
      'leaf f-1': 1,
      'leaf f-2': 0.8,
    });
    expect(bought(own), 'nothing of it counts while it waits for somebody').to.deep.equal([['b', 50]]);
  });

  it('where there is too little it goes to essential loads first, then to the most severe overload, and says so', async () => {
    const offers = [offer('a', { ...on('leaf-1'), availableKw: 60 }), offer('a', { ...on('leaf-2'), availableKw: 60 })];
    const limit = { options: { partyMaxKw: 60 } };
    const reaches = { 'leaf-1 f-1': 1, 'leaf-2 f-2': 1 };
    const asked = [
      { feeder: 'f-1', kw: 50, severity: 0.01, ...limit },
      { feeder: 'f-2', kw: 40, severity: 0.03, ...limit },
    ];
    const [first, second] = await together(asked, offers, reaches);
    expect([bought(first), bought(second)]).to.deep.equal([[['a', 20]], [['a', 40]]]);
    expect(first!.shortBecause).to.equal('what there is went first to event-f-2 on f-2 (3 % over its limit)');
    expect(second).not.to.have.property('shortBecause');
    const [served, short] = await together([{ ...asked[0]!, essentialKw: 5 }, asked[1]!], offers, reaches);
    expect([bought(served), bought(short)]).to.deep.equal([[['a', 50]], [['a', 10]]]);
    expect(short!.shortBecause).to.match(/event-f-1 on f-1 \(5 kW of essential load\)$/);
  });

  it('a need that nothing can cover takes nothing from the others', async () => {
    const asked = [
      { feeder: 'f-1', kw: 900, ...limited },
      { feeder: 'f-2', kw: 50, ...limited },
    ];
    const [first, second] = await together(asked, cheapAndDear);
    expect(first!.plan).to.include({ sufficient: false });
    expect(first!.shortBecause).to.match(/^(all its offers|what there is)/);
    expect([first!.plan.askedKw, second!.plan.askedKw].reduce((a, b) => a + b)).to.be.at.most(120);
  });

  it('sells no block twice, holds every limit over the sum, and is never dearer than one need after the other', () => {
    fc.assert(
      fc.property(anyJoint, (problem) => {
        // Each throws for what is sold twice or beyond a limit.
        const [apart, turns, relief] = [
          coverApart(problem, [0, 1]),
          coverInTurn(problem, [0, 1]),
          coverByRelief(problem)!,
        ];
        const best = bruteForce(problem);
        for (const cover of [apart, turns, relief]) {
          if (!cover.sufficient) continue;
          expect(cover.cost).to.be.at.least(best!);
          expect(cover.cost * (1 - cover.gap)).to.be.at.most(best! + 1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of offers costs no more than the plans made one after the other, and holds the limit they held', async () => {
    const anyOffer = fc.record({
      bppId: fc.constantFrom('a', 'b', 'c'),
      feeder: fc.constantFrom('f-1', 'f-2', 'leaf'),
      availableKw: fc.integer({ min: 5, max: 60 }),
      minimumKw: fc.integer({ min: 1, max: 5 }),
      priceGbpPerKwh: fc.integer({ min: 1, max: 9 }).map((pence) => pence / 10),
    });
    const reaches = { 'leaf f-1': 1, 'leaf f-2': 0.5 };
    const market = fc.record({ kws: fc.tuple(fc.integer({ min: 5, max: 60 }), fc.integer({ min: 5, max: 60 })) });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(market, fc.array(anyOffer, { minLength: 2, maxLength: 6 }), async ({ kws }, drawn) => {
        const offers = drawn.map(({ bppId, feeder, ...rest }, i) =>
          offer(bppId, { ...rest, ...on(feeder), itemId: `block-${i}`, stepKw: 1 }),
        );
        const asked = [0, 1].map((i) => ({ feeder: `f-${i + 1}`, kw: kws[i]!, options: { partyMaxKw: 50 } }));
        const parts = await together(asked, offers, reaches);
        const first = await planOf(needOn(asked[0]!, offers, reaches).market, kws[0]!);
        const left = offers.map((one) => {
          const kw = first.blocks.find((block) => block.offer.itemId === one.itemId)?.kw ?? 0;
          return { ...one, availableKw: one.availableKw - kw };
        });
        const partyCommittedKw = new Map<string, number>();
        for (const { offer: one, kw } of first.blocks)
          partyCommittedKw.set(one.bppId, (partyCommittedKw.get(one.bppId) ?? 0) + kw);
        const options = { partyMaxKw: 50, partyCommittedKw };
        const second = await planOf(needOn({ ...asked[1]!, options }, left, reaches).market, kws[1]!);
        const [one, other] = parts;
        if (!one || !other) return;
        const blocks = [...one.plan.blocks, ...other.plan.blocks];
        for (const sold of offers) {
          const kw = blocks
            .filter((block) => block.offer.itemId === sold.itemId)
            .reduce((sum, block) => sum + block.kw, 0);
          expect(kw).to.be.at.most(sold.availableKw);
        }
        for (const bppId of ['a', 'b', 'c']) {
          const kw = blocks.filter((block) => block.offer.bppId === bppId).reduce((sum, block) => sum + block.kw, 0);
          expect(kw).to.be.at.most(50);
        }
        if (!first.sufficient || !second.sufficient) return;
        compared++;
        const cost = one.plan.costGbpPerHour + other.plan.costGbpPerHour;
        expect([one.plan.sufficient, other.plan.sufficient]).to.deep.equal([true, true]);
        expect(cost).to.be.at.most(first.costGbpPerHour + second.costGbpPerHour + 1e-6);
      }),
      { numRuns: 200, seed: 11 },
    );
    expect(compared).to.be.above(20);
  });

  describe('by the solver', () => {
    let solver: CoverSolver;
    before(() => {
      solver = createSolver({ wall: systemWallClock(), log: testDeps().log });
    });
    after(() => solver.close());

    it('costs what the best of all choices costs', async () => {
      let covered = 0;
      for (const problem of fc.sample(anyJoint, { numRuns: 25, seed: 7 })) {
        const [best, solved] = [bruteForce(problem), await solver.solveJoint(inKw(problem), 20_000)];
        if (best === undefined) expect(solved).to.equal(undefined);
        else expect(solved!.cost / 1_000).to.be.within(best, best * (1 + PLAN_GAP));
        if (best !== undefined) covered++;
      }
      expect(covered).to.be.within(5, 24);
    });
  });
});
