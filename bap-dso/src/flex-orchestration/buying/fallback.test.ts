import { expect } from 'chai';
import { overloadViews } from '../../operator-api/events/overloads.ts';
import { aggregator, cancelledBy, dispatched, statusOf } from '../../testing/aggregator.ts';
import type { Trade } from '../../testing/trade.ts';
import { states, useTrades } from '../../testing/trades.ts';

const WITHIN_S = 90;

describe('fallback tiers', () => {
  const { open, restarted } = useTrades();
  const market = () => ({
    a: aggregator('a'),
    b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }),
    c: aggregator('c', { offer: { priceGbpPerKwh: 0.6 } }),
  });
  const bought = async (bpps = market()) => {
    const trade = await open(bpps, { acknowledgeWithinSeconds: WITHIN_S });
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
    return trade;
  };
  const view = async (trade: Trade) => (await overloadViews(trade.database, { limit: 1, offset: 0 }))[0]!.fallback;
  const tiers = async (trade: Trade) =>
    (await view(trade)).map(({ tier, state, bppIds }) => `${tier} ${state} ${bppIds}`);
  const orderOf = async (trade: Trade, bppId: string) => (await trade.orders()).find(({ bpp_id }) => bpp_id === bppId)!;
  const reports = async (trade: Trade, bppId: string, acknowledgedKw: number, closed = true) => {
    const order = await orderOf(trade, bppId);
    const status = statusOf(trade, order, 'IN_PROGRESS', { dispatch: dispatched(trade, { acknowledgedKw, closed }) });
    await trade.callback(bppId, 'on_status', order.transaction_id, status);
    await trade.settle();
  };
  /** Grid time passes, and nothing is read. */
  const wait = async (trade: Trade, seconds: number) => {
    await trade.grid.advanceTo(trade.grid.nowMs() + seconds * 1_000);
    await trade.settle();
  };

  it('are armed with the plan, cheapest first, and cost nobody anything', async () => {
    const trade = await bought();
    const held = { plan: 1, gapKw: 70, expectedKw: 70, reason: null, madeAtMs: trade.grid.nowMs(), releasedAtMs: null };
    expect(await view(trade)).to.deep.equal([
      { ...held, tier: 1, state: 'ARMED', costGbpPerHour: 35, bppIds: ['b'] },
      { ...held, tier: 2, state: 'STAGED', costGbpPerHour: 42, bppIds: ['c'] },
    ]);
    expect(trade.actions('select').map(({ to }) => to)).to.deep.equal(['a']);
    const [armed] = trade.auditsOf('fallback.armed');
    expect(armed).to.deep.include({ rule_id: 'fallback-armed', rule_inputs: { gap_kw: 70, stands_in_for: 'a' } });
    await reports(trade, 'a', 70);
    await wait(trade, WITHIN_S + 1);
    expect(await tiers(trade), 'who keeps it needs no fallback').to.deep.equal(['1 ARMED b', '2 STAGED c']);
  });

  it('two aggregators fail in turn: tier 1 and then tier 2 step in, within the time for their answers', async () => {
    const trade = await bought();
    const startMs = trade.grid.nowMs();
    // It never tells of its devices.
    await wait(trade, WITHIN_S - 1);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED']);
    await wait(trade, 1);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED', 'b SCHEDULED']);
    expect(await tiers(trade)).to.deep.equal(['1 RELEASED b', '2 ARMED c']);
    expect((await view(trade)).map(({ releasedAtMs }) => releasedAtMs)).to.deep.equal([trade.grid.nowMs(), null]);
    // It tells that nearly all of them refuse.
    await wait(trade, 10);
    await reports(trade, 'b', 5);
    await wait(trade, WITHIN_S);
    expect(await states(trade)).to.deep.equal(['a SCHEDULED', 'b IN_PROGRESS', 'c SCHEDULED']);
    expect(await tiers(trade)).to.deep.equal(['1 RELEASED b', '2 RELEASED c']);
    expect((await orderOf(trade, 'c')).requested_kw).to.equal(65);
    expect(trade.actions('search'), 'what is known is not searched again').to.have.length(1);
    expect(trade.grid.nowMs() - startMs).to.be.at.most((2 * WITHIN_S + 10) * 1_000);
    const released = trade.auditsOf('fallback.released').map(({ requested_kw, rule_id }) => [requested_kw, rule_id]);
    expect(released).to.deep.equal([
      [70, 'fallback-released'],
      [65, 'fallback-released'],
    ]);
    await reports(trade, 'c', 65);
    await wait(trade, WITHIN_S + 1);
    expect(await trade.orders()).to.have.length(3);
  });

  it('an order that is lost is stood in for at once; a tier that does not give it is followed by the next', async () => {
    const bpps = { ...market(), b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 }, refuses: ['select'] }) };
    const trade = await bought(bpps);
    const order = await orderOf(trade, 'a');
    await trade.callback('a', 'on_cancel', order.transaction_id, cancelledBy(trade, order, 'PROVIDER'));
    await trade.settle();
    expect(await states(trade)).to.deep.equal(['a CANCELLED', 'b DECLINED', 'c SCHEDULED']);
    expect(await tiers(trade)).to.deep.equal(['1 RELEASED b', '2 RELEASED c']);
    expect(trade.actions('search')).to.have.length(1);
  });

  it('when no tier is left, or its offers are too old, there is a search', async () => {
    const trade = await bought();
    await reports(trade, 'a', 70);
    for (let i = 0; i < 31; i++) await trade.step(1, 940);
    const order = await orderOf(trade, 'a');
    await trade.callback('a', 'on_cancel', order.transaction_id, cancelledBy(trade, order, 'PROVIDER'));
    await trade.settle();
    expect(trade.actions('search')).to.have.length(2);
    const old = (await view(trade)).filter(({ plan }) => plan === 1);
    expect(old.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ['LAPSED', 'its offers are too old'],
      ['LAPSED', 'its offers are too old'],
    ]);
  });

  it('are there after a restart, and lapse with their event', async () => {
    const trade = await bought();
    await reports(trade, 'a', 70);
    const again = await restarted(trade, market(), { acknowledgeWithinSeconds: WITHIN_S });
    const order = await orderOf(again, 'a');
    await again.callback('a', 'on_cancel', order.transaction_id, cancelledBy(again, order, 'PROVIDER'));
    await again.settle();
    expect(await states(again)).to.deep.equal(['a CANCELLED', 'b SCHEDULED']);
    expect(again.actions('search')).to.deep.equal([]);
    await reports(again, 'b', 70);
    const b = await orderOf(again, 'b');
    await again.grid.advanceTo(b.selection.window.endMs + 60_000);
    await again.settle();
    await again.callback('b', 'on_status', b.transaction_id, statusOf(again, b, 'COMPLETED'));
    await again.settle();
    expect((await again.overloads())[0]!.state).to.equal('RELEASED');
    expect(await tiers(again)).to.deep.equal(['1 RELEASED b', '2 LAPSED c']);
  });
});
