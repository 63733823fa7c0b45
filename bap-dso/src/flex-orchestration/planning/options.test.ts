import { expect } from 'chai';
import { need, offer, START_MS } from '../../testing/offers.ts';
import { planOptions, riskOf } from './options.ts';
import { marketOf, reliabilityDerate } from './plan.ts';

const at = { derate: reliabilityDerate, nowMs: START_MS, unresponsive: new Set<string>(), declined: new Set<string>() };
const relief = { requestedKw: 100, belowLimitKw: 50 };
const optionsOf = (offers: Parameters<typeof marketOf>[1]) => planOptions(marketOf(need(), offers, at), relief);

describe('plan options', () => {
  it('are three, each with its relief, cost, risk and what it trades off', async () => {
    const offers = [
      offer('a', { priceGbpPerKwh: 0.3, reliability: 0.8, availableKw: 100 }),
      offer('b', { priceGbpPerKwh: 0.6, availableKw: 100 }),
      offer('c', { priceGbpPerKwh: 9 }),
    ];
    const { options, recommended, reason, excluded } = await optionsOf(offers);
    expect(options.map(({ name, askedKw, reliefKw, costGbp }) => [name, askedKw, reliefKw, costGbp])).to.deep.equal([
      ['low', 62.5, 50, 18.75],
      ['sufficient', 120, 100, 42],
      ['everything', 200, 180, 90],
    ]);
    const [low, sufficient, everything] = options;
    expect(low!.risk).to.equal(0.5);
    expect(sufficient!.risk).to.be.below(0.001);
    expect(low!.tradeOff).to.equal(
      'Just below the limit, without reserve: £23.25 less than sufficient, 50 % that it does not hold.',
    );
    expect(everything!.tradeOff).to.match(/^80 kW beyond the release level for £48\.00 more/);
    expect(recommended).to.equal('sufficient');
    expect(reason).to.match(/low would save £23\.25 and hold the limit in 50 % of cases instead of 100 %/);
    expect(excluded).to.deep.equal([{ reason: 'price', offers: 1, kw: 80 }]);
  });

  it('where there is too little, all of it is recommended, and it is said how much is missing', async () => {
    const { options, recommended, reason } = await optionsOf([offer('a', { availableKw: 60 })]);
    expect(recommended).to.equal('everything');
    expect(reason).to.equal('The offers that may serve give 60 kW of 100 kW: all of them are taken rather than none.');
    expect(options[1]!.tradeOff).to.match(/Not to be had: all offers together give 60 kW of 100 kW/);
    expect(options[2]).to.include({ sufficient: false, risk: 0 });
  });

  it('where there is nothing, that is said', async () => {
    const { recommended, reason } = await optionsOf([]);
    expect([recommended, reason]).to.deep.equal(['everything', 'Nothing that is offered may serve this need.']);
  });

  it('the risk is that of devices that deliver all or nothing', () => {
    const block = { offer: offer('a'), kw: 120, expectedKw: 96, reach: 1 };
    // 40 devices of 3 kW, each with 0.8: mean 96 kW, deviation sqrt(40 * 0.8 * 0.2) * 3 = 7.589 kW.
    const risk = (neededKw: number) => riskOf({ blocks: [block], expectedKw: 96 }, neededKw);
    expect(risk(96)).to.equal(0.5);
    expect(risk(96 - 7.589)).to.be.closeTo(0.159, 0.001);
    expect(risk(96 + 2 * 7.589)).to.be.closeTo(0.977, 0.001);
    const sure = { blocks: [{ ...block, expectedKw: 120 }], expectedKw: 120 };
    expect([riskOf(sure, 120), riskOf(sure, 121)]).to.deep.equal([0, 1]);
  });
});
