import { encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import { expect } from 'chai';
import { aggregator } from '../../testing/aggregator.ts';
import { offer } from '../../testing/offers.ts';
import { useTrades } from '../../testing/trades.ts';

describe('the record of a plan', () => {
  const { open } = useTrades();

  it('names as many offers as it has room for, what is chosen among them, and counts the rest', async () => {
    const dear = Array.from({ length: 200 }, (_, index) =>
      offer('a', { itemId: `${'battery-of-a-long-name'.repeat(2)}-${index}`, priceGbpPerKwh: 90 }),
    );
    const trade = await open({
      a: (sent, of) =>
        sent.action === 'search'
          ? { message: encodeCatalogue('provider-a', 'a', [offer('a'), ...dear]) }
          : aggregator('a')(sent, of),
    });
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
    const { decision } = trade.auditsOf('plan.chosen')[0] as { decision: string };
    expect(decision).to.match(/^chosen: a\/.+; excluded: a\/.+ kW: .+, and 1\d\d more$/);
    expect(decision.length).to.be.below(2_000);
  });
});
