import type { FeederId, OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeOnStatus, encodeSelect, encodeStatus } from '@flexder/protocol/flexibility/codec-v1.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { type Ask, buy, buyInit, buyQuote, confirmation, feedersInTurn, selectionOf } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

const DERS = 40;
/** 40 devices of 7 kW, 95 % of which can be expected. */
const AVAILABLE_KW = 266;

describe('what the aggregator or its buyer refuses', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let nextFeeder: ReturnType<typeof feedersInTurn>;
  let ask: Ask;

  before(async () => {
    bench = await openBench({ ders: DERS, feeders: 3 });
    service = await bench.start();
    buyer = bench.world.bap('dso-1');
    nextFeeder = feedersInTurn(bench, DERS);
  });
  beforeEach(async () => {
    ({ ask } = await nextFeeder());
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  it('an order whose confirmation the BAP refuses is withdrawn, and its devices go free', async () => {
    bench.world.answer = (body) =>
      body.context.action === 'on_confirm'
        ? {
            status: 409,
            body: { message: { ack: { status: 'NACK' } }, error: { code: 'ORD_STATE', message: 'too late' } },
          }
        : { status: 200, body: { message: { ack: { status: 'ACK' } } } };
    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, buyer, ask, transactionId);
    const orderId = await buyInit(bench, buyer, transactionId, firm!);
    await buyer.send('confirm', confirmation(firm!, quote!, orderId, bench.context.wall.nowMs()), { transactionId });
    const releases = () => bench.fleet.received.filter((command) => command.type === 'RELEASE').length;
    await bench.until('the releases', () => releases() === 8);
    await bench.settle();
    const messageId = bench.world.newId();
    await buyer.send('status', encodeStatus(orderId), { transactionId, messageId });
    const told = await bench.world.next('on_status', transactionId, (body) => body.context.message_id === messageId);
    expect(decodeOnStatus(told as never).fulfilment).to.equal('CANCELLED');
    expect((await buyQuote(bench, buyer, { ...ask, kw: AVAILABLE_KW })).quote?.totalKw).to.equal(AVAILABLE_KW);
  });

  it('an order of another BAP is as unknown as one that never was', async () => {
    const order = await buy(bench, buyer, ask);
    const stranger = bench.world.bap('stranger-2');
    const inquire = async (who: Buyer, orderId: OrderId, transactionId: string) => {
      await who.send('status', encodeStatus(orderId), { transactionId });
      const { error, message } = await bench.world.next(
        'on_status',
        transactionId,
        (body) => body.context.bap_id === who.id,
      );
      return { error, message };
    };
    const foreign = await inquire(stranger, order.orderId, order.transactionId);
    const unknown = await inquire(stranger, bench.world.newId() as OrderId, bench.world.newId());
    expect(foreign).to.deep.equal(unknown);
    expect(foreign.error?.code).to.equal('30010');
    const messageId = bench.world.newId();
    await buyer.send('status', encodeStatus(order.orderId), { transactionId: order.transactionId, messageId });
    const own = await bench.world.next(
      'on_status',
      order.transactionId,
      (body) => body.context.message_id === messageId,
    );
    expect(own.error).to.equal(undefined);
  });

  it('refuses what cannot be: no init, wrong feeder, item, window, provider', async () => {
    const refusal = async (selection: ReturnType<typeof selectionOf>) => {
      const transactionId = bench.world.newId();
      await buyer.send('select', encodeSelect(selection), { transactionId });
      return (await bench.world.next('on_select', transactionId)).error?.code;
    };
    const good = selectionOf(ask);
    expect(await refusal(good)).to.equal(undefined);
    expect(await refusal({ ...good, providerId: 'agg-2' })).to.equal('30001');
    expect(await refusal({ ...good, feederId: 'LPN-999' as FeederId })).to.equal('30008');
    expect(await refusal({ ...good, items: [{ itemId: 'battery.LPN-999', kw: 10 }] })).to.equal('30004');
    const past = { startMs: ask.window.startMs - 3_600_000, endMs: ask.window.startMs };
    expect(await refusal({ ...good, window: past })).to.equal('30008');
    expect(await refusal({ ...good, items: [{ itemId: `battery.${ask.feeder}`, kw: 10 }] })).to.equal('40002');

    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, buyer, ask, transactionId);
    const orderId = bench.world.newId() as OrderId;
    await buyer.send('confirm', confirmation(firm!, quote!, orderId, bench.context.wall.nowMs()), { transactionId });
    expect((await bench.world.next('on_confirm', transactionId)).error?.code).to.equal('ORD_STATE');
    expect(bench.fleet.received).to.have.length(0);
  });
});
