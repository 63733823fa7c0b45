import { expect } from 'chai';
import type { BapConfigInput } from '../../config.ts';
import { aggregator, cancelledBy, dispatched, statusOf } from '../../testing/aggregator.ts';
import type { Script, Trade } from '../../testing/trade.ts';
import { overload, useTrades } from '../../testing/trades.ts';

describe('relief that was dispatched', () => {
  const { open } = useTrades();
  const bought = async (
    bpps: Record<string, Script> = { a: aggregator('a') },
    changes: Partial<BapConfigInput> = {},
  ) => {
    const trade = await open(bpps, changes);
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
    expect((await overload(trade)).state).to.equal('DISPATCHED');
    return trade;
  };
  const complete = async (trade: Trade) => {
    for (const order of await trade.orders()) {
      if (order.state === 'SCHEDULED' || order.state === 'IN_PROGRESS') {
        await trade.callback(order.bpp_id, 'on_status', order.transaction_id, statusOf(trade, order, 'COMPLETED'));
      }
    }
    await trade.settle();
  };

  it('relief that comes is verified against the five minutes before, released at the end, and the next overload opens anew', async () => {
    const trade = await bought();
    await trade.step(1, 960);
    await trade.step(1, 940);
    expect(await overload(trade)).to.include({ state: 'RELIEVED', peak_during_kw: 940 });
    expect(trade.auditsOf('response.verified')[0]).to.deep.include({ rule_id: 'response-verified' });
    await trade.step(30, 945);
    expect((await overload(trade)).peak_during_kw).to.equal(945);
    await trade.step(28, 945);
    await complete(trade);
    expect(await overload(trade)).to.include({ state: 'RELEASED', peak_during_kw: 945 });
    expect(trade.auditsOf('event.released')).to.have.length(1);
    await trade.step(1, 1_030);
    expect((await trade.overloads()).map(({ state }) => state)).to.deep.equal(['RELEASED', 'DISPATCHED']);
  });

  it('a shortfall above the release level is topped up by what is missing, under the same event and a new transaction', async () => {
    const trade = await bought({ a: aggregator('a'), b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }) });
    await trade.step(2, 980);
    const orders = await trade.orders();
    expect(orders.map(({ is_top_up, requested_kw }) => [is_top_up, requested_kw])).to.deep.equal([
      [false, 70],
      [true, 30],
    ]);
    expect(orders[1]!.transaction_id).not.to.equal(orders[0]!.transaction_id);
    expect(orders[1]!.event_id).to.equal(orders[0]!.event_id);
    expect(await overload(trade)).to.include({ state: 'DISPATCHED', topped_up: true });
    expect(trade.auditsOf('topup.requested')[0]).to.deep.include({ requested_kw: 30, rule_id: 'response-verified' });
    await trade.step(2, 930);
    expect((await overload(trade)).state).to.equal('RELIEVED');
  });

  it('a load that rises to the limit again escalates, and when the means are used up it is short, with one alarm', async () => {
    const trade = await bought({ a: aggregator('a') }, { maxTopUps: 2 });
    await trade.step(2, 930);
    for (let i = 0; i < 4; i++) await trade.step(3, 1_040);
    expect(await overload(trade)).to.include({ state: 'SHORT' });
    expect(trade.auditsOf('topup.requested')).to.have.length(2);
    expect(trade.auditsOf('alarm.raised').filter(({ code }) => code === 'relief-short')).to.have.length(1);
    await trade.step(1, 920);
    expect((await overload(trade)).state).to.equal('RELIEVED');
  });

  it('a load that drifts up near the limit is topped up before it is there', async () => {
    const trade = await bought({ a: aggregator('a') });
    await trade.step(2, 930);
    await trade.step(1, 979);
    expect(trade.auditsOf('topup.requested')).to.have.length(0);
    await trade.step(1, 980);
    expect(trade.auditsOf('topup.requested')).to.have.length(1);
  });

  it('relief bought ahead does not wait for its window when the load is at the limit before', async () => {
    const trade = await bought({ a: aggregator('a') }, { activationLeadSeconds: 600 });
    await trade.step(1, 999);
    expect(trade.auditsOf('topup.requested')).to.have.length(0);
    await trade.step(1, 1_000);
    expect(trade.auditsOf('topup.requested')).to.have.length(1);
    const planned = (await trade.orders()).find((order) => !order.is_top_up)!;
    expect(trade.grid.nowMs()).to.be.below(planned.selection.window.startMs);
  });

  it('devices that do not accept are made up for before it shows at the feeder', async () => {
    const trade = await bought();
    const [order] = await trade.orders();
    const report = dispatched(trade, { accepted: 5, rejected: 1, silent: 2, acknowledgedKw: 50 });
    await trade.callback(
      'a',
      'on_status',
      order!.transaction_id,
      statusOf(trade, order!, 'IN_PROGRESS', { dispatch: report }),
    );
    await trade.settle();
    expect((await trade.orders()).map(({ is_top_up, requested_kw }) => [is_top_up, requested_kw])).to.deep.equal([
      [false, 70],
      [true, 20],
    ]);
    expect(trade.auditsOf('topup.requested')[0]).to.deep.include({ rule_id: 'acknowledged-short', requested_kw: 20 });
  });

  it('an order that its aggregator gives up is bought again', async () => {
    const trade = await bought({ a: aggregator('a'), b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }) });
    const [order] = await trade.orders();
    await trade.callback('a', 'on_cancel', order!.transaction_id, cancelledBy(trade, order!, 'PROVIDER'));
    await trade.settle();
    expect((await trade.orders()).map(({ state, is_top_up }) => `${state} ${is_top_up}`)).to.deep.equal([
      'CANCELLED false',
      'SCHEDULED true',
    ]);
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['order-lost']);
  });

  it('latencies run from the sample, and a completed order with a meter reference is settled once', async () => {
    const trade = await bought();
    const [order] = await trade.orders();
    trade.wall.pass(200);
    const report = dispatched(trade);
    const running = statusOf(trade, order!, 'IN_PROGRESS', { dispatch: report });
    for (let i = 0; i < 5; i++) await trade.callback('a', 'on_status', order!.transaction_id, running);
    const meterReference = { path: '/meter/x', sha256: 'a'.repeat(64), rows: 3 };
    const done = statusOf(trade, order!, 'COMPLETED', { dispatch: report, meterReference });
    for (let i = 0; i < 2; i++) await trade.callback('a', 'on_status', order!.transaction_id, done);
    const [after] = await trade.orders();
    expect(after).to.include({ state: 'COMPLETED', detection_to_dispatch_ms: 350, detection_to_ack_ms: 200 });
    expect(after!.meter_reference).to.deep.equal(meterReference);
    expect(trade.jobs).to.deep.include.members([
      {
        name: 'settle',
        id: `settle-${order!.obp_id}`,
        data: { obpId: order!.obp_id },
        attempts: 12,
        backoffMs: 1_000,
      },
    ]);
    expect(trade.jobs).to.have.length(1);
  });

  it('missing telemetry when relief is due is an alarm', async () => {
    const trade = await bought();
    await trade.grid.advanceTo(trade.grid.nowMs() + 5 * 60_000);
    await trade.settle();
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['telemetry-missing']);
  });

  it('asks for a completion that does not come, and then says so', async () => {
    const trade = await bought();
    await trade.step(2, 930);
    await trade.step(59, 930);
    await trade.step(41, 930);
    expect(trade.actions('status')).to.have.length(1);
    await trade.step(21, 930);
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['completion-missing']);
  });
});
