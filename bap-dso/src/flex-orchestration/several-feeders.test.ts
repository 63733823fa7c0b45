import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import { expect } from 'chai';
import type { BapConfigInput } from '../config.ts';
import { aggregator } from '../testing/aggregator.ts';
import { offer } from '../testing/offers.ts';
import type { Script, Trade } from '../testing/trade.ts';
import { useTrades } from '../testing/trades.ts';

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
  const { open } = useTrades();

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

    it('is free again for a window that does not meet the one it was used in', async () => {
      const trade = await open(bpps(), { ...FEEDERS, maxBppKw: 100 });
      trade.sample(1_010, 'f-1');
      await trade.settle();
      await trade.grid.advanceTo(trade.grid.nowMs() + 62 * 60_000);
      trade.sample(1_010, 'f-2');
      await trade.settle();
      expect(await asked(trade)).to.deep.equal(['f-1 a 60', 'f-2 a 60']);
    });
  });
});
