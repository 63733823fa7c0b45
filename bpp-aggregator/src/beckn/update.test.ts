import type { OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeOnUpdate, encodeCancel, encodeUpdate } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { OrderChange } from '@flexder/protocol/flexibility/model.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { POWER_KW } from '../testing/fleet.ts';
import { feederOf } from '../testing/portfolio.ts';
import { type Ask, buy, buyInit, buyQuote, confirmation, reports } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

/** Of 7 kW, 95 % of which can be expected: 66.5 kW a feeder. */
const DERS = 10;
const MINUTE_MS = 60_000;

describe('update', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let other: Buyer;
  let feeders = 0;
  let ask: Ask;

  before(async () => {
    bench = await openBench({ ders: DERS, feeders: 9 });
    service = await bench.start();
    [buyer, other] = [bench.world.bap('dso-1'), bench.world.bap('dso-2')];
  });
  beforeEach(async () => {
    bench.fleet.behave = () => ({});
    await bench.report();
    // Half an hour ahead: commands are out, and nothing has begun.
    const startMs = bench.grid.nowMs() + 30 * MINUTE_MS;
    ask = { feeder: feederOf(feeders++), kw: 40, window: { startMs, endMs: startMs + 30 * MINUTE_MS } };
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  type Order = Awaited<ReturnType<typeof buy>>;
  const kw = (power: number) => [{ itemId: `ev-charger.${ask.feeder}`, kw: power }];

  async function bought(wanted = ask): Promise<Order> {
    const order = await buy(bench, buyer, wanted);
    await bench.settle();
    bench.fleet.received.length = 0;
    return order;
  }
  async function send(order: Order, change: OrderChange, by = buyer, orderId = order.orderId) {
    const messageId = bench.world.newId();
    const { transactionId } = order;
    await by.send('update', encodeUpdate({ orderId, ...change }), { transactionId, messageId });
    const answer = await bench.world.next('on_update', transactionId, (body) => body.context.message_id === messageId);
    await bench.settle();
    return answer;
  }
  const changed = async (...args: Parameters<typeof send>) => {
    const answer = await send(...args);
    expect(answer.error).to.equal(undefined);
    return decodeOnUpdate(answer as never);
  };
  const received = () => bench.fleet.received.map(({ type, der_id }) => ({ type, der_id }));
  const quoted = async (power: number) => (await buyQuote(bench, other, { ...ask, kw: power })).error?.code ?? 'quoted';

  it('less: only the devices that are not needed any more are let go, and are free for others', async () => {
    const order = await bought();
    expect(await quoted(30)).to.equal('quoted');
    const { changed: now, items, quote, window } = await changed(order, { items: kw(20), window: undefined as never });
    expect(now).to.include({ committedKw: 20, revision: 1, fromMs: ask.window.startMs });
    expect(now.baselineKw).to.equal(4 * POWER_KW);
    expect([items[0]?.kw, quote?.totalKw, quote?.totalGbp]).to.deep.equal([20, 20, 3.6]);
    expect(window).to.deep.equal(ask.window);
    expect(received().map(({ type }) => type)).to.deep.equal(['RELEASE', 'RELEASE', 'RELEASE']);
    // Seven of ten had been committed; others hold what is left, and now also these three.
    expect(await quoted(19)).to.equal('quoted');
    expect(await quoted(1)).to.equal('40002');
    const again = await changed(order, { items: kw(20) });
    expect(again.changed).to.deep.equal(now);
    expect(received()).to.have.length(3);
  });

  it('more: devices are added while there are any, and else the old order stands', async () => {
    const order = await bought();
    const more = await changed(order, { items: kw(60) });
    expect(more.changed).to.include({ committedKw: 60, revision: 1 });
    expect(received().map(({ type }) => type)).to.deep.equal(Array(3).fill('IMPORT_CAPACITY_LIMIT'));
    const told = reports(bench, order.transactionId).at(-1);
    expect(told?.dispatch).to.include({ commands: 10, accepted: 10, closed: true, revision: 1, acknowledgedKw: 70 });
    expect(told?.changed).to.deep.equal(more.changed);
    bench.fleet.received.length = 0;
    const { error } = await send(order, { items: kw(67) });
    expect(error).to.include({ code: '40002', paths: '/message/order/items' });
    expect(error?.message).to.match(/^0.5 kW more of .* are needed, 0 kW are free/);
    expect(received()).to.deep.equal([]);
    expect((await changed(order, { items: kw(60) })).changed).to.deep.equal(more.changed);
  });

  it('another window: every device is told, none is asked twice, and it ends when it now ends', async () => {
    const order = await bought();
    const window = { startMs: ask.window.startMs + 5 * MINUTE_MS, endMs: ask.window.startMs + 15 * MINUTE_MS };
    const answer = await changed(order, { items: [], window });
    expect(answer.window).to.deep.equal(window);
    expect(new Set(received().map(({ der_id }) => der_id)).size).to.equal(7);
    expect(bench.fleet.received.every(({ stop_at }) => Date.parse(stop_at) === window.endMs)).to.equal(true);
    expect(reports(bench, order.transactionId).at(-1)?.dispatch).to.include({ commands: 7, accepted: 7, closed: true });
    // What is behind the new end is free for others.
    const after = { ...ask, kw: 60, window: { startMs: window.endMs, endMs: ask.window.endMs } };
    expect((await buyQuote(bench, other, after)).quote?.totalKw).to.equal(60);
    const { error } = await send(order, { items: [], window: ask.window });
    expect(error?.code).to.equal('40002');
    expect((await changed(order, { items: [], window })).window).to.deep.equal(window);
  });

  it('while it runs: less from now on, measured by what was agreed at each time', async function () {
    thorough.call(this);
    const order = await bought();
    const power = (index: number) => (Math.floor(index / DERS) === feeders - 1 && index % DERS < 7 ? 1 : POWER_KW);
    const drive = async (toMs: number, powerOf: (index: number) => number) => {
      for (let at = bench.grid.nowMs(); at < toMs; at += MINUTE_MS * 5) {
        await bench.advance(Math.min(toMs, at + MINUTE_MS * 5));
        await bench.report(powerOf);
      }
    };
    await drive(ask.window.startMs, () => POWER_KW);
    await bench.report(power);
    await drive(ask.window.startMs + 15 * MINUTE_MS, power);
    const { changed: now } = await changed(order, { items: kw(20) });
    expect(now.fromMs).to.equal(ask.window.startMs + 15 * MINUTE_MS);
    expect(
      (await send(order, { items: [], window: { ...ask.window, startMs: ask.window.startMs + 1 } })).error,
    ).to.include({
      code: '50002',
      message: 'the window has begun: its start cannot be changed',
    });
    const gone = new Set(received().map(({ der_id }) => Number(der_id.slice(3))));
    expect(gone.size).to.equal(3);
    await drive(ask.window.endMs, (index) => (gone.has(index) ? POWER_KW : power(index)));
    expect((await send(order, { items: kw(10) })).error).to.include({
      code: '50002',
      message: 'the window of the order is over',
    });
    await bench.advance(ask.window.endMs + 90_000);
    await bench.report();
    const { performance } = reports(bench, order.transactionId).at(-1)!;
    // Seven devices for a quarter of an hour, then four: 6 kW each, against 40 kW and then 20 kW.
    expect(performance?.deliveredKwh).to.be.closeTo(6 * (7 + 4) * 0.25, 0.5);
    expect(performance?.ratio).to.be.closeTo((6 * 11) / 60, 0.03);
    expect((await send(order, { items: kw(10) })).error?.code).to.equal('50002');
  });

  it('terms, items and orders that are not so are refused with the code of the field', async () => {
    const order = await bought();
    const { startMs } = ask.window;
    const refusals: [OrderChange, string][] = [
      [{ items: [{ itemId: 'battery.LPN-000', kw: 5 }] }, '30004'],
      [{ items: kw(10.05) }, '40002'],
      [{ items: kw(0.5) }, '40002'],
      [{ items: [], window: { startMs, endMs: startMs + 5 * 3_600_000 } }, '30008'],
      [{ items: [], window: { startMs: startMs - 3_600_000, endMs: startMs } }, '30008'],
      [{ items: [], window: { startMs: startMs + 86_400_000, endMs: startMs + 90_000_000 } }, '50002'],
    ];
    for (const [change, code] of refusals)
      expect((await send(order, change)).error?.code, JSON.stringify(change)).to.equal(code);
    const [foreign, unknown] = [
      await send(order, { items: kw(20) }, other),
      await send(order, { items: kw(20) }, buyer, 'order-of-nobody' as OrderId),
    ];
    expect(foreign.error).to.deep.equal(unknown.error).and.include({ code: '30010' });
    expect(received()).to.deep.equal([]);
    expect((await changed(order, { items: kw(20) })).changed.revision).to.equal(1);
  });

  it('at once with other orders of the same devices: nothing is sold twice', async () => {
    const order = await bought();
    const transactionId = bench.world.newId();
    const rival = async () => {
      const { quote, firm } = await buyQuote(bench, other, { ...ask, kw: 19 }, transactionId);
      if (!quote || !firm) return 0;
      const orderId = await buyInit(bench, other, transactionId, firm);
      await other.send('confirm', confirmation(firm, quote, orderId, bench.context.wall.nowMs()), { transactionId });
      await bench.world.next('on_confirm', transactionId);
      return quote.totalKw;
    };
    const [change, rivalKw] = await Promise.all([send(order, { items: kw(66) }), rival()]);
    await bench.settle();
    const activated = received().filter(({ type }) => type !== 'RELEASE');
    expect(new Set(activated.map(({ der_id }) => der_id)).size).to.equal(activated.length);
    expect(rivalKw > 0).to.equal(change.error !== undefined);
    expect(activated).to.have.length(3);
  });

  it('at once with a cancel: the order is cancelled and every device is let go', async () => {
    const order = await bought();
    const { transactionId, orderId } = order;
    const [answer] = await Promise.all([
      send(order, { items: kw(60) }),
      buyer.send('cancel', encodeCancel({ orderId, reasonId: '4', note: 'over' }), { transactionId }),
    ]);
    await bench.world.next('on_cancel', transactionId);
    await bench.settle();
    const last = new Map(received().map(({ der_id, type }) => [der_id, type]));
    expect(last.size).to.equal(answer.error ? 7 : 10);
    expect([...new Set(last.values())]).to.deep.equal(['RELEASE']);
    expect((await send(order, { items: kw(20) })).error?.code).to.equal('ORD_STATE');
    expect(await quoted(66)).to.equal('quoted');
  });

  it('answers that are still awaited are counted with those of the change', async () => {
    bench.fleet.behave = (_, index) => (index % DERS === 0 ? undefined : {});
    const order = await bought();
    await changed(order, { items: kw(50) });
    expect(reports(bench, order.transactionId).at(-1)?.dispatch?.closed).to.equal(false);
    await bench.advance(bench.grid.nowMs() + 16_000);
    const closed = reports(bench, order.transactionId).at(-1)?.dispatch;
    expect(closed).to.include({ commands: 8, accepted: 7, silent: 1, closed: true, revision: 1 });
    const { error } = await send(order, { items: kw(66) });
    expect(error?.code, 'a device that is silent counts for nothing').to.equal('40002');
    bench.fleet.received.length = 0;
    // What is less is taken, and the silent device is the first to go.
    await changed(order, { items: kw(44) });
    expect(received()).to.deep.equal([
      { type: 'RELEASE', der_id: `ev-${String((feeders - 1) * DERS).padStart(4, '0')}` },
    ]);
  });
});
