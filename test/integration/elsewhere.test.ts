import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { startHungBpp } from '@flexder/sandbox/network/hung-bpp.ts';
import { expect } from 'chai';
import { activation, minutes, ordersOf, type Summary } from '../harness/activation.ts';
import { openDoor } from '../harness/door.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

describe('an aggregator that fails its order', function () {
  this.timeout(120_000);

  it('goes on with the others while one BPP accepts every message and answers none', async function () {
    thorough.call(this);
    await using net = await TestNetwork.create({ ders: 40 });
    const hung = await startHungBpp(net, 'hung-bpp-1');
    try {
      await activation(net);
      const orders = await ordersOf(net);
      expect(hung.taken).to.be.greaterThan(0);
      expect(orders.length).to.be.greaterThan(0);
      expect(orders.map(({ bppId }) => bppId)).not.to.include('hung-bpp-1');
      expect(new Set(orders.map(({ state }) => state))).to.deep.equal(new Set(['IN_PROGRESS']));
    } finally {
      await hung.close();
    }
  });

  it('plans again what one aggregator is not firm on', async function () {
    thorough.call(this);
    await using net = await TestNetwork.create({
      ders: 40,
      aggregator: (_, index) => (index === 1 ? { quoteShare: 0.5 } : {}),
    });
    await activation(net);
    const orders = await ordersOf(net);
    const short = orders.filter(
      ({ bppId, promisedKw, requestedKw }) => bppId === 'aggregator-2' && promisedKw < requestedKw,
    );
    expect(short).to.have.length(1);
    const { overloads } = await net.api<Summary>('/api/v1/summary');
    expect(overloads[0]!.committedKw).to.be.at.least(overloads[0]!.requestedKw);
  });

  it('withdraws an order whose confirmation is lost, lets its devices go, and buys the relief elsewhere', async function () {
    thorough.call(this);
    let transactionId: string | undefined;
    await using door = await openDoor(({ bpp_id, action, transaction_id }) => {
      if (bpp_id !== 'aggregator-2') return 'pass';
      if (action === 'on_confirm') transactionId ??= transaction_id;
      // Its reports would be as good as its confirmation.
      const telling = action === 'on_confirm' || action === 'on_status';
      return transaction_id === transactionId && telling ? 'lose' : 'pass';
    });
    await using net = await TestNetwork.create({ ders: 60, port: door.port, bap: { publicUrl: door.url } });
    await activation(net, 1.2);
    await minutes(net, 1);
    expect(door.meddled[0]?.action).to.equal('on_confirm');
    const orders = await ordersOf(net);
    expect(orders.map(({ bppId, state }) => `${bppId} ${state}`)).to.have.members([
      'aggregator-1 IN_PROGRESS',
      'aggregator-2 CANCELLED',
    ]);
    const [lost] = orders.filter(({ bppId }) => bppId === 'aggregator-2');
    expect(lost!.reason).to.contain('no answer within');
    const [overload] = (await net.api<Summary>('/api/v1/summary')).overloads;
    expect(overload!.committedKw).to.be.at.least(overload!.requestedKw);

    const db = await openTables.aggregator(net, 'aggregator-2');
    const [theirs] = await db.selectFrom('flex_order').select(['state', 'cancellation']).execute();
    expect(theirs).to.deep.include({ state: 'CANCELLED' });
    expect(theirs!.cancellation).to.include({ by: 'CONSUMER' });
    const given = await db.selectFrom('command').select(['der_id', 'command_type']).orderBy('sequence').execute();
    const commanded = given.filter(({ command_type }) => command_type !== 'RELEASE').map(({ der_id }) => der_id);
    const released = given.filter(({ command_type }) => command_type === 'RELEASE').map(({ der_id }) => der_id);
    expect(commanded).to.have.length.above(0);
    expect(released).to.have.members(commanded);
    const held = await db.selectFrom('reservation').select('der_no').where('active', '=', true).execute();
    expect(held).to.deep.equal([]);
  });
});
