import type { DerId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { blocksOf, type CatalogueTerms, infeasibility } from '../catalogue/blocks.ts';
import { itemIdOf, parseItemId } from '../catalogue/item-id.ts';
import { type FleetDer, reliabilityOf } from '../portfolio/der.ts';
import { differenceFromPrice, differenceFromQuote } from './agreed.ts';
import { allocate } from './allocation.ts';
import { quoteOf } from './firm.ts';
import { floorToStep } from './quantity.ts';

const feederId = 'LPN-041' as FeederId;

function ev(derNo: number, shedKw: number, accepted = 0, asked = accepted): FleetDer {
  return {
    derId: `ev-${String(derNo).padStart(4, '0')}` as DerId,
    derNo,
    type: 'ev-charger',
    feederId,
    ratedKw: 7.36,
    importMsid: String(1_000_000_000_000 + derNo),
    exportMsid: null,
    consent: { fromMs: 0, untilMs: 1, mode: 'automatic' },
    programmeId: 'standard',
    maintenanceSinceMs: null,
    essential: false,
    asked,
    accepted,
    optedOutUntilMs: 0,
    live: { online: true, readAtMs: 0, powerKw: shedKw, shedKw, recent: [] },
  };
}

describe('allocation', () => {
  it('takes the most reliable first, then by id, whatever the order they come in', () => {
    const ders = [ev(3, 5), ev(1, 5), ev(2, 5, 50), ev(4, 5, 0, 10)];
    const picked = (all: FleetDer[]) => allocate('x', 14, all, 0.1, 100).picks.map((pick) => pick.der.derNo);
    expect(picked(ders)).to.deep.equal([2, 1, 3]);
    expect(picked([...ders].reverse())).to.deep.equal([2, 1, 3]);
  });

  it('promises what can be expected, never what was asked if there is less', () => {
    const { firmKw, picks } = allocate('x', 100, [ev(1, 5), ev(2, 5)], 0.1, 100);
    expect(picks).to.have.length(2);
    expect(firmKw).to.equal(9.5);
  });

  it('stops when what is expected covers what is asked', () => {
    const { firmKw, picks } = allocate('x', 4, [ev(1, 5), ev(2, 5)], 0.1, 100);
    expect(picks).to.have.length(1);
    expect(firmKw).to.equal(4);
  });

  it('takes no more devices than an order may have', () => {
    expect(allocate('x', 100, [ev(1, 5), ev(2, 5), ev(3, 5)], 0.1, 2).picks).to.have.length(2);
  });

  it('is firm on a multiple of the step, at most asked, at most expected', () => {
    const fleet = fc.array(fc.double({ min: 0.05, max: 20, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(fleet, fc.double({ min: 0, max: 200, noNaN: true }), (sheds, askedKw) => {
        const ders = sheds.map((shedKw, index) => ev(index, shedKw));
        const { firmKw, picks } = allocate('x', askedKw, ders, 0.1, 1_000);
        const expectedKw = picks.reduce((sum, pick) => sum + pick.shedKw * reliabilityOf(pick.der), 0);
        expect(firmKw)
          .to.be.at.least(0)
          .and.at.most(askedKw + 1e-6);
        expect(firmKw).to.be.at.most(expectedKw + 1e-6);
        expect(Math.abs(Math.round(firmKw * 10) - firmKw * 10)).to.be.below(1e-6);
        expect(new Set(picks.map((pick) => pick.der.derNo)).size).to.equal(picks.length);
      }),
      { seed: 41, numRuns: 200 },
    );
  });

  it('a step is not lost to a binary fraction', () => {
    expect(floorToStep(0.3, 0.1)).to.equal(0.3);
    expect(floorToStep(0.1 + 0.2, 0.1)).to.equal(0.3);
    expect(floorToStep(0.29, 0.1)).to.equal(0.2);
  });
});

describe('catalogue', () => {
  const terms: CatalogueTerms = {
    subscriberId: 'agg-1' as SubscriberId,
    providerId: 'agg-1',
    priceGbpPerKwh: { battery: 0.42, 'ev-charger': 0.36, 'heat-pump': 0.48 },
    responseSeconds: { battery: 5, 'ev-charger': 20, 'heat-pump': 60 },
    minimumNoticeSeconds: 60,
    maxDurationSeconds: 7_200,
    maxEventsPerDay: 2,
    minimumKw: 1,
    stepKw: 0.1,
  };
  const window = { startMs: 60_000, endMs: 3_660_000 };
  const completed = { battery: 0, 'ev-charger': 3, 'heat-pump': 0 };

  it('has one block per device type that has something to give', () => {
    const battery: FleetDer = { ...ev(9, 4), type: 'battery' };
    const blocks = blocksOf(feederId, [ev(1, 7), ev(2, 3), battery], window, completed, terms);
    expect(blocks.map((block) => [block.itemId, block.availableKw, block.priceGbpPerKwh])).to.deep.equal([
      ['battery.LPN-041', 3.8, 0.42],
      ['ev-charger.LPN-041', 9.5, 0.36],
    ]);
    expect(blocks[1]).to.include({
      reliability: 0.95,
      eventsCompleted: 3,
      rampKwPerMinute: 28.5,
      direction: 'TURN_DOWN',
    });
  });

  it('offers nothing below the minimum', () => {
    expect(blocksOf(feederId, [ev(1, 1)], window, completed, terms)).to.deep.equal([]);
    expect(blocksOf(feederId, [ev(1, 1.1)], window, completed, terms)).to.have.length(1);
  });

  it('says why a window cannot be served', () => {
    expect(infeasibility(window, 0, terms)).to.equal(undefined);
    expect(infeasibility(window, 1_000, terms)?.text).to.match(/notice is 59 s/);
    const atOnce = { ...terms, minimumNoticeSeconds: 0 };
    expect(infeasibility(window, 60_000 + 30_000, atOnce), 'it began while the message was under way').to.equal(
      undefined,
    );
    expect(infeasibility(window, 60_000 + 31_000, atOnce)?.text).to.match(/the window began 31 s ago/);
    expect(infeasibility(window, 60_000 + 1_000, terms)?.text).to.match(/the window began 1 s ago, at least 60 s/);
    expect(infeasibility({ startMs: 60_000, endMs: 7_261_000 }, 0, terms)?.text).to.match(/lasts 7201 s/);
    expect(infeasibility({ startMs: 60_000, endMs: 60_000 }, 0, terms)?.text).to.match(/ends before/);
    expect(infeasibility(window, 4_000_000, terms)?.text).to.match(/has passed/);
    const reasons = [1_000, 4_000_000].map((nowMs) => infeasibility(window, nowMs, terms)?.reason);
    expect(reasons).to.deep.equal(['minimum-notice', 'window-over']);
    expect(infeasibility({ startMs: 60_000, endMs: 7_261_000 }, 0, terms)?.reason).to.equal('maximum-duration');
  });

  it('item ids are read back, and nothing else is', () => {
    expect(parseItemId(itemIdOf(feederId, 'heat-pump'))).to.deep.equal({ feederId, type: 'heat-pump' });
    for (const id of ['heat-pump.', 'solar.LPN-041', 'heat-pump', 'ev-charger.a b'])
      expect(parseItemId(id)).to.equal(undefined);
  });
});

describe('what was agreed', () => {
  const selection: FlexSelection = {
    providerId: 'agg-1',
    fulfillmentId: 'window.LPN-041',
    feederId,
    window: { startMs: 0, endMs: 1_800_000 },
    items: [{ itemId: 'battery.LPN-041', kw: 12 }],
  };
  const items = [{ itemId: 'battery.LPN-041', kw: 10, priceGbpPerKwh: 0.42 }];
  const quote = quoteOf('q-1', items, selection.window, 0);
  const row = { selection, quote };
  const ordered = { ...selection, items: [{ itemId: 'battery.LPN-041', kw: 10 }] };

  it('the price is that of the whole window', () => {
    expect(quote).to.include({ totalKw: 10, totalGbp: 2.1 });
  });

  it('an order for exactly the quote is accepted', () => {
    expect(differenceFromQuote(row, ordered)).to.equal(undefined);
    expect(differenceFromPrice(row, { quoteId: 'q-1', totalGbp: 2.1 })).to.equal(undefined);
    expect(differenceFromPrice(row, { quoteId: 'q-1' })).to.equal(undefined);
  });

  it('another quantity, item, place, time, quote or total is not', () => {
    expect(differenceFromQuote(row, selection)?.code).to.equal('40002');
    expect(differenceFromQuote(row, { ...ordered, items: [] })?.code).to.equal('40002');
    const later = { startMs: 1, endMs: 1_800_000 };
    expect(differenceFromQuote(row, { ...ordered, window: later })?.code).to.equal('40003');
    expect(differenceFromQuote(row, { ...ordered, feederId: 'LPN-042' as FeederId })?.code).to.equal('40003');
    expect(differenceFromPrice(row, { quoteId: 'q-2' })?.code).to.equal('40003');
    expect(differenceFromPrice(row, { quoteId: 'q-1', totalGbp: 2.09 })?.code).to.equal('40003');
  });
});
