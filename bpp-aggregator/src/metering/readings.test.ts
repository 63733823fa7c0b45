import { Activity } from '@flexder/runtime/activity.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { recordingLogger, testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { AGGREGATOR_MIGRATIONS } from '../migrations.ts';
import { Fleet } from '../portfolio/fleet.ts';
import { enterPortfolio } from '../portfolio/store.ts';
import type { AggregatorTables } from '../tables.ts';
import { portfolioOf } from '../testing/portfolio.ts';
import { Readings } from './readings.ts';

const NOW_MS = Date.parse('2026-01-15T16:00:00Z');
const MINUTE_MS = 60_000;
const DERS = portfolioOf(3);

describe('telemetry on its way into the database', () => {
  let engine: DatabaseEngine;
  let database: Kysely<AggregatorTables>;

  before(async () => {
    engine = await openPglite({ location: 'memory', ...testDeps() });
    database = await engine.open('agg.example', { ...participantMigrations, ...AGGREGATOR_MIGRATIONS });
  });
  after(() => engine?.close());
  beforeEach(async () => {
    await sql`delete from der_reading`.execute(database);
  });

  /** A process that has heard nothing yet; `hear` gives it a reading of each device and waits until it is written. */
  async function process() {
    const fleet = new Fleet();
    await enterPortfolio(database, fleet, DERS, { at: new Date(NOW_MS), wallAt: new Date(NOW_MS) });
    const activity = new Activity();
    const log = recordingLogger();
    const context = { activity, log, grid: { nowMs: () => NOW_MS }, metrics: createMetrics('aggregator') };
    const readings = new Readings(() => ({ context, fleet, database }) as unknown as Rooms);
    return {
      log,
      async hear(atMs: number, powerKw: number, ders = DERS) {
        for (const { derId } of ders) {
          const of = { v: 1 as const, der_id: derId, ts: new Date(atMs).toISOString(), seq: 1 };
          const powers = { power_kw: powerKw, available_down_kw: powerKw, import_kwh: 1, export_kwh: 0 };
          const refused = readings.receive({ ...of, ...powers, mode: 'NORMAL', quality: 'GOOD' }, fleet.get(derId)!);
          expect(refused).to.equal(undefined);
        }
        await activity.idle();
      },
    };
  }
  const stored = async () => {
    const { rows } = await sql<{ at: Date; kw: number; n: number }>`
      select read_at as at, power_kw as kw, count(*)::int as n from der_reading group by 1, 2 order by 1, 2`.execute(
      database,
    );
    return rows.map(({ at, kw, n }) => [(at.getTime() - NOW_MS) / MINUTE_MS, kw, n]);
  };

  it('is stored, a row each', async () => {
    const one = await process();
    await one.hear(NOW_MS - MINUTE_MS, 2);
    await one.hear(NOW_MS, 1);
    expect(await stored()).to.deep.equal([
      [-1, 2, 3],
      [0, 1, 3],
    ]);
    expect(one.log.lines).to.deep.equal([]);
  });

  it('stays as another process stored it, and loses nothing that comes with it or later', async () => {
    const [one, other] = [await process(), await process()];
    await one.hear(NOW_MS - MINUTE_MS, 2, DERS.slice(1, 2));
    await other.hear(NOW_MS - MINUTE_MS, 1);
    expect(await stored()).to.deep.equal([
      [-1, 1, 2],
      [-1, 2, 1],
    ]);
    await one.hear(NOW_MS, 2, DERS.slice(0, 1));
    await other.hear(NOW_MS, 1);
    expect((await stored()).slice(2)).to.deep.equal([
      [0, 1, 2],
      [0, 2, 1],
    ]);
    expect([...one.log.lines, ...other.log.lines]).to.deep.equal([]);
  });
});
