import { verifyAudit } from '@flexder/bap-dso/audit-settlement/verify.ts';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import { startHungBpp } from '@flexder/sandbox/network/hung-bpp.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { TestNetwork } from '../harness/network.ts';

const MINUTE_MS = 60_000;

interface Order {
  readonly obpId: string;
  readonly bppId: string;
  readonly state: string;
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
  readonly settlement: { rows: number; paymentGbp: string };
  readonly audit: { records: number; verified: boolean };
}

const ordersOf = async (net: TestNetwork) => (await net.api<{ orders: Order[] }>('/api/v1/orders')).orders;

/** The feeder is pushed over its limit for a minute; the event is bought, and with `toTheEnd` runs out. */
async function activation(net: TestNetwork, toTheEnd = true): Promise<void> {
  for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
  net.feeder.push();
  await net.advance(MINUTE_MS);
  net.feeder.relax();
  if (toTheEnd) for (let i = 0; i < 24; i++) await net.advance(5 * MINUTE_MS);
}

describe('one activation through the whole network', function () {
  this.timeout(120_000);

  it('is bought, dispatched, verified, released, sealed and settled', async () => {
    await using net = await TestNetwork.create({ ders: 40 });
    await activation(net);
    const orders = await ordersOf(net);
    expect(orders.length).to.be.greaterThan(0);
    expect(new Set(orders.map(({ state }) => state))).to.deep.equal(new Set(['COMPLETED']));
    const summary = await net.api<Summary>('/api/v1/summary');
    const [overload] = summary.overloads;
    expect(overload!.state).to.equal('RELEASED');
    expect(overload!.committedKw).to.be.at.least(overload!.requestedKw);
    expect(overload!.peakDuringKw).to.be.below(overload!.limitKw);
    const { accepted, rejected, optedOut, silent } = summary.acks as Record<string, number>;
    expect(accepted! + rejected! + optedOut! + silent!).to.equal(summary.commands);

    const { records } = await net.api<{ records: { beckn_action?: string; event_type: string }[] }>(
      '/api/v1/audit?limit=500',
    );
    const actions = new Set(records.flatMap(({ beckn_action }) => beckn_action ?? []));
    for (const action of ['search', 'select', 'init', 'confirm']) {
      expect([...actions], action).to.include.members([action, `on_${action}`]);
    }
    expect([...actions]).to.include('on_status');

    const report = await net.api<{
      body: { rows: { utilisation_payment_gbp: string }[]; control: Record<string, unknown> };
    }>('/api/v1/settlement.json');
    const pence = report.body.rows.reduce((sum, row) => sum + Math.round(Number(row.utilisation_payment_gbp) * 100), 0);
    expect(report.body.rows.length).to.equal(summary.settlement.rows).and.to.be.greaterThan(0);
    expect(pence)
      .to.equal(Math.round(Number(summary.settlement.paymentGbp) * 100))
      .and.to.be.greaterThan(0);
  });

  it('names the first record that was altered', async () => {
    await using net = await TestNetwork.create({ ders: 12 });
    await activation(net, false);
    const db = (await net.context.engines.database.open<ParticipantTables>(DSO_ID, {
      ...participantMigrations,
      ...migrations,
    })) as Kysely<ParticipantTables>;
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

  it('goes on with the others while one BPP accepts every message and answers none', async () => {
    await using net = await TestNetwork.create({ ders: 40 });
    const hung = await startHungBpp(net, 'hung-bpp-1');
    try {
      await activation(net, false);
      const orders = await ordersOf(net);
      expect(hung.taken).to.be.greaterThan(0);
      expect(orders.length).to.be.greaterThan(0);
      expect(orders.map(({ bppId }) => bppId)).not.to.include('hung-bpp-1');
      expect(new Set(orders.map(({ state }) => state))).to.deep.equal(new Set(['IN_PROGRESS']));
    } finally {
      await hung.close();
    }
  });

  it('plans again what one aggregator is not firm on', async () => {
    await using net = await TestNetwork.create({
      ders: 40,
      aggregator: (_, index) => (index === 1 ? { quoteShare: 0.5 } : {}),
    });
    await activation(net, false);
    const orders = await ordersOf(net);
    const short = orders.filter(
      ({ bppId, promisedKw, requestedKw }) => bppId === 'aggregator-2' && promisedKw < requestedKw,
    );
    expect(short).to.have.length(1);
    const { overloads } = await net.api<Summary>('/api/v1/summary');
    expect(overloads[0]!.committedKw).to.be.at.least(overloads[0]!.requestedKw);
  });
});
