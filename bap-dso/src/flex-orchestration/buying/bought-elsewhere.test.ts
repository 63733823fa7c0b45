import { expect } from 'chai';
import { aggregator, cancelledBy } from '../../testing/aggregator.ts';
import type { Script } from '../../testing/trade.ts';
import { overload, states, useTrades } from '../../testing/trades.ts';

describe('what an aggregator does not sell', () => {
  const { open } = useTrades();

  it('buys what a short quote lacks elsewhere, once all have quoted', async () => {
    const trade = await open({
      a: aggregator('a', { quoteShare: 0.5 }),
      b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }),
    });
    trade.sample(1_020);
    await trade.settle();
    const orders = await trade.orders();
    expect(orders.map(({ bpp_id, requested_kw, committed_kw }) => [bpp_id, requested_kw, committed_kw])).to.deep.equal([
      ['a', 70, 35],
      ['b', 35, 35],
    ]);
    expect(trade.auditsOf('plan.chosen')).to.have.length(2);
    expect(trade.auditsOf('plan.chosen')[1]!.decision).to.contain('a/battery.feeder-1 10 kW: declined');
    expect((await overload(trade)).state).to.equal('DISPATCHED');
  });

  for (const action of ['select', 'init', 'confirm']) {
    it(`an error instead of on_${action} declines the order and its kW are bought elsewhere`, async () => {
      const trade = await open({
        a: aggregator('a', { refuses: [action] }),
        b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }),
      });
      trade.sample(1_020);
      await trade.settle();
      expect(await states(trade)).to.deep.equal(['a DECLINED', 'b SCHEDULED']);
      const [declined] = await trade.orders();
      expect(declined!.state_reason).to.equal(`on_${action}: 40000 not today`);
    });

    it(`an aggregator late with on_${action} costs one bound, is cancelled where its state is uncertain, and gets no order for a while`, async () => {
      const trade = await open({
        a: aggregator('a', { silentOn: [action, 'cancel'] }),
        b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }),
      });
      trade.sample(1_020);
      await trade.settle();
      trade.wall.pass(999);
      await trade.settle();
      expect(trade.actions('select')).to.have.length(1);
      trade.wall.pass(1);
      await trade.settle();
      expect(await states(trade)).to.deep.equal([action === 'confirm' ? 'a CANCELLING' : 'a EXPIRED', 'b SCHEDULED']);
      expect(trade.actions('cancel')).to.have.length(action === 'confirm' ? 1 : 0);
      expect([...trade.desk.counterparties.unresponsive('order')]).to.deep.equal(['a']);
      expect(trade.auditsOf('plan.chosen').at(-1)!.decision).to.match(
        /a\/battery\.feeder-1 .* kW: (declined|unresponsive)/,
      );
      expect(trade.activity.inFlight).to.equal(0);
    });
  }

  it('an on_confirm after the cancel changes nothing, and on_cancel closes the order', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['confirm', 'cancel'] }) });
    trade.sample(1_020);
    await trade.settle();
    trade.wall.pass(1_000);
    await trade.settle();
    const [order] = await trade.orders();
    const confirmed = aggregator('a')(trade.actions('confirm')[0]!, trade)!;
    await trade.callback('a', 'on_confirm', order!.transaction_id, confirmed);
    expect((await trade.orders())[0]!.state).to.equal('CANCELLING');
    await trade.callback('a', 'on_cancel', order!.transaction_id, cancelledBy(trade, order!, 'CONSUMER'));
    expect((await trade.orders())[0]!.state).to.equal('CANCELLED');
  });

  const wrongQuotes: [
    why: string,
    quote: (message: { order: { quote: Record<string, unknown>; items: unknown[] } }) => unknown,
    says: string,
  ][] = [
    [
      'more than asked',
      (message) => JSON.parse(JSON.stringify(message).replaceAll('"value":"70"', '"value":"71"')),
      'asked were 70',
    ],
    [
      'a block not asked for',
      (message) => JSON.parse(JSON.stringify(message).replaceAll('battery.feeder-1', 'other.feeder-1')),
      'not asked for',
    ],
    [
      'a price above the bound',
      (message) =>
        JSON.parse(
          JSON.stringify(message)
            .replaceAll('"value":"0.40"', '"value":"1.40"')
            .replaceAll('"value":"0.4"', '"value":"1.4"'),
        ),
      'the most is 1',
    ],
    [
      'no time left',
      (message) => ({ order: { ...message.order, quote: { ...message.order.quote, ttl: 'PT0S' } } }),
      'expired',
    ],
  ];
  for (const [why, change, says] of wrongQuotes) {
    it(`a quote with ${why} is declined`, async () => {
      const honest = aggregator('a');
      const dishonest: Script = (sent, trade) => {
        const answer = honest(sent, trade);
        if (sent.action !== 'select' || !answer || !('message' in answer)) return answer;
        return { message: change(answer.message as Parameters<typeof change>[0]) };
      };
      const trade = await open({ a: dishonest });
      trade.sample(1_020);
      await trade.settle();
      const [order] = await trade.orders();
      expect(order!.state).to.equal('DECLINED');
      expect(order!.state_reason).to.contain(says);
    });
  }
});
