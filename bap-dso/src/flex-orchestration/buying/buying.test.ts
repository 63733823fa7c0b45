import { expect } from 'chai';
import { aggregator } from '../../testing/aggregator.ts';
import type { Script } from '../../testing/trade.ts';
import { both, overload, states, useTrades } from '../../testing/trades.ts';

describe('buying relief', () => {
  const { open } = useTrades();

  it('from one sample at the limit to confirmed orders, with a record of every decision', async () => {
    const trade = await open(both());
    trade.sample(1_060);
    await trade.settle();
    expect(trade.actions('search').map(({ to, toType }) => [to, toType])).to.deep.equal([['gateway-1', 'BG']]);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED', 'b SCHEDULED']);
    const event = await overload(trade);
    expect(event).to.include({
      state: 'DISPATCHED',
      detected_by: 'measured',
      requested_kw: 110,
      limit_kw: 1_000,
      rule_id: 'overload-measured',
    });
    const orders = await trade.orders();
    expect(orders.map((order) => order.committed_kw).sort()).to.deep.equal([30, 80]);
    expect(new Set(orders.map((order) => order.obp_id)).size).to.equal(2);
    expect(new Set(orders.map((order) => order.transaction_id)).size).to.equal(1);
    expect(orders.every((order) => order.trigger_wall_at.getTime() === trade.wall.nowMs())).to.equal(true);
    expect(trade.audits.map((entry) => entry.event_type)).to.deep.equal([
      'overload.detected',
      'decision.made',
      'plan.chosen',
      ...Array(6).fill('order.changed'),
      'purchase.finished',
      'fallback.armed',
    ]);
    expect(trade.auditsOf('overload.detected')[0]).to.deep.include({
      rule_id: 'overload-measured',
      rule_version: '1',
      event_id: event.event_id,
    });
    expect(trade.auditsOf('overload.detected')[0]!.data_sources).to.have.length(1);
    expect(trade.auditsOf('plan.chosen')[0]!.decision).to.contain(
      'a/battery.feeder-1 80 kW at 0.4 GBP/kWh, b/battery.feeder-1 30 kW',
    );
    expect(trade.streamed.filter(({ type }) => type === 'overload.changed').map(({ state }) => state)).to.deep.equal([
      'BUYING',
      'DISPATCHED',
    ]);
    expect(trade.activity.inFlight).to.equal(0);
  });

  it('the windows of its orders end one after the other', async () => {
    const trade = await open(both());
    trade.sample(1_060);
    await trade.settle();
    const ends = (await trade.orders()).map((order) => order.selection.window.endMs).sort();
    expect(ends[1]! - ends[0]!).to.equal(300_000);
  });

  it('opens one event however many samples exceed the limit', async () => {
    const trade = await open(both());
    trade.sample(1_060);
    await trade.step(0.1, 1_070);
    await trade.step(0.1, 1_080);
    expect(await trade.overloads()).to.have.length(1);
  });

  it('waits a bound for a silent aggregator once, and then not again while it is remembered', async () => {
    const trade = await open({ ...both(), hung: aggregator('hung', { silentOn: ['search'] }) });
    trade.sample(1_060);
    await trade.settle();
    expect(trade.actions('select')).to.have.length(0);
    trade.wall.pass(249);
    await trade.settle();
    expect(trade.actions('select')).to.have.length(0);
    trade.wall.pass(1);
    await trade.settle();
    expect(await states(trade)).to.deep.equal(['a SCHEDULED', 'b SCHEDULED']);
    expect(trade.auditsOf('plan.chosen')[0]!.decision).to.contain('hung: no catalogue in time');
    expect([...trade.desk.counterparties.unresponsive('catalogue')]).to.deep.equal(['hung']);

    await trade.step(3, 1_060);
    expect(trade.actions('search')).to.have.length(2);
    expect(trade.actions('select').length).to.be.above(2);
    trade.wall.pass(60_000);
    expect([...trade.desk.counterparties.unresponsive('catalogue')]).to.deep.equal([]);
  });

  it('searches once more when nobody answers, as the market may have been slow', async () => {
    let searches = 0;
    const slow: Script = (sent, trade) =>
      sent.action === 'search' && searches++ === 0 ? undefined : aggregator('a')(sent, trade);
    const trade = await open({ a: slow });
    trade.sample(1_020);
    await trade.settle();
    expect(await states(trade)).to.deep.equal([]);
    trade.wall.pass(1_000);
    await trade.settle();
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
    expect(trade.actions('search')).to.have.length(2);
    expect(trade.auditsOf('alarm.raised')).to.deep.equal([]);
  });

  it('waits longer the second time, and buys from whoever answers then', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_020);
    await trade.settle();
    trade.wall.pass(1_000);
    await trade.settle();
    trade.wall.pass(4_000);
    await trade.settle();
    const [, second] = trade.actions('search');
    await trade.callback('a', 'on_search', second!.transactionId, aggregator('a')(second!, trade)!);
    await trade.settle();
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
    expect(trade.auditsOf('alarm.raised')).to.deep.equal([]);
  });

  it('gives up after two searches that nobody answers: short, with an alarm, and nobody is blamed', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_060);
    await trade.settle();
    for (const [searches, waitedMs] of [
      [1, 1_000],
      [2, 5_000],
    ] as const) {
      trade.wall.pass(waitedMs - 1);
      await trade.settle();
      expect(trade.actions('search')).to.have.length(searches);
      expect(trade.auditsOf('alarm.raised')).to.deep.equal([]);
      trade.wall.pass(1);
      await trade.settle();
    }
    expect(trade.actions('search').map(({ ttlMs }) => ttlMs)).to.deep.equal([1_000, 5_000]);
    expect((await overload(trade)).state).to.equal('SHORT');
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['nothing-to-buy']);
    expect([...trade.desk.counterparties.unresponsive('catalogue')]).to.deep.equal([]);
    expect(trade.activity.inFlight).to.equal(0);
  });

  it('a step that fails on the database goes on when it is back', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_020);
    await trade.settle();
    trade.broken = new Error('database away');
    trade.wall.pass(1_000);
    await trade.settle();
    expect((await overload(trade)).state).to.equal('BUYING');
    trade.broken = undefined;
    for (const waitedMs of [1_000, 5_000]) {
      trade.wall.pass(waitedMs);
      await trade.settle();
    }
    expect((await overload(trade)).state).to.equal('SHORT');
  });

  it('an event that could not be opened is tried again with the next sample', async () => {
    const trade = await open({ a: aggregator('a') });
    trade.broken = new Error('database away');
    trade.sample(1_020);
    await trade.settle();
    expect(await trade.overloads()).to.have.length(0);
    trade.broken = undefined;
    await trade.step(1, 1_020);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
  });
});
