import { expect } from 'chai';
import { aggregator } from '../../testing/aggregator.ts';
import { overload, states, useTrades } from '../../testing/trades.ts';

describe('a DSO after a crash', () => {
  const { open, restarted } = useTrades();

  it('a need that was not yet ordered is searched for again', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_020);
    await trade.settle();
    const again = await restarted(trade, { a: aggregator('a') });
    expect(again.actions('search')).to.have.length(1);
    expect(await states(again)).to.deep.equal(['a SCHEDULED']);
    expect((await overload(again)).state).to.equal('DISPATCHED');
    await again.step(1, 1_050);
    expect(await again.overloads()).to.have.length(1);
  });

  it('an order that awaited its answer is timed anew, and goes on when it comes', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['init'] }) });
    trade.sample(1_020);
    await trade.settle();
    const again = await restarted(trade, { a: aggregator('a') });
    expect(await states(again)).to.deep.equal(['a INITIALISING']);
    const [order] = await again.orders();
    await again.callback('a', 'on_init', order!.transaction_id, aggregator('a')(trade.actions('init')[0]!, again)!);
    await again.settle();
    expect(await states(again)).to.deep.equal(['a SCHEDULED']);
    expect((await overload(again)).state).to.equal('DISPATCHED');
  });

  it('or it is late, and its kW are bought by a new search', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['init'] }) });
    trade.sample(1_020);
    await trade.settle();
    const again = await restarted(trade, { b: aggregator('b') });
    again.wall.pass(1_000);
    await again.settle();
    expect(await states(again)).to.deep.equal(['a EXPIRED', 'b SCHEDULED']);
  });

  it('relief that was dispatched is still verified and topped up', async () => {
    const trade = await open({ a: aggregator('a') });
    trade.sample(1_020);
    await trade.settle();
    const again = await restarted(trade, { b: aggregator('b') });
    await again.step(3, 1_010);
    expect((await again.orders()).map(({ is_top_up }) => is_top_up)).to.deep.equal([false, true]);
  });
});
