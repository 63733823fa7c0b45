import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import type { Rooms } from './context.ts';
import { AGGREGATOR_MIGRATIONS } from './migrations.ts';
import { Peers } from './peers.ts';
import type { AggregatorTables } from './tables.ts';

describe('processes of one aggregator', () => {
  let engine: DatabaseEngine;
  let database: Kysely<AggregatorTables>;
  before(async () => {
    engine = await openPglite({ location: 'memory', ...testDeps() });
    database = await engine.open('agg.example', { ...participantMigrations, ...AGGREGATOR_MIGRATIONS });
  });
  afterEach(() => sql`delete from process`.execute(database));
  after(() => engine?.close());

  const peers = (id: string) => new Peers(() => ({ database, process: { id } }) as unknown as Rooms);
  const silentFor = (id: string, seconds: number) =>
    sql`update process set seen_at = clock_timestamp() - ${seconds} * interval '1 s' where process_id = ${id}`.execute(
      database,
    );

  it('take others to be there until they have looked', async () => {
    const one = peers('one');
    expect(one.alone).to.equal(false);
    await one.look();
    expect(one.alone).to.equal(true);
  });

  it('know of each other, until one leaves', async () => {
    const [one, two] = [peers('one'), peers('two')];
    for (const each of [one, two, one]) await each.look();
    expect([one.alone, two.alone]).to.deep.equal([false, false]);
    expect([one.met, two.met]).to.deep.equal([1, 1]);
    await two.leave();
    await one.look();
    expect(one.alone).to.equal(true);
    expect(one.met).to.equal(1);
  });

  it('forget who has been silent, and hear of it again', async () => {
    const [one, two] = [peers('one'), peers('two')];
    for (const each of [one, two]) await each.look();
    await silentFor('two', 4);
    await one.look();
    expect(one.alone).to.equal(false);
    await silentFor('two', 6);
    await one.look();
    expect(one.alone).to.equal(true);
    await two.look();
    await one.look();
    expect(one.alone).to.equal(false);
    await silentFor('two', 61);
    await one.look();
    expect(await database.selectFrom('process').select('process_id').execute()).to.deep.equal([{ process_id: 'one' }]);
  });
});
