/** Requests that are well signed and well formed, and do not fit what was agreed with the aggregator. */

import { documentRequest } from '@flexder/protocol/beckn/document-request.ts';
import type { BecknError } from '@flexder/protocol/beckn/envelope.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { sql } from 'kysely';
import { expectAck, expectNoEffect } from '../harness/arena.ts';
import { type Buyer, createBuyer, type Purchase, type Step } from '../harness/buyer.ts';
import { type Address, type Counterparty, openCounterparty } from '../harness/counterparty.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';
import { business, type Tap, tapOutbound } from '../harness/watch.ts';

const MINUTE_MS = 60_000;

describe('adversarial: orders', function () {
  this.timeout(60_000);
  let net: TestNetwork;
  let tap: Tap;
  let buyerParty: Counterparty;
  let bppDb: Awaited<ReturnType<typeof openTables.aggregator>>;
  let hastyDb: typeof bppDb;
  let buyer: Buyer;
  /** Of an aggregator whose quotes end at once. */
  let hastyBuyer: Buyer;
  let bpp: Address;

  before(async () => {
    net = await TestNetwork.create({
      ders: 24,
      bpps: 2,
      aggregator: (_, index) => ({ quoteTtlMs: index === 1 ? 300 : 600_000 }),
    });
    tap = tapOutbound(net);
    buyerParty = await openCounterparty(net, { id: 'buyer.example.com', type: 'BAP' });
    const [first, second] = net.aggregators.map(({ name, becknUrl }) => ({ id: name, url: becknUrl }));
    bpp = first!;
    bppDb = await openTables.aggregator(net, bpp.id);
    hastyDb = await openTables.aggregator(net, second!.id);
    buyer = createBuyer(net, buyerParty, bpp, 'provider-1');
    hastyBuyer = createBuyer(net, buyerParty, second!, 'provider-2');
    for (let i = 0; i < 2; i++) await net.advance(MINUTE_MS);
    await bringAbout();
  });
  after(async () => {
    await buyerParty?.close();
    await net?.close();
  });

  type State = 'unknown' | 'QUOTED' | 'INITIALISED' | 'IN_PROGRESS' | 'COMPLETED' | 'CANCELLED' | 'EXPIRED';
  const orders = new Map<State, Purchase>();

  async function bringAbout(): Promise<void> {
    const completed = await buyer.reach(buyer.purchase(2), 'select', 'init', 'confirm');
    // Past the end of the window's last settlement period, and the wait for its readings.
    for (let i = 0; i < 13; i++) await net.advance(5 * MINUTE_MS);
    orders.set('COMPLETED', completed);
    orders.set('IN_PROGRESS', await buyer.reach(buyer.purchase(2), 'select', 'init', 'confirm'));
    orders.set('CANCELLED', await buyer.reach(buyer.purchase(2), 'select', 'init', 'confirm', 'cancel'));
    orders.set('EXPIRED', await hastyBuyer.reach(hastyBuyer.purchase(2), 'select'));
    await net.context.wall.sleep(350);
    orders.set('unknown', buyer.purchase(2));
    orders.set('QUOTED', await buyer.reach(buyer.purchase(2), 'select'));
    orders.set('INITIALISED', await buyer.reach(buyer.purchase(2), 'select', 'init'));
  }

  /** Each pair that cannot be; what may follow is the twin. */
  const refused: Record<State, Partial<Record<Step, string>>> = {
    unknown: { init: '30010', confirm: '30010', cancel: '30010', status: '30010', update: '30010' },
    QUOTED: { confirm: 'ORD_STATE', cancel: '30010', status: '30010', update: '30010' },
    INITIALISED: { select: 'ORD_STATE', status: 'ORD_STATE', update: 'ORD_STATE' },
    IN_PROGRESS: { select: 'ORD_STATE', init: 'ORD_STATE' },
    COMPLETED: { select: 'ORD_STATE', init: 'ORD_STATE', confirm: 'ORD_STATE', cancel: '50001', update: '50002' },
    CANCELLED: { select: 'ORD_STATE', init: 'ORD_STATE', confirm: 'ORD_STATE', update: 'ORD_STATE' },
    EXPIRED: {
      select: 'ORD_STATE',
      init: '40003',
      confirm: '40003',
      cancel: '30010',
      status: '30010',
      update: '30010',
    },
  };
  const allowed: readonly (readonly [State, Step])[] = [
    ['QUOTED', 'init'],
    ['INITIALISED', 'init'],
    ['INITIALISED', 'confirm'],
    ['IN_PROGRESS', 'confirm'],
    ['IN_PROGRESS', 'status'],
    ['IN_PROGRESS', 'update'],
    ['COMPLETED', 'status'],
    ['CANCELLED', 'cancel'],
    ['unknown', 'select'],
  ];

  for (const [state, steps] of Object.entries(refused) as [State, Partial<Record<Step, string>>][]) {
    for (const [step, code] of Object.entries(steps) as [Step, string][]) {
      it(`TXN-03 ${step} of an order that is ${state}: ${code}, and the order stays`, async () => {
        const [by, db] = state === 'EXPIRED' ? [hastyBuyer, hastyDb] : [buyer, bppDb];
        const of = { ...orders.get(state)! };
        // The window of an order that is over is over too: asked is for another.
        if (step === 'select') of.selection = by.purchase(2).selection;
        const [before, commands] = [await business(db), net.fleet.counts.commandsReceived];
        const { error } = await by.take(step, of);
        expect(error?.code, error?.message).to.equal(code);
        expect(await business(db)).to.deep.equal(before);
        expect(net.fleet.counts.commandsReceived).to.equal(commands);
      });
    }
  }

  for (const [state, step] of allowed) {
    it(`TXN-03 ${step} of an order that is ${state}: goes on`, async () => {
      const { error } = await buyer.take(step, { ...orders.get(state)! });
      expect(error).to.equal(undefined);
    });
  }

  describe('TXN-06 somebody else who knows the ids of an order', () => {
    let rogueParty: Counterparty;
    let rogue: Buyer;
    before(async () => {
      rogueParty = await openCounterparty(net, { id: 'rogue-buyer.example.com', type: 'BAP' });
      rogue = createBuyer(net, rogueParty, bpp, 'provider-1');
    });
    after(() => rogueParty?.close());

    /** What is said of an error, without the ids that the asker named himself. */
    const shape = ({ code, message, paths }: BecknError) =>
      JSON.stringify({ code, message, paths }).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID');

    for (const step of ['status', 'cancel', 'confirm', 'init', 'update'] as const) {
      for (const state of ['IN_PROGRESS', 'COMPLETED', 'QUOTED', 'INITIALISED'] as const) {
        it(`${step} of one that is ${state}: answered as one that never was, and the order stays`, async () => {
          const known = orders.get(state)!;
          const [before, commands] = [await business(bppDb), net.fleet.counts.commandsReceived];
          const theirs = await rogue.take(step, { ...known });
          const nobodys = await rogue.take(step, { ...rogue.purchase(2), quote: known.quote });
          expect(theirs.error?.code, theirs.error?.message).to.equal('30010');
          expect(shape(theirs.error!)).to.equal(shape(nobodys.error!));
          expect(theirs.body.message).to.equal(undefined);
          expect(await business(bppDb)).to.deep.equal(before);
          expect(net.fleet.counts.commandsReceived).to.equal(commands);
        });
      }
    }

    it('the meter readings of one: answered as those of one that never was', async () => {
      const read = async (party: Counterparty, id: string) => {
        const createdS = Math.floor(net.context.wall.nowMs() / 1000);
        const { keyId, signingSeed: seed } = party.keys;
        const by = { subscriberId: party.id as never, keyId, seed, createdS, expiresS: createdS + 30 };
        const url = `${bpp.url}/meter/${id}`;
        const authorization = signMessage({ body: documentRequest(url), ...by });
        const response = await fetch(url, { headers: { authorization } });
        return { status: response.status, text: await response.text() };
      };
      const { orderId } = orders.get('COMPLETED')!;
      expect((await read(buyerParty, orderId!)).status, 'the twin').to.equal(200);
      const theirs = await read(rogueParty, orderId!);
      expect(theirs.status).to.equal(404);
      expect(theirs).to.deep.equal(await read(rogueParty, net.context.ids.uuid()));
    });
  });

  it('MSG-10 more than all devices together can shed: quoted is what they can, and no more', async () => {
    // In a window of its own: it holds every device there is.
    const startMs = net.context.grid.nowMs() + 240 * MINUTE_MS;
    const all = buyer.purchase(1_000_000, { startMs, endMs: startMs + 30 * MINUTE_MS });
    const { error } = await buyer.take('select', all);
    const ratedKw = net.scenario.ders.reduce((sum, der) => sum + der.ratedKw, 0);
    if (error) expect(error.code).to.equal('40002');
    else expect(all.quote!.totalKw).to.be.at.most(ratedKw);
  });

  it('SIG-10 a captured init, posted to /confirm', async () => {
    const of = await buyer.reach(buyer.purchase(2), 'select', 'init');
    const context = buyerParty.contextOf('init', bpp, { transactionId: of.transactionId });
    const captured = Buffer.from(JSON.stringify({ context, message: buyer.contentOf('init', of) }));
    expectAck(await buyerParty.post(bpp, 'init', captured), 'where it belongs');
    const expected = { status: 400, code: 'CTX_ACTION_MISMATCH', reason: 'action' };
    const attack = () => buyerParty.post(bpp, 'confirm', captured);
    await expectNoEffect({ net, tap }, { db: bppDb }, expected, attack);
  });

  it('SIG-09 a confirm sent three times is one order with one command a device', async () => {
    const of = await buyer.reach(buyer.purchase(2), 'select', 'init');
    const context = buyerParty.contextOf('confirm', bpp, { transactionId: of.transactionId });
    const bytes = Buffer.from(JSON.stringify({ context, message: buyer.contentOf('confirm', of) }));
    for (let i = 0; i < 3; i++) expectAck(await buyerParty.post(bpp, 'confirm', bytes));
    await net.settle();
    const answers = buyerParty.received.filter(
      (body) => body.context.action === 'on_confirm' && body.context.transaction_id === of.transactionId,
    );
    expect(answers).to.have.length(1);
    expect(Math.max(...(await commandsPerDevice(of)))).to.equal(1);
  });

  it('TXN-01 a message id that is taken, with another body: 409, the first stands', async () => {
    const of = buyer.purchase(1);
    const exchange = { transactionId: of.transactionId, messageId: net.context.ids.uuid() };
    const content = { message: buyer.contentOf('select', of) };
    expectAck(await buyerParty.send(bpp, 'select', content, exchange));
    const other = { message: buyer.contentOf('select', buyer.purchase(2)) };
    const expected = { status: 409, code: 'DUPLICATE_MESSAGE_ID', reason: 'duplicate' };
    const attack = () => buyerParty.send(bpp, 'select', other, exchange);
    await expectNoEffect({ net, tap }, { db: bppDb }, expected, attack);
    expect(buyer.heard('select', of).error).to.equal(undefined);
    expectAck(await buyerParty.send(bpp, 'select', other, { transactionId: net.context.ids.uuid() }), 'its own id');
  });

  it('TXN-05 one order confirmed a hundred times at once: each device is commanded once', async () => {
    const of = await buyer.reach(buyer.purchase(3), 'select', 'init');
    await Promise.all(Array.from({ length: 100 }, () => buyer.send('confirm', of)));
    await net.settle();
    expect(buyer.heard('confirm', of).error).to.equal(undefined);
    const counts = await commandsPerDevice(of);
    expect(counts).to.not.have.length(0);
    expect(Math.max(...counts)).to.equal(1);
  });

  it('TXN-05 a hundred selects at once for the same capacity: nothing is sold twice', async function () {
    thorough.call(this);
    const startMs = net.context.grid.nowMs() + 120 * MINUTE_MS;
    const window = { startMs, endMs: startMs + 30 * MINUTE_MS };
    const wanted = Array.from({ length: 100 }, () => buyer.purchase(10, window));
    await Promise.all(wanted.map((one) => buyer.send('select', one)));
    await net.settle();
    const quoted = wanted.filter((one) => buyer.heard('select', one).error === undefined);
    const refusals = wanted.flatMap((one) => buyer.heard('select', one).error?.code ?? []);
    expect(quoted.length, 'some got some').to.be.greaterThan(0);
    expect(new Set(refusals), 'the others got none').to.deep.equal(new Set(['40002']));

    const { capacityKw, devices } = await capacity(window.startMs);
    const totalKw = quoted.reduce((sum, { quote }) => sum + quote!.totalKw, 0);
    expect(totalKw).to.be.at.most(capacityKw);
    expect(devices.length, 'no device is held twice').to.equal(new Set(devices).size);

    for (const step of ['init', 'confirm'] as const) {
      await Promise.all(quoted.map((one) => buyer.send(step, one)));
      await net.settle();
      for (const one of quoted) expect(buyer.heard(step, one).error).to.equal(undefined);
    }
    const commanded = (await Promise.all(quoted.map(commandedDevices))).flat();
    expect(commanded.length).to.be.greaterThan(0);
    expect(commanded.length, 'no device is commanded twice').to.equal(new Set(commanded).size);
  });

  async function commandedDevices({ transactionId }: Purchase): Promise<string[]> {
    const rows = await bppDb
      .selectFrom('command')
      .innerJoin('flex_order', 'flex_order.order_no', 'command.order_no')
      .select('der_id')
      .where('transaction_id', '=', transactionId)
      .where('command_type', '<>', 'RELEASE')
      .execute();
    return rows.map(({ der_id }) => der_id);
  }

  async function commandsPerDevice(of: Purchase): Promise<number[]> {
    const counts = new Map<string, number>();
    for (const derId of await commandedDevices(of)) counts.set(derId, (counts.get(derId) ?? 0) + 1);
    return [...counts.values()];
  }

  /** What the devices held for a window said they can shed, and who they are, one entry a reservation. */
  async function capacity(startMs: number) {
    const { rows } = await sql<{ der_no: number; shed_kw: number }>`
        select r.der_no, r.shed_kw from reservation r join flex_order o on o.order_no = r.order_no
        where o.window_start_at = ${new Date(startMs)} and r.active`.execute(bppDb);
    const once = new Map(rows.map(({ der_no, shed_kw }) => [der_no, shed_kw]));
    return { capacityKw: [...once.values()].reduce((a, b) => a + b, 0), devices: rows.map(({ der_no }) => der_no) };
  }
});
