import { verifyAudit } from '@flexder/bap-dso/audit-settlement/audit/verify.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { activation, minutes, ordersOf, pence, type Summary, toTheEnd } from '../harness/activation.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

async function textOf(net: TestNetwork, path: string): Promise<string> {
  const response = await fetch(new URL(path, net.bap.url));
  expect(response.status, path).to.equal(200);
  return response.text();
}

/** What an aggregator tells its consumers of a month. */
async function statementOf(url: string, token: string, month: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(new URL(`/api/v1/enrolment/statements/${month}`, url), { headers });
  expect(response.status).to.equal(200);
  return (await response.json()) as { totals: Record<'paid_gbp' | 'earned_gbp' | 'kept_gbp', string> };
}

/** Those that were sent and those that came, from the bytes that are stored of them. */
async function everyMessageVerifies(net: TestNetwork, eventId: string): Promise<void> {
  const path = `/api/v1/events/${eventId}/messages?limit=500`;
  const { messages } = await net.api<{ messages: { seq: number; direction: string }[] }>(path);
  expect(new Set(messages.map(({ direction }) => direction))).to.deep.equal(new Set(['in', 'out']));
  for (const { seq } of messages) {
    const { verdict, ...why } = await net.api<{ verdict: string }>(`/api/v1/messages/${seq}/verify`);
    expect(verdict, JSON.stringify(why)).to.equal('verified');
  }
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
    await everyMessageVerifies(net, overload!.eventId);
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
});
