import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { Programmes } from '../enrolment/programmes.ts';
import { LIMITS } from '../limits.ts';
import { AGGREGATOR_MIGRATIONS } from '../migrations.ts';
import type { AggregatorTables } from '../tables.ts';
import { portfolioOf } from '../testing/portfolio.ts';
import { Fleet } from './fleet.ts';
import { Refresh } from './refresh.ts';
import { enterPortfolio } from './store.ts';

const NOW_MS = Date.parse('2026-01-15T16:00:00Z');
const [DER] = portfolioOf(1);

describe('what other processes heard of devices', () => {
  let engine: DatabaseEngine;
  let database: Kysely<AggregatorTables>;
  let fleet: Fleet;
  let refresh: Refresh;
  let peers: { alone: boolean; met: number };
  let wallMs = 0;

  before(async () => {
    engine = await openPglite({ location: 'memory', ...testDeps() });
    database = await engine.open('agg.example', { ...participantMigrations, ...AGGREGATOR_MIGRATIONS });
  });
  after(() => engine?.close());
  beforeEach(async () => {
    await sql`delete from der_reading`.execute(database);
    fleet = new Fleet();
    await enterPortfolio(database, fleet, [DER!], { at: new Date(NOW_MS), wallAt: new Date(NOW_MS) });
    peers = { alone: true, met: 0 };
    const context = { wall: { monotonicMs: () => wallMs }, grid: { nowMs: () => NOW_MS } };
    refresh = new Refresh(
      () =>
        ({
          process: { shared: true },
          context,
          fleet,
          peers,
          database,
          programmes: new Programmes(),
        }) as unknown as Rooms,
    );
  });

  const heardElsewhere = async (kw: number) => {
    await sql`insert into der_reading (der_no, read_at, power_kw, import_kwh, export_kwh, available_down_kw)
      select der_no, ${new Date(NOW_MS - 60_000 + kw)}, ${kw}, 0, 0, 0 from der`.execute(database);
    wallMs += LIMITS.refreshMs;
  };
  const known = async () => {
    await refresh.feeder(database, DER!.feederId);
    return fleet.get(DER!.derId)?.live.powerKw;
  };

  it('is read before each use while there are others', async () => {
    peers.alone = false;
    for (const kw of [1, 2]) {
      await heardElsewhere(kw);
      expect(await known()).to.equal(kw);
    }
  });

  it('is read once by a process that is alone, and again when it has met others since', async () => {
    await heardElsewhere(1);
    expect(await known()).to.equal(1);
    await heardElsewhere(2);
    expect(await known()).to.equal(1);
    peers.met++;
    expect(await known()).to.equal(2);
  });

  it('is read ahead of any use by a process that is alone', async () => {
    await heardElsewhere(1);
    await refresh.rest();
    expect(fleet.get(DER!.derId)?.live.powerKw).to.equal(1);
  });
});
