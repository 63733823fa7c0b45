import type { Summary } from '@flexder/bap-dso/operator-api/summary.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { expect } from 'chai';
import { TestNetwork } from '../harness/network.ts';

const MINUTE_MS = 60_000;

describe('the whole network on a PostgreSQL server', function () {
  this.timeout(180_000);
  let server: PostgresServer;
  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
  });
  after(() => server?.stop());

  async function story(databaseUrl?: string) {
    await using net = await TestNetwork.create({ ders: 20, ...(databaseUrl && { databaseUrl }) });
    for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
    net.feeder.push(1.4);
    await net.advance(MINUTE_MS);
    net.feeder.relax();
    for (let i = 0; i < 25; i++) await net.advance(5 * MINUTE_MS);
    const { overloads, commands, acks, audit, settlement } = await net.api<Summary>('/api/v1/summary');
    const { kind } = net.context.engines.database;
    return {
      kind,
      verified: audit.verified,
      overloads: overloads.map(({ eventId: _, ...overload }) => overload),
      ...{ commands, acks, settlement },
    };
  }

  it('tells the same story as embedded, from the overload to the settlement, with its record whole', async () => {
    const { kind, ...served } = await story(await server.createDatabase());
    const { kind: other, ...embedded } = await story();
    expect([kind, other]).to.deep.equal(['postgres', 'pglite']);
    expect(served.verified).to.equal(true);
    expect(served.acks.accepted).to.be.above(0);
    expect(Number(served.settlement.paymentGbp)).to.be.above(0);
    expect(served.overloads.map(({ state }) => state)).to.deep.equal(['RELEASED']);
    expect(served).to.deep.equal(embedded);
  });
});
