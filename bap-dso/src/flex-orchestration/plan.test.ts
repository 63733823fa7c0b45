import type { FlexNeed, FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { HOUR_MS, need, offer, START_MS } from '../testing/offers.ts';
import { byUnitCost, type CoverBlock, cheapestCover, greedyCover } from './cover.ts';
import type { ExclusionReason } from './eligibility.ts';
import { choosePlan, type PlanOptions, reliabilityDerate } from './plan.ts';

const options = (changes: Partial<PlanOptions> = {}): PlanOptions => ({
  derate: () => 1,
  nowMs: START_MS,
  unresponsive: new Set(),
  declined: new Set(),
  ...changes,
});
const chosen = (plan: ReturnType<typeof choosePlan>) => plan.blocks.map(({ offer: { bppId }, kw }) => [bppId, kw]);

describe('plan', () => {
  it('buys the cheapest first and of the last only what is missing', () => {
    const offers = [offer('b', { priceGbpPerKwh: 0.5 }), offer('a', { priceGbpPerKwh: 0.3 })];
    const plan = choosePlan(need(), offers, options());
    expect(chosen(plan)).to.deep.equal([
      ['a', 80],
      ['b', 20],
    ]);
    expect(plan).to.deep.include({ sufficient: true, exact: true, askedKw: 100, expectedKw: 100, costGbpPerHour: 34 });
  });

  it('beats the greedy choice where a minimum makes the cheap block dear', () => {
    const offers = [
      offer('a', { priceGbpPerKwh: 0.3, availableKw: 90 }),
      offer('b', { priceGbpPerKwh: 0.31, availableKw: 100, minimumKw: 60 }),
    ];
    expect(chosen(choosePlan(need(), offers, options()))).to.deep.equal([
      ['a', 40],
      ['b', 60],
    ]);
  });

  it('asks for more of who keeps less of its promises, and prefers who delivers cheapest', () => {
    const offers = [
      offer('a', { priceGbpPerKwh: 0.3, reliability: 0.5, availableKw: 500 }),
      offer('b', { priceGbpPerKwh: 0.5, reliability: 1, availableKw: 500 }),
    ];
    const plan = choosePlan(need(), offers, options({ derate: reliabilityDerate }));
    expect(chosen(plan)).to.deep.equal([['b', 100]]);
    const alone = choosePlan(need(), offers.slice(0, 1), options({ derate: reliabilityDerate }));
    expect(chosen(alone)).to.deep.equal([['a', 200]]);
    expect(alone.expectedKw).to.equal(100);
  });

  it('takes all there is when it is not enough, and says so', () => {
    const plan = choosePlan(need({ requestedKw: 500 }), [offer('a'), offer('b')], options());
    expect(chosen(plan)).to.deep.equal([
      ['a', 80],
      ['b', 80],
    ]);
    expect(plan.sufficient).to.equal(false);
  });

  it('makes one order a BPP with all its blocks', () => {
    const offers = [
      offer('a', { itemId: 'battery.feeder-1', availableKw: 40 }),
      offer('a', { itemId: 'ev-charger.feeder-1', availableKw: 40 }),
      offer('b', { priceGbpPerKwh: 0.9 }),
    ];
    const { orders } = choosePlan(need(), offers, options());
    expect(orders.map(({ bppId, selection: { items } }) => [bppId, items.length])).to.deep.equal([
      ['a', 2],
      ['b', 1],
    ]);
    expect(orders[0]!.selection).to.deep.include({ providerId: 'provider-of-a', window: need().window });
  });

  it('ties go by BPP and item, never by arrival', () => {
    const offers = [offer('c'), offer('a'), offer('b', { itemId: 'z' }), offer('b', { itemId: 'y' })];
    const first = JSON.stringify(choosePlan(need(), offers, options()));
    expect(JSON.stringify(choosePlan(need(), [...offers].reverse(), options()))).to.equal(first);
    expect(chosen(choosePlan(need(), offers, options()))).to.deep.equal([
      ['a', 80],
      ['b', 20],
    ]);
  });

  const exclusions: [
    reason: ExclusionReason,
    change: Partial<FlexOffer>,
    need?: Partial<FlexNeed>,
    options?: Partial<PlanOptions>,
  ][] = [
    ['other-feeder', { feederId: 'feeder-2' as FlexOffer['feederId'] }],
    ['other-direction', { direction: 'TURN_UP' }],
    ['declined', {}, {}, { declined: new Set(['a']) }],
    ['unresponsive', {}, {}, { unresponsive: new Set(['a']) }],
    ['nothing-available', { availableKw: 0 }],
    ['nothing-available', { availableKw: 4, minimumKw: 5 }],
    ['nothing-available', { availableKw: 4, minimumKw: 0, stepKw: 5 }],
    ['malformed-block', { stepKw: 0 }],
    ['price', { priceGbpPerKwh: 1.001 }],
    ['reliability', { reliability: 0.49 }],
    ['response-time', { responseSeconds: 301 }],
    ['notice', { minimumNoticeSeconds: 61 }],
    ['duration', { maxDurationSeconds: 3_599 }],
    ['availability', { availability: { startMs: START_MS, endMs: START_MS + HOUR_MS - 1 } }],
    ['availability', { availability: { startMs: START_MS + 5_001, endMs: START_MS + HOUR_MS } }],
  ];
  for (const [reason, change, needed = {}, conditions = {}] of exclusions) {
    it(`excludes a block by ${reason}: ${JSON.stringify(change)}`, () => {
      const at = options({ nowMs: START_MS - 60_000, ...conditions });
      const plan = choosePlan(need(needed), [offer('a', change), offer('b')], at);
      expect(plan.excluded).to.deep.equal([
        { bppId: 'a', itemId: 'battery.feeder-1', availableKw: change.availableKw ?? 80, reason },
      ]);
      expect(plan.eligible).to.equal(1);
    });
  }

  it('takes what is just within every bound', () => {
    const edge = offer('a', {
      priceGbpPerKwh: 1,
      reliability: 0.5,
      responseSeconds: 300,
      minimumNoticeSeconds: 60,
      maxDurationSeconds: 3_600,
      availability: { startMs: START_MS + 5_000, endMs: START_MS + HOUR_MS },
    });
    expect(choosePlan(need(), [edge], options({ nowMs: START_MS - 60_000 })).excluded).to.deep.equal([]);
  });

  it('looks at a bounded number of blocks, the cheapest', () => {
    const many = Array.from({ length: 70 }, (_, i) => offer(`bpp-${i}`, { priceGbpPerKwh: 0.2 + i / 1_000 }));
    const plan = choosePlan(need(), many, options());
    expect(plan.eligible).to.equal(64);
    expect(plan.excluded.map(({ reason }) => reason)).to.deep.equal(Array(6).fill('beyond-plan-size'));
    expect(plan.excluded[0]!.bppId).to.equal('bpp-64');
  });
});

describe('cheapest cover', () => {
  const block = fc
    .record({
      stepW: fc.integer({ min: 1, max: 7 }),
      steps: fc.integer({ min: 1, max: 6 }),
      minimumW: fc.integer({ min: 0, max: 12 }),
      unitCost: fc.integer({ min: 0, max: 20 }),
      yieldMilli: fc.constantFrom(500, 800, 900, 1_000),
    })
    .map(({ stepW, steps, ...rest }): CoverBlock => ({ ...rest, stepW, maximumW: stepW * steps }))
    .filter(({ minimumW, maximumW }) => minimumW <= maximumW);
  const blocks = fc.array(block, { minLength: 1, maxLength: 4 }).map((list) => list.sort(byUnitCost));
  const needed = fc.integer({ min: 1, max: 60_000 });

  it('is never worse than any other choice on the raster', () => {
    fc.assert(
      fc.property(blocks, needed, (list, neededMilliW) => {
        const cover = cheapestCover(list, neededMilliW);
        const best = bruteForce(list, neededMilliW);
        expect(cover.sufficient).to.equal(best !== undefined);
        if (best !== undefined) expect(cover.cost).to.equal(best);
      }),
      { numRuns: 400 },
    );
  });

  it('stays on each block’s raster, above its minimum, below what is there, and costs no more than greedy', () => {
    fc.assert(
      fc.property(blocks, needed, (list, neededMilliW) => {
        const cover = cheapestCover(list, neededMilliW);
        for (const [i, watts] of cover.takenW.entries()) {
          const { stepW, minimumW, maximumW } = list[i]!;
          expect(watts % stepW).to.equal(0);
          expect(watts).to.be.at.most(maximumW);
          if (watts > 0) expect(watts).to.be.at.least(minimumW);
        }
        const greedy = greedyCover(list, neededMilliW);
        if (greedy.sufficient) expect(cover.cost).to.be.at.most(greedy.cost);
      }),
      { numRuns: 400 },
    );
  });

  it('is exact and quick for a catalogue as large as a plan may be', () => {
    const list = Array.from(
      { length: 64 },
      (_, i): CoverBlock => ({
        stepW: 100 + (i % 5) * 50,
        minimumW: 1_000,
        maximumW: (100 + (i % 5) * 50) * 150,
        unitCost: 30_000 + ((i * 7_919) % 9_000),
        yieldMilli: 800 + ((i * 37) % 200),
      }),
    ).sort(byUnitCost);
    const cover = cheapestCover(list, 400_123_000);
    expect(cover).to.include({ sufficient: true, exact: true });
    expect(cover.cost).to.be.at.most(greedyCover(list, 400_123_000).cost);
  });
});

function bruteForce(list: readonly CoverBlock[], neededMilliW: number, index = 0): number | undefined {
  if (neededMilliW <= 0) return 0;
  const block = list[index];
  if (!block) return undefined;
  let best: number | undefined;
  for (let watts = 0; watts <= block.maximumW; watts += block.stepW) {
    if (watts > 0 && watts < block.minimumW) continue;
    const rest = bruteForce(list, neededMilliW - watts * block.yieldMilli, index + 1);
    if (rest === undefined) continue;
    const cost = rest + watts * block.unitCost;
    if (best === undefined || cost < best) best = cost;
  }
  return best;
}
