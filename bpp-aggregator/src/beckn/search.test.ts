import { eventId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeCatalogue, decodeLeftOut, encodeSearch } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { Direction } from '@flexder/protocol/flexibility/model.ts';
import { expect } from 'chai';
import { enrolledOnce } from '../enrolment/document.ts';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { POWER_KW } from '../testing/fleet.ts';
import { AGGREGATOR, derIdOf, feederOf, portfolioOf, START_MS } from '../testing/portfolio.ts';
import { type Ask, buyQuote } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

const HALF_HOUR_MS = 1_800_000;
const DAY_MS = 86_400_000;
/** On each of two feeders: a whole one first, and one where of each kind there is one. */
const PER_FEEDER = 10;
const RATED_KW = 7.36;
const since = START_MS - DAY_MS;

/** Devices of the second feeder, by their place. */
const SPECIAL: Readonly<Record<number, object>> = {
  2: { essential: true },
  3: { consent: { fromMs: since, untilMs: START_MS - 1 } },
  4: { consent: { fromMs: START_MS + HALF_HOUR_MS, untilMs: START_MS + DAY_MS } },
  5: { consent: { fromMs: since, untilMs: START_MS + HALF_HOUR_MS - 1 } },
  6: { consent: { fromMs: since, untilMs: START_MS + DAY_MS, mode: 'ask' } },
  7: { type: 'heat-pump', ratedKw: 1 },
};
const UNSUBSCRIBED = derIdOf(PER_FEEDER + 8);

describe('a catalogue and what it leaves out', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;

  before(async () => {
    const portfolio = portfolioOf(PER_FEEDER, 2).map((der, index) => ({ ...der, ...SPECIAL[index - PER_FEEDER] }));
    const enrolled = portfolio.filter(({ derId }) => derId !== UNSUBSCRIBED);
    bench = await openBench({
      ders: PER_FEEDER,
      feeders: 2,
      settings: { portfolio, enrolment: enrolledOnce(enrolled), minimumKw: 1 },
    });
    service = await bench.start();
    buyer = bench.world.bap('dso-1');
    // The heat pump draws too little for a block of its own, the last device was never heard of.
    const powerOf = (index: number) => (index === PER_FEEDER + 7 ? 0.5 : POWER_KW);
    await bench.report(powerOf, 2 * PER_FEEDER - 1);
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  const window = { startMs: START_MS, endMs: START_MS + HALF_HOUR_MS };
  async function search(place: number, changes: { window?: Ask['window']; direction?: Direction } = {}) {
    const transactionId = bench.world.newId();
    const need = {
      ...{ eventId: eventId('event-1'), feederId: feederOf(place), direction: 'TURN_DOWN' as const, requestedKw: 50 },
      ...{ window, maxPriceGbpPerKwh: 1, minReliability: 0, maxResponseSeconds: 120 },
      ...{ interventionClass: 'INCENTIVE' as const, ...changes },
    };
    await buyer.send('search', encodeSearch(need), { transactionId });
    const body = await bench.world.next('on_search', transactionId);
    return {
      kw: decodeCatalogue(AGGREGATOR, body as never).map(({ availableKw }) => availableKw),
      leftOut: decodeLeftOut(body as never),
      text: JSON.stringify(body.message),
    };
  }
  const reasons = ({ leftOut }: Awaited<ReturnType<typeof search>>) =>
    Object.fromEntries(leftOut.flatMap((one) => one.reasons.map(({ reason, devices }) => [reason, devices])));

  it('says nothing where every device is behind an offer', async () => {
    const { kw, leftOut } = await search(0);
    expect(kw).to.deep.equal([66.5]);
    expect(leftOut).to.deep.equal([]);
  });

  it('counts each device once by its first reason, with what it is rated for, and names none', async () => {
    const told = await search(1);
    expect(told.kw, 'two devices, 95 % of which can be expected').to.deep.equal([13.3]);
    const one = (reason: string) => ({ reason, devices: 1, ratedKw: reason === 'below-minimum' ? 1 : RATED_KW });
    expect(told.leftOut).to.deep.equal([
      {
        ...{ feederId: feederOf(1), fulfillmentId: `window.${feederOf(1)}`, window },
        reasons: [
          ...['below-minimum', 'consent-expired', 'consent-not-asked', 'consent-not-begun', 'consent-too-short'].map(
            one,
          ),
          ...['essential-use', 'not-subscribed', 'offline'].map(one),
        ],
      },
    ]);
    expect(told.text).to.not.match(/ev-\d{4}/);
  });

  it('says by the next search who was asked, and what was sold meanwhile', async () => {
    const { quote } = await buyQuote(bench, buyer, { feeder: feederOf(1), kw: 6, window });
    expect(quote?.totalKw).to.equal(6);
    const told = await search(1);
    expect(told.kw).to.deep.equal([6.6]);
    expect(reasons(told)).to.include({ 'consent-asked': 1, committed: 1 }).and.not.have.property('consent-not-asked');
  });

  it('is a provider without items where nothing of it can serve the need, and none where it has no devices', async () => {
    const day = { startMs: START_MS, endMs: START_MS + DAY_MS };
    for (const [changes, reason] of [
      [{ window: day }, 'maximum-duration'],
      [{ direction: 'TURN_UP' as const }, 'other-direction'],
    ] as const) {
      const told = await search(0, changes);
      expect(told.kw).to.deep.equal([]);
      expect(reasons(told)).to.deep.equal({ [reason]: PER_FEEDER });
    }
    const elsewhere = await search(7);
    expect(elsewhere.text).to.not.contain('providers');
    expect(elsewhere.leftOut).to.deep.equal([]);
  });
});
