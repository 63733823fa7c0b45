import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { openPostgres } from '@flexder/runtime/engines/database/postgres.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { recordingLogger } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { AGGREGATOR_MIGRATIONS } from '../migrations.ts';
import type { AggregatorTables } from '../tables.ts';
import { portfolioOf } from '../testing/portfolio.ts';
import { Fleet } from './fleet.ts';
import { enterPortfolio } from './store.ts';

/** Well within the time after which the server looks for a deadlock. */
const MEANWHILE_MS = 300;
const ENTERED = { at: new Date(0), wallAt: new Date(0) };

describe('a portfolio that several processes enter', function () {
  this.timeout(60_000);
  let server: PostgresServer;
  let engine: DatabaseEngine;
  let db: Kysely<AggregatorTables>;
  const wall = systemWallClock();

  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
    engine = await openPostgres({ url: await server.createDatabase(), wall, log: recordingLogger() });
    db = await engine.open<AggregatorTables>('agg-1', { ...participantMigrations, ...AGGREGATOR_MIGRATIONS });
  });
  after(async () => {
    await engine?.close();
    await server?.stop();
  });

  it('is entered although the database ends the entry for the sake of an order', async () => {
    const ders = portfolioOf(2);
    await enterPortfolio(db, new Fleet(), ders, ENTERED);
    const [first, last] = ders.map(({ derId }) => derId);
    const next = (trx: Kysely<AggregatorTables>, derId = '') =>
      trx
        .updateTable('der')
        .set(({ eb }) => ({ sequence: eb('sequence', '+', 1) }))
        .where('der_id', '=', derId)
        .execute();
    const fleet = new Fleet();
    let entering: Promise<void> | undefined;
    // The order has the last device and wants the first; the entry has the first and wants the last.
    await db.transaction().execute(async (trx) => {
      await next(trx, last);
      entering = enterPortfolio(db, fleet, ders, ENTERED);
      entering.catch(() => {});
      await wall.sleep(MEANWHILE_MS);
      await next(trx, first);
    });
    await entering;
    expect(fleet.size).to.equal(2);
    // The server counts them some time later.
    const seen = () => server.admin('select from pg_stat_database where deadlocks > 0');
    for (let i = 0; (await seen()).length === 0; i++) {
      if (i === 100) throw new Error('the database saw no deadlock: the test brings none about');
      await wall.sleep(50);
    }
  });
});
