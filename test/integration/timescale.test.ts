/** Telemetry in hypertables and in plain tables: the services read the same from both. */

import { FEEDER_READINGS } from '@flexder/bap-dso/grid-monitoring/telemetry/retention.ts';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import { recentLoad } from '@flexder/bap-dso/operator-api/stream/snapshot.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { writeHalfHours } from '@flexder/bpp-aggregator/metering/half-hours.ts';
import { registersAt } from '@flexder/bpp-aggregator/metering/registers.ts';
import { DER_READINGS, HALF_HOUR_ENERGIES } from '@flexder/bpp-aggregator/metering/series.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import { openPglite, type PgliteDatabase } from '@flexder/runtime/engines/database/pglite.ts';
import { keepSeries } from '@flexder/runtime/engines/database/time-series.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { openTimescale } from '@flexder/runtime/testing/timescale.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function filled(engine: PgliteDatabase) {
  const bpp = await engine.open<AggregatorTables>('agg.example', AGGREGATOR_MIGRATIONS);
  const bap = await engine.open<BapTables>('dso.example', migrations);
  await sql`
    insert into der (der_id, device_type, feeder_id, rated_kw, import_msid, consent_from, consent_until, essential)
    select 'ev-' || n, 'ev-charger', 'f', 7, n::text, '2026-01-01', '2027-01-01', false from generate_series(1, 5) n`.execute(
    bpp,
  );
  await sql`
    insert into der_reading (der_no, read_at, power_kw, import_kwh, export_kwh, available_down_kw)
    select d, t, d, extract(epoch from t - '2026-01-01'::timestamptz) / 3600 * d, 0, d
    from generate_series(1, 5) d, generate_series(${new Date(NOW_MS - 2 * DAY_MS)}::timestamptz, ${new Date(NOW_MS)}, '5 min') t`.execute(
    bpp,
  );
  const starts = Array.from({ length: 48 * 100 }, (_, index) => NOW_MS - index * (HOUR_MS / 2));
  await writeHalfHours(
    bpp,
    starts.map((startMs) => ({ derNo: 1, startMs, kwh: 1, quality: 'ESTIMATED' as const })),
  );
  await sql`
    insert into feeder_reading (feeder_id, read_at, power_kw, quality)
    select 'f', t, 100, 'GOOD' from generate_series(${new Date(NOW_MS - 100 * DAY_MS)}::timestamptz, ${new Date(NOW_MS)}, '30 min') t`.execute(
    bap,
  );
  return { bpp, bap };
}

/** What the services ask of their telemetry after a round of housekeeping, with rows that come late or better. */
async function answers({ bpp, bap }: { bpp: Kysely<AggregatorTables>; bap: Kysely<BapTables> }) {
  for (const series of [DER_READINGS, HALF_HOUR_ENERGIES]) await keepSeries(bpp, series, NOW_MS);
  await keepSeries(bap, FEEDER_READINGS, NOW_MS);
  const late = new Date(NOW_MS - 20 * HOUR_MS);
  const again = sql`
    insert into der_reading (der_no, read_at, power_kw, import_kwh, export_kwh, available_down_kw)
    values (1, ${late}, 99, 99, 0, 0), (1, ${new Date(late.getTime() + 1_000)}, 99, 600, 0, 0) on conflict do nothing`;
  await again.execute(bpp);
  await again.execute(bpp);
  const better = NOW_MS - 30 * DAY_MS;
  await writeHalfHours(bpp, [{ derNo: 1, startMs: better, kwh: 2, quality: 'GOOD' }]);
  await writeHalfHours(bpp, [{ derNo: 1, startMs: better, kwh: 3, quality: 'ESTIMATED' }]);
  const instants = [late.getTime(), late.getTime() + 90_000, NOW_MS - 7 * HOUR_MS];
  const registerOf = await registersAt(bpp, [1, 2, 3], instants);
  const energy = await sql`select kwh, quality from half_hour where start_at = ${new Date(better)}`.execute(bpp);
  return {
    registers: [1, 2, 3].map((derNo) => instants.map((atMs) => registerOf(derNo, atMs))),
    energy: energy.rows,
    load: await recentLoad(bap, NOW_MS),
    kept: await sql<{ n: number }>`
      select count(*) as n from der_reading where read_at >= ${new Date(NOW_MS - DER_READINGS.keptMs)}`.execute(bpp),
  };
}

const oldestMs = async (db: Kysely<never>, { table, time }: { table: string; time: string }) => {
  const { rows } = await sql<{ at: Date }>`select min(${sql.ref(time)}) as at from ${sql.table(table)}`.execute(db);
  return rows[0]!.at.getTime();
};

describe('telemetry', function () {
  this.timeout(120_000);
  let plain: PgliteDatabase;
  let timescale: PgliteDatabase;
  before(async function () {
    timescale = await openTimescale(this);
    plain = await openPglite({ location: 'memory', ...testDeps() });
  });
  after(async () => {
    await plain?.close();
    await timescale?.close();
  });

  it('is the same to the services in hypertables and in plain tables', async () => {
    const [hyper, tables] = [await filled(timescale), await filled(plain)];
    const [there, here] = [await answers(hyper), await answers(tables)];
    expect(here.energy).to.deep.equal([{ kwh: 2, quality: 'GOOD' }]);
    expect(here.load.f).to.have.length.above(0);
    expect(there).to.deep.equal(here);
    for (const [side, series] of [
      ['bpp', DER_READINGS],
      ['bpp', HALF_HOUR_ENERGIES],
      ['bap', FEEDER_READINGS],
    ] as const) {
      const oldest = NOW_MS - series.keptMs;
      expect(await oldestMs(tables[side] as never, series), series.table).to.be.at.least(oldest);
      // A chunk goes as a whole, once all of it is too old.
      expect(await oldestMs(hyper[side] as never, series), series.table).to.be.within(oldest - series.chunkMs, oldest);
    }
  });

  it('is compressed where it is old, in hypertables of its own subscriber', async () => {
    const { rows } = await sql<{ name: string; compressed: number; chunks: number }>`
      select hypertable_name::text as name, count(*) filter (where is_compressed) as compressed, count(*) as chunks
      from timescaledb_information.chunks group by 1 order by 1`.execute(
      await timescale.open<BapTables>('dso.example', migrations),
    );
    expect(rows.map(({ name }) => name)).to.deep.equal(['der_reading', 'feeder_reading', 'half_hour']);
    for (const { name, compressed, chunks } of rows) expect(compressed, name).to.be.within(1, chunks - 1);
  });
});
