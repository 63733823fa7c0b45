import { verifyAudit } from '@flexder/bap-dso/audit-settlement/verify.ts';
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { startHungBpp } from '@flexder/sandbox/network/hung-bpp.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { openDoor } from '../harness/door.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

const MINUTE_MS = 60_000;

interface Order {
  readonly obpId: string;
  readonly orderId: string;
  readonly bppId: string;
  readonly transactionId: string;
  readonly topUp: boolean;
  readonly state: string;
  readonly reason: string | null;
  readonly requestedKw: number;
  readonly promisedKw: number;
  readonly devices: { commands: number; accepted: number; rejected: number; optedOut: number; silent: number } | null;
}

interface Summary {
  readonly overloads: {
    state: string;
    peakDuringKw: number;
    limitKw: number;
    requestedKw: number;
    committedKw: number;
  }[];
  readonly commands: number;
  readonly acks: Record<string, number>;
  readonly settlement: { rows: number; totalMwh: string; paymentGbp: string };
  readonly audit: { records: number; verified: boolean };
}

const ordersOf = async (net: TestNetwork) => (await net.api<{ orders: Order[] }>('/api/v1/orders')).orders;

async function minutes(net: TestNetwork, count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) await net.advance(MINUTE_MS);
}

/** The load goes back to normal and every window ends. */
async function toTheEnd(net: TestNetwork): Promise<void> {
  net.feeder.relax();
  for (let i = 0; i < 24; i++) await net.advance(5 * MINUTE_MS);
}

/** The feeder is pushed over its limit for a minute, and the relief is bought. */
async function activation(net: TestNetwork, shareOfLimit?: number): Promise<void> {
  await minutes(net, 2);
  net.feeder.push(shareOfLimit);
  await minutes(net, 1);
  net.feeder.relax();
}

async function textOf(net: TestNetwork, path: string): Promise<string> {
  const response = await fetch(new URL(path, net.bap.url));
  expect(response.status, path).to.equal(200);
  return response.text();
}

const pence = (pounds = '') => Math.round(Number(pounds) * 100);

/** What an aggregator tells its consumers of a month. */
async function statementOf(url: string, token: string, month: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(new URL(`/api/v1/enrolment/statements/${month}`, url), { headers });
  expect(response.status).to.equal(200);
  return (await response.json()) as { totals: Record<'paid_gbp' | 'earned_gbp' | 'kept_gbp', string> };
}

describe('one activation through the whole network', function () {
  this.timeout(120_000);

  it('is bought from both aggregators, dispatched, verified, released, sealed and settled', async () => {
    await using net = await TestNetwork.create({ ders: 60 });
    await minutes(net, 2);
    net.feeder.push(1.3);
    await minutes(net, 1);
    const aboveKw = net.fleet.feederKw.get('feeder-1')!;
    // The other customers go on as they are: what falls is what the devices shed.
    await minutes(net, 5);
    const [relieved] = (await net.api<Summary>('/api/v1/summary')).overloads;
    expect(aboveKw).to.be.above(relieved!.limitKw);
    expect(relieved!.state).to.equal('RELIEVED');
    expect(aboveKw - net.fleet.feederKw.get('feeder-1')!).to.be.at.least(relieved!.requestedKw);
    await toTheEnd(net);

    const orders = await ordersOf(net);
    expect(new Set(orders.map(({ bppId }) => bppId))).to.deep.equal(new Set(['aggregator-1', 'aggregator-2']));
    expect(new Set(orders.map(({ state }) => state))).to.deep.equal(new Set(['COMPLETED']));
    const summary = await net.api<Summary>('/api/v1/summary');
    const [overload] = summary.overloads;
    expect(overload!.state).to.equal('RELEASED');
    expect(overload!.committedKw).to.be.at.least(overload!.requestedKw);
    expect(overload!.peakDuringKw).to.be.below(overload!.limitKw);
    expect(summary.commands).to.equal(net.fleet.counts.commandsReceived);
    const { accepted, rejected, optedOut, silent } = summary.acks as Record<string, number>;
    expect(accepted! + rejected! + optedOut! + silent!).to.equal(summary.commands);

    expect(summary.audit.verified).to.equal(true);
    const { records } = await net.api<{ records: { beckn_action?: string; obp_id?: string }[] }>(
      '/api/v1/audit?limit=500',
    );
    const actionsOf = (of: typeof records) => [...new Set(of.flatMap(({ beckn_action }) => beckn_action ?? []))];
    expect(actionsOf(records)).to.include.members(['search', 'on_search']);
    for (const { obpId } of orders) {
      const trail = actionsOf(records.filter(({ obp_id }) => obp_id === obpId));
      expect(trail, obpId).to.include.members(['select', 'init', 'confirm']);
    }
    expect(actionsOf(records)).to.include.members(['on_select', 'on_init', 'on_confirm', 'on_status']);
  });

  it('is settled to the same figures as JSON, as CSV, in the summary and to the consumers', async function () {
    thorough.call(this);
    const operatorToken = 'token-of-an-aggregator';
    await using net = await TestNetwork.create({ ders: 24, historyDays: 8, aggregator: () => ({ operatorToken }) });
    await activation(net);
    await toTheEnd(net);
    const { settlement } = await net.api<Summary>('/api/v1/summary');
    const { body } = JSON.parse(await textOf(net, '/api/v1/settlement.json')) as {
      body: { rows: Record<string, string>[]; control: Record<string, string | number> };
    };
    expect(body.rows.length).to.equal(settlement.rows).and.to.be.greaterThan(0);
    const sum = (column: string, scale: number) =>
      body.rows.reduce((total, row) => total + Math.round(Number(row[column]) * scale), 0) / scale;
    expect(sum('utilisation_payment_gbp', 100))
      .to.equal(Number(settlement.paymentGbp))
      .and.to.equal(Number(body.control.utilisation_payment_gbp))
      .and.to.be.greaterThan(0);
    expect(sum('payable_mwh', 1e6)).to.equal(Number(settlement.totalMwh)).and.to.be.greaterThan(0);

    let earnedPence = 0;
    for (const aggregator of net.aggregators) {
      const { totals } = await statementOf(
        aggregator.url,
        operatorToken,
        String(body.rows[0]?.settlement_date).slice(0, 7),
      );
      const own = body.rows.filter((row) => row.lead_party_id === aggregator.name);
      const paid = own.reduce((total, row) => total + Math.round(Number(row.utilisation_payment_gbp) * 100), 0);
      expect(pence(totals.paid_gbp), aggregator.name).to.equal(paid);
      expect(pence(totals.earned_gbp) + pence(totals.kept_gbp)).to.equal(paid);
      earnedPence += pence(totals.earned_gbp);
    }
    expect(earnedPence).to.be.greaterThan(0);

    const [header, ...lines] = (await textOf(net, '/api/v1/settlement.csv')).trimEnd().split('\r\n');
    const columns = header!.split(',');
    expect(columns).to.deep.equal(Object.keys(body.rows[0]!));
    const shown = (value: unknown) => (value === null || value === undefined ? '' : String(value));
    expect(lines).to.deep.equal(body.rows.map((row) => columns.map((column) => shown(row[column])).join(',')));
  });

  it('holds no device twice and no capacity that is not there, also when it is topped up', async function () {
    thorough.call(this);
    await using net = await TestNetwork.create({ ders: 60 });
    await minutes(net, 2);
    net.feeder.push(1.2);
    await minutes(net, 5);
    net.feeder.push(1.4);
    await minutes(net, 3);
    const orders = await ordersOf(net);
    expect(orders.filter(({ bppId }) => bppId === 'aggregator-2')).to.have.length.above(1);
    let held = 0;
    for (const { subscriberId } of net.scenario.aggregators) {
      const db = await openTables.aggregator(net, subscriberId);
      const rows = await db
        .selectFrom('reservation')
        .innerJoin('der', 'der.der_no', 'reservation.der_no')
        .innerJoin('flex_order', 'flex_order.order_no', 'reservation.order_no')
        .select(['der.der_id', 'der.rated_kw', 'reservation.shed_kw', 'flex_order.order_id'])
        .select(['flex_order.committed_kw', 'reservation.expected_kw'])
        .where('reservation.active', '=', true)
        .execute();
      held += rows.length;
      // All windows here overlap, so a device may be in one order only.
      expect(new Set(rows.map(({ der_id }) => der_id)).size, subscriberId).to.equal(rows.length);
      for (const { der_id, shed_kw, rated_kw } of rows) {
        // A battery that charges can stop and discharge.
        expect(shed_kw, der_id)
          .to.be.above(0)
          .and.at.most(rated_kw * 2);
      }
      for (const { orderId, promisedKw } of orders.filter(({ bppId }) => bppId === subscriberId)) {
        const behind = rows.filter(({ order_id }) => order_id === orderId);
        const shedKw = behind.reduce((total, { shed_kw }) => total + shed_kw, 0);
        expect(shedKw, `${subscriberId} ${orderId}`).to.be.at.least(promisedKw);
      }
    }
    expect(held).to.equal(net.fleet.counts.commandsReceived).and.to.be.at.most(60);
  });

  it('names the first record that was altered', async function () {
    thorough.call(this);
    await using net = await TestNetwork.create({ ders: 12 });
    await activation(net);
    const db = (await openTables.dso(net)) as unknown as Kysely<ParticipantTables>;
    expect((await verifyAudit(db)).valid).to.equal(true);
    // The table refuses changes; who owns the database can still make them, and that is what the chain is for.
    const refused = await sql`update audit_record set record = record || '{"decision":"nothing"}' where seq = 5`
      .execute(db)
      .then(
        () => 'changed',
        (error: Error) => error.message,
      );
    expect(refused).to.contain('append-only');
    await sql`alter table audit_record disable trigger all`.execute(db);
    await sql`update audit_record set record = record || '{"decision":"nothing"}' where seq in (5, 7)`.execute(db);
    expect(await verifyAudit(db)).to.include({ valid: false, seq: 5, reason: 'hash' });
  });

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

  it('cancels an order by hand, and buys what is still needed elsewhere', async function () {
    thorough.call(this);
    const token = 'the-token-of-olga';
    const operators = [{ name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(token) }];
    await using net = await TestNetwork.create({ ders: 60, bap: { operators } });
    await activation(net, 1.15);
    const running = (await ordersOf(net)).find(({ state }) => state === 'IN_PROGRESS')!;
    const act = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const answer = await fetch(`${net.bap.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await answer.json()) as Record<string, string>;
    };
    const wanted = { kind: 'cancel-order', obp_id: running.obpId, reason: 'a crew works on the line' };
    const { actionId, confirmToken } = await act('/api/v1/actions', wanted);
    expect((await ordersOf(net)).find(({ obpId }) => obpId === running.obpId)?.state).to.equal('IN_PROGRESS');
    const { state } = await act(`/api/v1/actions/${actionId}/confirm`, { token: confirmToken });
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
    const token = 'the-token-of-olga';
    const operators = [{ name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(token) }];
    await using net = await TestNetwork.create({ ders: 60, bap: { operators } });
    await activation(net, 1.15);
    const running = (await ordersOf(net)).find(({ state }) => state === 'IN_PROGRESS')!;
    const act = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const answer = await fetch(`${net.bap.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await answer.json()) as Record<string, string>;
    };
    const kw = Math.round(running.promisedKw / 2);
    const wanted = { kind: 'change-kw', obp_id: running.obpId, kw: String(kw), reason: 'half will do' };
    const { actionId, confirmToken } = await act('/api/v1/actions', wanted);
    await act(`/api/v1/actions/${actionId}/confirm`, { token: confirmToken });
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
  });

  it('withdraws an order whose confirmation is lost, lets its devices go, and buys the relief elsewhere', async () => {
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
