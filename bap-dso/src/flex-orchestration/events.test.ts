import { expect } from 'chai';
import type { BapConfigInput } from '../config.ts';
import { aggregator, cancelledBy, dispatched, orderIdOf, statusOf } from '../testing/aggregator.ts';
import { openTestDatabase, type Script, type TestDatabase, Trade } from '../testing/trade.ts';

describe('buying relief', () => {
  let db: TestDatabase;
  const opened: Trade[] = [];
  before(async () => {
    db = await openTestDatabase();
  });
  after(async () => db.close());
  afterEach(async () => {
    for (const trade of opened.splice(0)) await trade.close();
  });
  const open = async (bpps: Record<string, Script>, changes: Partial<BapConfigInput> = {}) => {
    const trade = await Trade.open(db.database, bpps, changes);
    opened.push(trade);
    return trade;
  };
  const states = async (trade: Trade) => (await trade.orders()).map(({ bpp_id, state }) => `${bpp_id} ${state}`).sort();
  const overload = async (trade: Trade) => (await trade.overloads())[0]!;
  const both = () => ({ a: aggregator('a'), b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }) });

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
      'plan.chosen',
      ...Array(6).fill('order.changed'),
      'purchase.finished',
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

  it('gives up after the overall bound when nobody answers: short, with an alarm, and nobody is blamed', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_060);
    await trade.settle();
    trade.wall.pass(1_000);
    await trade.settle();
    // The re-plans find nothing new in an empty catalogue.
    expect((await overload(trade)).state).to.equal('SHORT');
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['nothing-to-buy']);
    expect([...trade.desk.counterparties.unresponsive('catalogue')]).to.deep.equal([]);
    expect(trade.activity.inFlight).to.equal(0);
  });

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
    await trade.undelivered(trade.actions('search')[0]!, 'nack');
    await trade.settle();
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal([
      'search-undelivered',
      'nothing-to-buy',
    ]);
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

  it('a step that fails on the database goes on when it is back', async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['search'] }) });
    trade.sample(1_020);
    await trade.settle();
    trade.broken = new Error('database away');
    trade.wall.pass(1_000);
    await trade.settle();
    expect((await overload(trade)).state).to.equal('BUYING');
    trade.broken = undefined;
    trade.wall.pass(1_000);
    await trade.settle();
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

  describe('after dispatch', () => {
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

  describe('callbacks', () => {
    const confirming = async () => {
      const trade = await open({ a: aggregator('a', { silentOn: ['confirm'] }) });
      trade.sample(1_020);
      await trade.settle();
      const [order] = await trade.orders();
      expect(order!.state).to.equal('CONFIRMING');
      return { trade, order: order!, confirmed: aggregator('a')(trade.actions('confirm')[0]!, trade)! };
    };
    const dump = async (trade: Trade) => JSON.stringify([await trade.orders(), await trade.overloads()]);

    it('bpp_cannot_answer_an_order_of_another_bpp', async () => {
      const { trade, order, confirmed } = await confirming();
      const before = await dump(trade);
      await trade.callback('b', 'on_confirm', order.transaction_id, confirmed);
      expect(await dump(trade)).to.equal(before);
      expect(trade.auditsOf('beckn.quarantined')).to.have.length(1);
      await trade.callback('a', 'on_confirm', order.transaction_id, confirmed);
      expect((await trade.orders())[0]!.state).to.equal('SCHEDULED');
    });

    for (const action of ['on_search', 'on_select', 'on_init', 'on_confirm', 'on_status', 'on_cancel'] as const) {
      it(`${action} of a transaction nobody began creates nothing and is quarantined`, async () => {
        const { trade, confirmed } = await confirming();
        const before = await dump(trade);
        await trade.callback('a', action, 'no-such-transaction', confirmed);
        expect(await dump(trade)).to.equal(before);
        expect(trade.auditsOf('beckn.quarantined')[0]).to.deep.include({
          code: 'ORD_UNKNOWN',
          beckn_action: action,
          counterparty_id: 'a',
        });
        expect(trade.metrics.total('bap_quarantined_total', { action })).to.equal(1);
      });
    }

    it('an on_confirm of another order id or of other references is quarantined', async () => {
      const { trade, order, confirmed } = await confirming();
      const before = await dump(trade);
      const text = JSON.stringify(confirmed);
      const otherOrder = JSON.parse(text.replaceAll(orderIdOf(order.transaction_id, 'a'), 'order-of-someone'));
      const otherObp = JSON.parse(text.replaceAll(order.obp_id, 'obp-of-someone'));
      await trade.callback('a', 'on_confirm', order.transaction_id, otherOrder);
      await trade.callback('a', 'on_confirm', order.transaction_id, otherObp);
      expect(await dump(trade)).to.equal(before);
      expect(trade.auditsOf('beckn.quarantined').map(({ decision }) => decision)).to.deep.equal([
        'other-order',
        'other-references',
      ]);
    });

    it('the same callback five times has one effect', async () => {
      const { trade, order, confirmed } = await confirming();
      for (let i = 0; i < 5; i++) await trade.callback('a', 'on_confirm', order.transaction_id, confirmed);
      await trade.settle();
      expect(
        trade.auditsOf('order.changed').filter(({ decision }) => String(decision).endsWith('SCHEDULED')),
      ).to.have.length(1);
    });

    it('on_confirm, two reports and an on_init that comes again end the same in each of their 24 orders', async () => {
      const ends = new Set<string>();
      for (const permutation of permutations([0, 1, 2, 3])) {
        const { trade, order, confirmed } = await confirming();
        const meterReference = { path: '/meter/x', sha256: 'a'.repeat(64), rows: 1 };
        const callbacks = [
          ['on_confirm', confirmed],
          [
            'on_status',
            statusOf(trade, order, 'IN_PROGRESS', {
              dispatch: dispatched(trade, { closed: false, accepted: 3, silent: 5 }),
            }),
          ],
          ['on_status', statusOf(trade, order, 'COMPLETED', { dispatch: dispatched(trade), meterReference })],
          ['on_init', aggregator('a')(trade.actions('init')[0]!, trade)!],
        ] as const;
        for (const index of permutation) {
          const [action, answer] = callbacks[index]!;
          await trade.callback('a', action, order.transaction_id, answer);
        }
        const [after] = await trade.orders();
        ends.add(
          JSON.stringify([
            after!.state,
            after!.committed_kw,
            after!.dispatch,
            after!.meter_reference?.rows,
            trade.jobs.length,
          ]),
        );
        await trade.close();
      }
      expect([...ends]).to.have.length(1);
      expect([...ends][0]).to.contain('"COMPLETED",70');
    });

    it('what cannot be said of an order any more is refused, with a record', async () => {
      const trade = await open({ a: aggregator('a', { refuses: ['select'] }) });
      trade.sample(1_020);
      await trade.settle();
      const [order] = await trade.orders();
      const late = aggregator('a')(trade.actions('select')[0]!, trade)!;
      await trade.callback('a', 'on_select', order!.transaction_id, late);
      expect((await trade.orders())[0]!.state).to.equal('DECLINED');
      expect(trade.auditsOf('beckn.refused')[0]).to.deep.include({ code: 'ORD_STATE' });
    });
  });

  describe('after a crash', () => {
    const restarted = async (trade: Trade, bpps: Record<string, Script>) => {
      await trade.close();
      const again = await Trade.on(db.database, bpps);
      opened.push(again);
      await again.grid.advanceTo(trade.grid.nowMs());
      await again.events.resume();
      await again.settle();
      return again;
    };

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
});

function permutations(all: readonly number[]): number[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((one) => permutations(all.filter((other) => other !== one)).map((rest) => [one, ...rest]));
}
