import type { OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeOnSupport, encodeOnTrack } from '@flexder/protocol/flexibility/codec-v1.ts';
import { expect } from 'chai';
import { handsOf } from '../flex-orchestration/decisions/by-hand.ts';
import { TooLateError } from '../flex-orchestration/decisions/too-late.ts';
import { aggregator, statusOf } from '../testing/aggregator.ts';
import type { Trade } from '../testing/trade.ts';
import { useTrades } from '../testing/trades.ts';

const HAND = { by: 'olga', reason: 'it looks slow' };

describe('what is asked and said of an order', () => {
  const { open } = useTrades();
  const bought = async () => {
    const trade = await open({ a: aggregator('a') });
    trade.sample(1_020);
    await trade.settle();
    const [order] = await trade.orders();
    expect(order!.state).to.equal('SCHEDULED');
    return { trade, order: order! };
  };
  const only = async (trade: Trade) => (await trade.orders())[0]!;

  it('an order is rated by what it delivered when it is completed, once', async () => {
    const { trade, order } = await bought();
    const performance = { deliveredKwh: 40, ratio: 0.83, baselineMethod: 'mean-5-minutes-before', intervals: [] };
    const status = statusOf(trade, order, 'COMPLETED', { performance });
    for (let times = 0; times < 2; times++) await trade.callback('a', 'on_status', order.transaction_id, status);
    const [sent, ...more] = trade.actions('rating');
    expect(more).to.deep.equal([]);
    expect(sent!.message).to.deep.equal({ ratings: [{ rating_category: 'Order', id: order.order_id, value: '4.2' }] });
    expect(await only(trade)).to.include({ rating: 4.2, rated_wall_at: null });
    await trade.callback('a', 'on_rating', order.transaction_id, { message: {} });
    expect((await only(trade)).rated_wall_at).to.be.instanceOf(Date);
  });

  it('track and support are asked by hand; the answers are in the order, and do not move it', async () => {
    const { trade, order } = await bought();
    const hands = handsOf(trade.desk);
    await hands.ask(order.obp_id, 'track', HAND);
    await hands.ask(order.obp_id, 'support', HAND);
    expect(trade.actions('track')[0]!.message).to.deep.equal({ order_id: order.order_id });
    expect(trade.actions('support')[0]!.message).to.deep.equal({ support: { ref_id: order.order_id } });
    expect(trade.auditsOf('operator.asked-track')[0]).to.deep.include({ actor_id: 'olga', decision: 'it looks slow' });
    const orderId = order.order_id as OrderId;
    const url = 'http://127.0.0.1:2/beckn/live/1';
    await trade.callback('a', 'on_track', order.transaction_id, {
      message: encodeOnTrack({ orderId, status: 'active', url }),
    });
    await trade.callback('a', 'on_support', order.transaction_id, {
      message: encodeOnSupport(orderId, { phone: '+4412345' }),
    });
    expect(await only(trade)).to.deep.include({ state: 'SCHEDULED', live_url: url, contact: { phone: '+4412345' } });
    await trade.callback('a', 'on_track', order.transaction_id, {
      message: encodeOnTrack({ orderId, status: 'inactive' }),
    });
    expect(await only(trade)).to.include({ live_url: null });
  });

  it('an answer about another order is quarantined, an error is on record; neither changes anything', async () => {
    const { trade, order } = await bought();
    const other = encodeOnTrack({
      orderId: 'another' as OrderId,
      status: 'active',
      url: 'http://127.0.0.1:2/beckn/live/1',
    });
    await trade.callback('a', 'on_track', order.transaction_id, { message: other });
    expect(trade.auditsOf('beckn.quarantined')[0]).to.deep.include({
      decision: 'other-order',
      beckn_action: 'on_track',
    });
    await trade.callback('a', 'on_support', order.transaction_id, { error: { code: '50004', message: 'nobody' } });
    expect(trade.auditsOf('beckn.refused')[0]).to.deep.include({
      decision: '50004 nobody',
      beckn_action: 'on_support',
    });
    expect(await only(trade)).to.include({ live_url: null, contact: null });
  });

  it('of an order that was never drawn up nothing is asked', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['select'] }) });
    trade.sample(1_020);
    await trade.settle();
    const asking = handsOf(trade.desk).ask((await only(trade)).obp_id, 'track', HAND);
    const error = await asking.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(TooLateError);
    expect(trade.actions('track')).to.deep.equal([]);
  });
});
