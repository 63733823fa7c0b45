import { expect } from 'chai';
import { aggregator } from '../../testing/aggregator.ts';
import { states, useTrades } from '../../testing/trades.ts';

describe('a message that was not delivered', () => {
  const { open } = useTrades();

  it('an undeliverable select is not waited for', async () => {
    const trade = await open({
      a: aggregator('a', { silentOn: ['select'] }),
      b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }),
    });
    trade.sample(1_020);
    await trade.settle();
    await trade.undelivered(trade.actions('select')[0]!, 'unreachable');
    await trade.settle();
    expect(await states(trade)).to.deep.equal(['a DECLINED', 'b SCHEDULED']);
  });

  it('of an undelivered confirm only a refusal is certain', async () => {
    for (const [reason, state] of [
      ['nack', 'DECLINED'],
      ['unreachable', 'CANCELLING'],
    ] as const) {
      const trade = await open({ a: aggregator('a', { silentOn: ['confirm', 'cancel'] }) });
      trade.sample(1_020);
      await trade.settle();
      await trade.undelivered(trade.actions('confirm')[0]!, reason);
      expect((await trade.orders())[0]!.state).to.equal(state);
    }
  });

  it('a message whose answer came was delivered, whatever became of its acknowledgement', async () => {
    const trade = await open({ a: aggregator('a') });
    trade.sample(1_020);
    await trade.settle();
    for (const action of ['select', 'init', 'confirm'] as const) {
      for (const reason of ['unreachable', 'expired', 'nack'] as const) {
        await trade.undelivered(trade.actions(action)[0]!, reason);
        await trade.settle();
      }
    }
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
    expect(trade.actions('cancel')).to.have.length(0);
  });

  it('an undelivered init does not decline an order whose confirm is on its way', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['confirm'] }) });
    trade.sample(1_020);
    await trade.settle();
    await trade.undelivered(trade.actions('init')[0]!, 'unreachable');
    expect(await states(trade)).to.deep.equal(['a CONFIRMING']);
    const [order] = await trade.orders();
    const confirmed = aggregator('a')(trade.actions('confirm')[0]!, trade)!;
    await trade.callback('a', 'on_confirm', order!.transaction_id, confirmed);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
  });

  it('an undelivered search ends its gather at once, with an alarm', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_020);
    await trade.settle();
    for (const search of [0, 1]) {
      await trade.undelivered(trade.actions('search')[search]!, 'nack');
      await trade.settle();
    }
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal([
      ...['search-undelivered', 'search-undelivered', 'nothing-to-buy'],
    ]);
  });
});
