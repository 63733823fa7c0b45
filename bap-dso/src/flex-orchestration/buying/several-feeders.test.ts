import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { BapConfigInput } from '../../config.ts';
import { decisionViews } from '../../operator-api/events/decisions.ts';
import { overloadViews } from '../../operator-api/events/overloads.ts';
import { aggregator, cancelledBy } from '../../testing/aggregator.ts';
import { offer } from '../../testing/offers.ts';
import type { Script, Trade } from '../../testing/trade.ts';
import { states, useTrades } from '../../testing/trades.ts';
import { handsOf } from '../decisions/by-hand.ts';

const FEEDERS: Partial<BapConfigInput> = {
  feeders: ['f-1', 'f-2'].map((feederId) => ({ feederId, name: feederId, limitKw: 1_000 })),
};

/** Offers the same at each of these places. */
function offering(bppId: string, places: readonly string[], priceGbpPerKwh: number, availableKw = 200): Script {
  const otherwise = aggregator(bppId, { offer: { priceGbpPerKwh } });
  return (sent, trade) => {
    if (sent.action !== 'search') return otherwise(sent, trade);
    const startMs = trade.grid.nowMs();
    const blocks = places.map((place) =>
      offer(bppId, {
        ...{ feederId: place as FeederId, itemId: `battery.${place}`, fulfillmentId: `window.${place}` },
        ...{ priceGbpPerKwh, availableKw, availability: { startMs, endMs: startMs + 4 * 3_600_000 } },
      }),
    );
    return { message: encodeCatalogue(blocks[0]!.providerId, bppId, blocks) };
  };
}

/** kW asked of each aggregator for each feeder's event. */
async function asked(trade: Trade): Promise<string[]> {
  const feederOf = new Map((await trade.overloads()).map((row) => [row.event_id, row.feeder_id]));
  return (await trade.orders())
    .filter(({ state }) => state === 'SCHEDULED')
    .map((order) => `${feederOf.get(order.event_id)} ${order.bpp_id} ${order.requested_kw}`)
    .sort();
}

describe('several feeders', () => {
  const { open, restarted } = useTrades();

  describe('the limit of an aggregator', () => {
    const bpps = () => ({
      a: offering('a', ['f-1', 'f-2'], 0.2),
      b: offering('b', ['f-1', 'f-2'], 0.5),
    });

    it('holds over all open events: what one has is not asked for by the next', async () => {
      const trade = await open(bpps(), { ...FEEDERS, maxBppKw: 100 });
      trade.sample(1_010, 'f-1');
      await trade.settle();
      trade.sample(1_010, 'f-2');
      await trade.settle();
      expect(await asked(trade)).to.deep.equal(['f-1 a 60', 'f-2 a 40', 'f-2 b 20']);
      const [, plan] = trade.auditsOf('plan.chosen');
      expect(plan!.decision).to.contain('limited: a: 40 of 100 kW, the rest is committed');
      expect(plan!.rule_inputs).to.include({ party_max_kw: 100 });
    });

    it('is free again for a window that does not meet the one it was used in', async function () {
      thorough.call(this);
      const trade = await open(bpps(), { ...FEEDERS, maxBppKw: 100 });
      trade.sample(1_010, 'f-1');
      await trade.settle();
      await trade.grid.advanceTo(trade.grid.nowMs() + 62 * 60_000);
      trade.sample(1_010, 'f-2');
      await trade.settle();
      expect(await asked(trade)).to.deep.equal(['f-1 a 60', 'f-2 a 60']);
    });
  });

  describe('overloaded at once', () => {
    const both = async (trade: Trade, kw: readonly [number, number] = [1_010, 1_010]) => {
      trade.sample(kw[0], 'f-1');
      trade.sample(kw[1], 'f-2');
      await trade.settle();
    };
    /** `leaf` hangs behind both feeders, wholly behind the first. */
    const behindBoth = async (bpps: Record<string, Script>, changes: Partial<BapConfigInput> = {}) => {
      const trade = await open(bpps, { ...FEEDERS, ...changes });
      const shares: Record<string, number> = { 'leaf f-1': 1, 'leaf f-2': 0.5 };
      const reach = (_: string, place: string, feeder: string) =>
        place === feeder ? 1 : (shares[`${place} ${feeder}`] ?? 0);
      Object.assign(trade.desk, { reach });
      return trade;
    };
    const eventOn = async (trade: Trade, feeder: string) =>
      (await trade.overloads()).find(({ feeder_id }) => feeder_id === feeder)!;
    const planOn = async (trade: Trade, feeder: string) => {
      const { event_id } = await eventOn(trade, feeder);
      return trade.auditsOf('plan.chosen').filter((entry) => entry.event_id === event_id);
    };

    it('who has a limit serves the feeder that has nobody else, which one plan after the other cannot', async () => {
      const bpps = () => ({ a: offering('a', ['f-1', 'f-2'], 0.2), b: offering('b', ['f-1'], 0.5) });
      const trade = await open(bpps(), { ...FEEDERS, maxBppKw: 60 });
      await both(trade);
      expect(await asked(trade)).to.deep.equal(['f-1 b 60', 'f-2 a 60']);
      const [first, second] = [await eventOn(trade, 'f-1'), await eventOn(trade, 'f-2')];
      const [plan] = await planOn(trade, 'f-1');
      expect(plan!.rule_inputs).to.include({ planned_with: second.event_id, joint_needed_kw: 120, joint_cost_gbp: 42 });
      const views = await decisionViews(trade.database, { eventId: first.event_id, limit: 1, offset: 0 });
      expect(views[0]!.plannedWith).to.deep.equal([second.event_id]);
      expect(views[0]!.reason).to.match(/Solved together with f-2: 120 kW for all, £42\.00 in all/);
      await trade.close();
      const later = await open(bpps(), { ...FEEDERS, maxBppKw: 60 });
      later.sample(1_010, 'f-1');
      await later.settle();
      later.sample(1_010, 'f-2');
      await later.settle();
      expect(await asked(later), 'one after the other').to.deep.equal(['f-1 a 60']);
      expect((await eventOn(later, 'f-2')).state).to.equal('SHORT');
    });

    it('without anything in common each plans alone, and says nothing of the other', async function () {
      thorough.call(this);
      const trade = await open({ a: offering('a', ['f-1', 'f-2'], 0.2) }, FEEDERS);
      await both(trade);
      expect(await asked(trade)).to.deep.equal(['f-1 a 60', 'f-2 a 60']);
      const [plan] = await planOn(trade, 'f-1');
      expect(plan!.rule_inputs).not.to.have.property('planned_with');
    });

    it('relief that both feel is bought once and counts for both', async () => {
      const trade = await behindBoth({ a: offering('a', ['leaf'], 0.2), b: offering('b', ['f-2'], 0.5) });
      await both(trade);
      expect(await asked(trade), '60 kW more at 0.2 are cheaper than 30 kW at 0.5').to.deep.equal(['f-1 a 120']);
      const second = await eventOn(trade, 'f-2');
      expect(second.state).to.equal('DISPATCHED');
      expect(trade.events.eventOf('f-2')!.committedKw).to.equal(60);
      const [view] = await overloadViews(trade.database, { eventId: second.event_id, limit: 1, offset: 0 });
      expect(view).to.include({ committedKw: 60, orders: 0 });
      const [plan] = await planOn(trade, 'f-2');
      const { event_id: lender } = await eventOn(trade, 'f-1');
      expect(plan!.decision).to.contain(`counts on: 60 kW of a/battery.leaf for ${lender}`);
      expect(trade.auditsOf('alarm.raised')).to.have.length(0);
    });

    it('what waits for a person is counted on by nobody, and then asked only for what is missing', async function () {
      thorough.call(this);
      const modes = [{ feederId: 'f-1', mode: 'manual' as const }];
      const trade = await behindBoth({ a: offering('a', ['leaf'], 0.2), b: offering('b', ['f-2'], 0.5) }, { modes });
      await both(trade);
      expect(await asked(trade)).to.deep.equal(['f-2 a 120']);
      const first = await eventOn(trade, 'f-1');
      const [view] = await decisionViews(trade.database, { eventId: first.event_id, limit: 1, offset: 0 });
      expect(view!.options.map(({ name, reliefKw, costGbp }) => [name, reliefKw, costGbp])).to.deep.equal([
        ['low', 120, 0],
        ['sufficient', 120, 0],
        ['everything', 200, 16],
      ]);
      expect(view!.reason).to.contain('120 kW of its relief come from orders for them.');
      await handsOf(trade.desk).decide(first.event_id, 'sufficient', { by: 'olga', reason: 'it is needed' });
      await trade.settle();
      expect(await asked(trade)).to.deep.equal(['f-2 a 120']);
      expect((await eventOn(trade, 'f-1')).state).to.equal('DISPATCHED');
    });

    it('over a restart each still counts on what it did', async function () {
      thorough.call(this);
      const trade = await behindBoth({ a: offering('a', ['leaf'], 0.2) });
      await both(trade);
      const again = await restarted(trade, {}, FEEDERS);
      again.events.moved((await eventOn(again, 'f-2')).event_id);
      await again.settle();
      expect(again.events.eventOf('f-2')!.committedKw).to.equal(60);
      expect(again.actions('search')).to.have.length(0);
    });

    it('what one counts on is bought for both when it is lost, once', async function () {
      thorough.call(this);
      const trade = await behindBoth({ a: offering('a', ['leaf'], 0.2) });
      await both(trade);
      expect(await asked(trade)).to.deep.equal(['f-1 a 120']);
      const [order] = await trade.orders();
      await trade.callback('a', 'on_cancel', order!.transaction_id, cancelledBy(trade, order!, 'PROVIDER'));
      await trade.settle();
      expect(await states(trade)).to.deep.equal(['a CANCELLED', 'a SCHEDULED']);
      expect(await asked(trade)).to.deep.equal(['f-1 a 120']);
      expect(trade.events.eventOf('f-2')!.committedKw).to.equal(60);
      expect(trade.auditsOf('topup.requested')).to.have.length(2);
    });
  });
});
