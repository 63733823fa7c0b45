import type { Statement } from '@flexder/bpp-aggregator/enrolment/statement.ts';
import type { Overview } from '@flexder/bpp-aggregator/view/routes.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { activation, OLGA, ordersOf, pence, propose, toTheEnd } from '../harness/activation.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

describe('orders under way, by hand', function () {
  this.timeout(120_000);

  it('cancels an order by hand, and buys what is still needed elsewhere', async function () {
    thorough.call(this);
    await using net = await TestNetwork.create({ ders: 60, bap: { operators: [OLGA] } });
    await activation(net, 1.15);
    const running = (await ordersOf(net)).find(({ state }) => state === 'IN_PROGRESS')!;
    const wanted = { kind: 'cancel-order', obp_id: running.obpId, reason: 'a crew works on the line' };
    const confirm = await propose(net, wanted);
    expect((await ordersOf(net)).find(({ obpId }) => obpId === running.obpId)?.state).to.equal('IN_PROGRESS');
    const { state } = await confirm();
    expect(state).to.be.oneOf(['CANCELLING', 'CANCELLED']);
    await net.settle();

    const orders = await ordersOf(net);
    const cancelled = orders.find(({ obpId }) => obpId === running.obpId)!;
    expect(cancelled).to.include({ state: 'CANCELLED' });
    expect(cancelled.reason).to.include('a crew works on the line');
    const replaced = orders.filter(({ obpId, topUp }) => obpId !== running.obpId && topUp);
    expect(replaced, 'bought elsewhere').to.not.deep.equal([]);
    const db = await openTables.aggregator(net, running.bppId);
    const held = await db
      .selectFrom('reservation')
      .innerJoin('flex_order', 'flex_order.order_no', 'reservation.order_no')
      .select('der_no')
      .where('active', '=', true)
      .where('transaction_id', '=', running.transactionId)
      .execute();
    expect(held, 'its devices are free').to.deep.equal([]);
    await net.api('/api/v1/summary');
    const { records } = await net.api<{ records: Record<string, string>[] }>(`/api/v1/audit?obp_id=${running.obpId}`);
    const [byHand] = records.filter(({ event_type }) => event_type === 'operator.cancelled');
    expect(byHand).to.include({ actor_id: 'olga', actor_role: 'OPERATOR' });
    expect(byHand!.decision).to.include('a crew works on the line');
  });

  it('changes an order by hand: the devices that are not needed are free, and both sides hold the same', async function () {
    thorough.call(this);
    const operatorToken = 'token-of-an-aggregator';
    await using net = await TestNetwork.create({
      ...{ ders: 60, historyDays: 8, bap: { operators: [OLGA] }, aggregator: () => ({ operatorToken }) },
    });
    await activation(net, 1.15);
    const running = (await ordersOf(net)).find(({ state }) => state === 'IN_PROGRESS')!;
    const kw = Math.round(running.promisedKw / 2);
    const wanted = { kind: 'change-kw', obp_id: running.obpId, kw: String(kw), reason: 'half will do' };
    await (await propose(net, wanted))();
    await net.settle();

    const changed = (await ordersOf(net)).find(({ obpId }) => obpId === running.obpId)!;
    expect(changed).to.include({ state: 'IN_PROGRESS', promisedKw: kw, revision: 1 });
    const db = await openTables.aggregator(net, running.bppId);
    const theirs = await db
      .selectFrom('flex_order')
      .select(['order_no', 'committed_kw', 'revision'])
      .where('transaction_id', '=', running.transactionId)
      .executeTakeFirstOrThrow();
    expect(theirs).to.include({ committed_kw: kw, revision: 1 });
    const types = await db
      .selectFrom('command')
      .select('command_type')
      .where('order_no', '=', theirs.order_no)
      .execute();
    const released = types.filter(({ command_type }) => command_type === 'RELEASE').length;
    expect(released)
      .to.be.above(0)
      .and.below(types.length - released);
    await net.api('/api/v1/summary');
    const { records } = await net.api<{ records: Record<string, string>[] }>(`/api/v1/audit?obp_id=${running.obpId}`);
    const told = records.map(({ event_type }) => event_type);
    expect(told).to.include.members(['order.change-asked', 'order.change-agreed']);

    await toTheEnd(net);
    const { body } = await net.api<{ body: { rows: Record<string, string>[] } }>('/api/v1/settlement.json');
    const own = body.rows.filter(({ lead_party_id }) => lead_party_id === running.bppId);
    const settledPence = own.reduce((sum, row) => sum + pence(row.utilisation_payment_gbp), 0);
    expect(settledPence).to.be.above(0);
    const { url } = net.aggregators.find(({ name }) => name === running.bppId)!;
    const headers = { authorization: `Bearer ${operatorToken}` };
    const read = async <T>(path: string) => (await (await fetch(`${url}${path}`, { headers })).json()) as T;
    const page = await read<Overview>('/api/v1/view/overview');
    expect(page.earnings.reduce((sum, { paid_gbp }) => sum + pence(paid_gbp), 0)).to.equal(settledPence);
    const ofOrder = own.filter(({ obp_id }) => obp_id === running.obpId);
    const [shown] = page.orders.filter(({ orderId }) => orderId === running.orderId);
    expect(pence(shown?.paidGbp)).to.equal(ofOrder.reduce((sum, row) => sum + pence(row.utilisation_payment_gbp), 0));
    const month = page.earnings[0]!.date.slice(0, 7);
    const { totals } = await read<Statement>(`/api/v1/enrolment/statements/${month}`);
    expect(pence(totals.paid_gbp)).to.equal(settledPence);
  });
});
