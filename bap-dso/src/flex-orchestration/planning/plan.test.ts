import type { FlexNeed, FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { expect } from 'chai';
import { PLAN_OFFERS } from '../../limits.ts';
import { HOUR_MS, need, offer, START_MS } from '../../testing/offers.ts';
import type { ExclusionReason } from './eligibility.ts';
import { choosePlan, type PlanOptions, reliabilityDerate } from './plan.ts';

const options = (changes: Partial<PlanOptions> = {}): PlanOptions => ({
  derate: () => 1,
  nowMs: START_MS,
  unresponsive: new Set(),
  declined: new Set(),
  ...changes,
});
const chosen = (plan: Awaited<ReturnType<typeof choosePlan>>) =>
  plan.blocks.map(({ offer: { bppId }, kw }) => [bppId, kw]);

describe('plan', () => {
  it('buys the cheapest first and of the last only what is missing', async () => {
    const offers = [offer('b', { priceGbpPerKwh: 0.5 }), offer('a', { priceGbpPerKwh: 0.3 })];
    const plan = await choosePlan(need(), offers, options());
    expect(chosen(plan)).to.deep.equal([
      ['a', 80],
      ['b', 20],
    ]);
    expect(plan).to.deep.include({
      sufficient: true,
      method: 'search',
      gap: 0,
      askedKw: 100,
      expectedKw: 100,
      costGbpPerHour: 34,
    });
  });

  it('beats the greedy choice where a minimum makes the cheap block dear', async () => {
    const offers = [
      offer('a', { priceGbpPerKwh: 0.3, availableKw: 90 }),
      offer('b', { priceGbpPerKwh: 0.31, availableKw: 100, minimumKw: 60 }),
    ];
    expect(chosen(await choosePlan(need(), offers, options()))).to.deep.equal([
      ['a', 40],
      ['b', 60],
    ]);
  });

  it('asks for more of who keeps less of its promises, and prefers who delivers cheapest', async () => {
    const offers = [
      offer('a', { priceGbpPerKwh: 0.3, reliability: 0.5, availableKw: 500 }),
      offer('b', { priceGbpPerKwh: 0.5, reliability: 1, availableKw: 500 }),
    ];
    const plan = await choosePlan(need(), offers, options({ derate: reliabilityDerate }));
    expect(chosen(plan)).to.deep.equal([['b', 100]]);
    const alone = await choosePlan(need(), offers.slice(0, 1), options({ derate: reliabilityDerate }));
    expect(chosen(alone)).to.deep.equal([['a', 200]]);
    expect(alone.expectedKw).to.equal(100);
  });

  it('takes all there is when it is not enough, and says so', async () => {
    const plan = await choosePlan(need({ requestedKw: 500 }), [offer('a'), offer('b')], options());
    expect(chosen(plan)).to.deep.equal([
      ['a', 80],
      ['b', 80],
    ]);
    expect(plan.sufficient).to.equal(false);
  });

  it('makes one order a BPP with all its blocks', async () => {
    const offers = [
      offer('a', { itemId: 'battery.feeder-1', availableKw: 40 }),
      offer('a', { itemId: 'ev-charger.feeder-1', availableKw: 40 }),
      offer('b', { priceGbpPerKwh: 0.9 }),
    ];
    const { orders } = await choosePlan(need(), offers, options());
    expect(orders.map(({ bppId, selection: { items } }) => [bppId, items.length])).to.deep.equal([
      ['a', 2],
      ['b', 1],
    ]);
    expect(orders[0]!.selection).to.deep.include({ providerId: 'provider-of-a', window: need().window });
  });

  it('ties go by BPP and item, never by arrival', async () => {
    const offers = [offer('c'), offer('a'), offer('b', { itemId: 'z' }), offer('b', { itemId: 'y' })];
    const first = JSON.stringify(await choosePlan(need(), offers, options()));
    expect(JSON.stringify(await choosePlan(need(), [...offers].reverse(), options()))).to.equal(first);
    expect(chosen(await choosePlan(need(), offers, options()))).to.deep.equal([
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
    it(`excludes a block by ${reason}: ${JSON.stringify(change)}`, async () => {
      const at = options({ nowMs: START_MS - 60_000, ...conditions });
      const plan = await choosePlan(need(needed), [offer('a', change), offer('b')], at);
      expect(plan.excluded).to.deep.equal([
        { bppId: 'a', itemId: 'battery.feeder-1', availableKw: change.availableKw ?? 80, reason },
      ]);
      expect(plan.eligible).to.equal(1);
    });
  }

  it('takes what is just within every bound', async () => {
    const edge = offer('a', {
      priceGbpPerKwh: 1,
      reliability: 0.5,
      responseSeconds: 300,
      minimumNoticeSeconds: 60,
      maxDurationSeconds: 3_600,
      availability: { startMs: START_MS + 5_000, endMs: START_MS + HOUR_MS },
    });
    expect((await choosePlan(need(), [edge], options({ nowMs: START_MS - 60_000 }))).excluded).to.deep.equal([]);
  });

  it('asks no BPP for more than its limit, and says what that leaves out', async () => {
    const offers = [offer('a', { availableKw: 500, priceGbpPerKwh: 0.3 }), offer('b', { priceGbpPerKwh: 0.9 })];
    const limited = await choosePlan(need(), offers, options({ partyMaxKw: 60 }));
    expect(chosen(limited)).to.deep.equal([
      ['a', 60],
      ['b', 40],
    ]);
    const short = await choosePlan(need({ requestedKw: 130 }), offers, options({ partyMaxKw: 60 }));
    expect(short).to.deep.include({ sufficient: false, askedKw: 120 });
    const free = await choosePlan(need({ requestedKw: 130 }), offers, options());
    expect(chosen(free)).to.deep.equal([['a', 130]]);
  });

  it('looks at a bounded number of blocks, the cheapest', async () => {
    const many = Array.from({ length: PLAN_OFFERS + 6 }, (_, i) =>
      offer(`bpp-${i}`, { priceGbpPerKwh: 0.2 + i / 100_000 }),
    );
    const plan = await choosePlan(need(), many, options());
    expect(plan.eligible).to.equal(PLAN_OFFERS);
    expect(plan.excluded.map(({ reason }) => reason)).to.deep.equal(Array(6).fill('beyond-plan-size'));
    expect(plan.excluded[0]!.bppId).to.equal(`bpp-${PLAN_OFFERS}`);
  });
});
