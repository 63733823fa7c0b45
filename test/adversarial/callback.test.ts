/** Callbacks that are well signed and well formed, and answer nothing that was asked of who sends them. */
import type { CallbackAction } from '@flexder/protocol/beckn/actions.ts';
import { orderId } from '@flexder/protocol/beckn/identifiers.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { expectAck, expectNoEffect } from '../harness/arena.ts';
import { type Counterparty, openCounterparty } from '../harness/counterparty.ts';
import { TestNetwork } from '../harness/network.ts';
import { type Seller, type SoldOrder, startSeller } from '../harness/seller.ts';
import { openTables } from '../harness/tables.ts';
import { business, lastRecord, recordsAfter, type Tap, tapOutbound } from '../harness/watch.ts';

const MINUTE_MS = 60_000;
const CALLBACKS: readonly CallbackAction[] = [
  'on_search',
  'on_select',
  'on_init',
  'on_confirm',
  'on_status',
  'on_cancel',
  'on_update',
];
const unknownOrder = { status: 400, code: 'ORD_UNKNOWN', reason: 'context' };

describe('adversarial: callbacks', function () {
  this.timeout(60_000);
  let net: TestNetwork;
  let tap: Tap;
  let bapDb: Awaited<ReturnType<typeof openTables.dso>>;
  let party: Counterparty;
  let rogue: Counterparty;
  let seller: Seller;
  let order: SoldOrder;
  const strange = (): SoldOrder => ({ ...order, transactionId: net.context.ids.uuid() });

  before(async () => {
    net = await TestNetwork.create({ bpps: 0 });
    tap = tapOutbound(net);
    party = await openCounterparty(net, { id: 'seller.example.com', type: 'BPP' });
    rogue = await openCounterparty(net, { id: 'rogue.example.com', type: 'BPP' });
    bapDb = await openTables.dso(net);
    seller = startSeller(net, party, { id: DSO_ID, url: `${net.bap.url}/beckn` }, { availableKw: 1_000 });
    for (let i = 0; i < 2; i++) await net.advance(MINUTE_MS);
    net.feeder.push();
    await net.advance(MINUTE_MS);
    net.feeder.relax();
    order = seller.sold[0]!;
  });
  after(async () => {
    for (const one of [party, rogue]) await one?.close();
    await net?.close();
  });

  it('the twin: the answers of the BPP that was asked are accepted, and are an order', async () => {
    expect(seller.sold.length).to.be.greaterThan(0);
    expect(new Set(seller.answers.map(({ action }) => action))).to.include.all.keys(CALLBACKS.slice(0, 4));
    for (const { action, answer } of seller.answers) expectAck(answer, action);
    expect(await stateOf(order)).to.equal('SCHEDULED');
  });

  for (const action of CALLBACKS) {
    it(`TXN-02 ${action} for what was never asked: 400 ORD_UNKNOWN, and there is no order`, async () => {
      await expectNoEffect({ net, tap }, { db: bapDb }, unknownOrder, () => seller.say(action, strange()));
    });
  }

  for (const action of CALLBACKS.slice(1)) {
    it(`SIG-24 ${action} from another BPP than the order's: 400 ORD_UNKNOWN, and the order stays`, async () => {
      await expectNoEffect({ net, tap }, { db: bapDb }, unknownOrder, () => seller.say(action, order, rogue));
    });
  }

  it('TXN-01 a message id that is taken, with another body: 409, the first stands', async () => {
    const { transactionId } = order;
    const messageId = net.context.ids.uuid();
    const to = { id: DSO_ID, url: `${net.bap.url}/beckn` };
    const error = { code: '40000', message: 'first' };
    const say = (message: string) =>
      party.send(to, 'on_status', { error: { ...error, message } }, { transactionId, messageId });
    expectAck(await say('first'));
    const expected = { status: 409, code: 'DUPLICATE_MESSAGE_ID', reason: 'duplicate' };
    await expectNoEffect({ net, tap }, { db: bapDb }, expected, () => say('second'));
  });

  /** Accepted, since they come from the order's own BPP in its transaction; without effect on it, and on record. */
  const without: readonly (readonly [string, CallbackAction, Partial<SoldOrder>, string, string])[] = [
    [
      'names another order',
      'on_confirm',
      { orderId: orderId('order-of-somebody') },
      'beckn.quarantined',
      'other-order',
    ],
    ['names another order', 'on_status', { orderId: orderId('order-of-somebody') }, 'beckn.quarantined', 'other-order'],
    ['names another order', 'on_cancel', { orderId: orderId('order-of-somebody') }, 'beckn.quarantined', 'other-order'],
    ['answers no change of ours', 'on_update', {}, 'beckn.quarantined', 'unknown-change'],
  ];
  for (const [what, action, change, event, decision] of without) {
    it(`TXN-02 ${action} that ${what}: ${event} (${decision}), and the order stays`, async () => {
      await net.settle();
      const [before, mark] = [await business(bapDb), await lastRecord(bapDb)];
      expectAck(await seller.say(action, { ...order, ...change }));
      await net.settle();
      expect(await business(bapDb)).to.deep.equal(before);
      const records = await recordsAfter(bapDb, mark);
      expect(records.map((record) => record.event_type)).to.deep.equal(['beckn.received', event]);
      expect(records[1]).to.include({ code: 'ORD_UNKNOWN', decision });
    });
  }

  it('TXN-02 on_confirm for another purchase of ours: quarantined', async () => {
    const references = { ...order.references, obpId: `${order.references.obpId}-x` as never };
    const [before, mark] = [await business(bapDb), await lastRecord(bapDb)];
    expectAck(await seller.say('on_confirm', { ...order, references }));
    await net.settle();
    expect(await business(bapDb)).to.deep.equal(before);
    expect((await recordsAfter(bapDb, mark))[1]).to.include({ decision: 'other-references' });
  });

  it('TXN-03 what comes after the cancellation changes nothing', async () => {
    expectAck(await seller.say('on_cancel', order));
    await net.settle();
    expect(await stateOf(order)).to.equal('CANCELLED');
    for (const action of ['on_select', 'on_init', 'on_confirm', 'on_status', 'on_cancel'] as const) {
      const stateBefore = await orderRow(order);
      expectAck(await seller.say(action, order));
      await net.settle();
      expect(await stateOf(order), action).to.equal('CANCELLED');
      expect((await orderRow(order)).committed_kw).to.equal(stateBefore.committed_kw);
    }
  });

  async function orderRow({ transactionId }: SoldOrder) {
    return bapDb
      .selectFrom('flex_order')
      .selectAll()
      .where('transaction_id', '=', transactionId)
      .where('bpp_id', '=', 'seller.example.com')
      .executeTakeFirstOrThrow();
  }
  const stateOf = async (of: SoldOrder) => (await orderRow(of)).state;
});
