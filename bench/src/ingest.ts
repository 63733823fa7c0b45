/** Telemetry rows a second through the aggregator's own path, beside what the database takes when it is only filled. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rooms } from '@flexder/bpp-aggregator/context.ts';
import { LIMITS } from '@flexder/bpp-aggregator/limits.ts';
import { Readings } from '@flexder/bpp-aggregator/metering/readings.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import { Fleet } from '@flexder/bpp-aggregator/portfolio/fleet.ts';
import { hear } from '@flexder/bpp-aggregator/portfolio/listener.ts';
import { enterPortfolio } from '@flexder/bpp-aggregator/portfolio/store.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import { derId, feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock, type WallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { deviceTopic } from '@flexder/runtime/engines/bus/topics.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { type Kysely, sql } from 'kysely';

export interface IngestBenchOptions {
  /** Rows that count, on each side. */
  readonly n: number;
  /** `postgres://…`; absent for PGlite on disk. A schema of its own is made there, and dropped. */
  readonly databaseUrl?: string | undefined;
}

const DEVICES = 1_000;
/** The two sides take turns, so that a machine that slows down slows both. */
const ROUNDS = 8;
const WARM_UP = 4_000;
/** A burst that the aggregator holds without dropping any of it. */
const LARGEST_ROUND = LIMITS.maxReadingsQueued;
/** Messages that arrive between two turns of the event loop, as a socket brings them. */
const ARRIVE_TOGETHER = 250;
/** Rows of one bare insert: larger gained nothing. */
const BARE_BATCH = 1_000;
const START_MS = Date.UTC(2026, 0, 15);
/** Each device reports once a minute of grid time, as the sandbox's do. */
const STEP_MS = 60_000;

interface Bench {
  /** Sends `count` readings as devices do and waits until the last is in the database; seconds. */
  served(count: number): Promise<number>;
  /** Inserts `count` rows that are at hand as arrays; seconds. */
  bare(count: number): Promise<number>;
  close(): Promise<void>;
}

export async function benchIngest(options: IngestBenchOptions, say: (line: string) => void): Promise<object> {
  const perRound = Math.min(LARGEST_ROUND, Math.ceil(options.n / ROUNDS));
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const wall = systemWallClock();
  const log = createLogger('bench', 'error');
  let engine: DatabaseEngine | undefined;
  try {
    engine = await open(options.databaseUrl, folder, wall, log);
    const bench = await openBench(engine, wall, log);
    const warmUp = Math.min(WARM_UP, perRound);
    await bench.served(warmUp);
    await bench.bare(warmUp);
    const rounds: { served: number; bare: number }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      rounds.push({ served: perRound / (await bench.served(perRound)), bare: perRound / (await bench.bare(perRound)) });
      say(`${round} of ${ROUNDS} rounds`);
    }
    await bench.close();
    return report(engine.kind, perRound, rounds);
  } finally {
    await engine?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function open(url: string | undefined, folder: string, wall: WallClock, log: Context['log']) {
  if (url === undefined) return openPglite({ location: join(folder, 'database'), wall, log });
  const { openPostgres } = await import('@flexder/runtime/engines/database/postgres.ts');
  return openPostgres({ url, wall, log });
}

async function openBench(engine: DatabaseEngine, wall: WallClock, log: Context['log']): Promise<Bench> {
  const ids = systemIds();
  const me = subscriberId(`bench-${ids.uuid()}`);
  const db = await engine.open<AggregatorTables>(me, AGGREGATOR_MIGRATIONS);
  const fleet = new Fleet();
  await enterPortfolio(db, fleet, portfolio(), { at: new Date(START_MS), wallAt: new Date(START_MS) });
  const activity = new Activity();
  const grid = new SteppedGridClock(START_MS);
  const context = { wall, grid, ids, log, activity, metrics: createMetrics('bench') } as unknown as Context;
  // What telemetry touches of an aggregator, and no more.
  const rooms = { context, config: { subscriberId: me }, fleet, database: db } as unknown as Rooms;
  const readings = new Readings(() => rooms);
  // Time is not the devices' own here: each sends more than its share of a second.
  const allowances = new Map(fleet.all().map(({ derId }) => [derId as string, () => true]));
  const ears = { rooms: () => rooms, readings, answers: undefined as never, allowances };
  let step = 0;
  const stored = async () =>
    Number((await sql<{ n: number }>`select count(*) as n from der_reading`.execute(db)).rows[0]?.n);
  return {
    async served(count) {
      const messages = messagesOf(me, count, step);
      step += Math.ceil(count / DEVICES);
      await grid.advanceTo(START_MS + step * STEP_MS);
      const before = await stored();
      const begunMs = wall.monotonicMs();
      for (let from = 0; from < count; from += ARRIVE_TOGETHER) {
        for (const message of messages.slice(from, from + ARRIVE_TOGETHER)) hear(ears, message);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await activity.idle();
      const seconds = (wall.monotonicMs() - begunMs) / 1000;
      const written = (await stored()) - before;
      if (written !== count) throw new Error(`${written} of ${count} readings came into the database`);
      return seconds;
    },
    async bare(count) {
      const nos = fleet.all().map((der) => der.derNo);
      const begunMs = wall.monotonicMs();
      for (let from = 0; from < count; from += BARE_BATCH)
        await insertBare(db, nos, START_MS + step++ * STEP_MS, Math.min(BARE_BATCH, count - from));
      return (wall.monotonicMs() - begunMs) / 1000;
    },
    async close() {
      await sql`drop schema ${sql.id(await schemaOf(db))} cascade`.execute(db);
    },
  };
}

async function schemaOf(db: Kysely<AggregatorTables>): Promise<string> {
  const { rows } = await sql<{ name: string }>`select current_schema()::text as name`.execute(db);
  return rows[0]?.name ?? '';
}

function portfolio() {
  return Array.from({ length: DEVICES }, (_, index) => ({
    derId: derId(`ev-${index}`),
    type: 'ev-charger' as const,
    feederId: feederId('F-1'),
    ratedKw: 7.4,
    importMsid: String(1_000_000_000_000 + index),
    exportMsid: null,
    consent: { fromMs: START_MS - 86_400_000, untilMs: START_MS + 86_400_000 },
    essential: false,
  }));
}

/** One reading of every device a step, as it comes from the bus. */
function messagesOf(me: ReturnType<typeof subscriberId>, count: number, fromStep: number) {
  return Array.from({ length: count }, (_, index) => {
    const der = derId(`ev-${index % DEVICES}`);
    const at = fromStep + Math.floor(index / DEVICES);
    const body = {
      ...{
        v: 1,
        der_id: der,
        ts: new Date(START_MS + at * STEP_MS).toISOString(),
        seq: at,
        power_kw: 7,
        import_kwh: at,
      },
      ...{ export_kwh: 0, available_down_kw: 7, mode: 'NORMAL', quality: 'GOOD' },
    };
    return { topic: deviceTopic(me, der, 'telemetry'), payload: Buffer.from(JSON.stringify(body)), retained: false };
  });
}

async function insertBare(db: Kysely<AggregatorTables>, nos: readonly number[], atMs: number, rows: number) {
  const of = <T>(value: T) => Array.from({ length: rows }, () => value);
  await sql`
    insert into der_reading (der_no, read_at, power_kw, import_kwh, export_kwh, available_down_kw)
    select * from unnest(${nos.slice(0, rows)}::int[], ${of(new Date(atMs))}::timestamptz[], ${of(7)}::float8[],
      ${of(1)}::float8[], ${of(0)}::float8[], ${of(7)}::float8[])`.execute(db);
}

function report(database: string, perRound: number, rounds: readonly { served: number; bare: number }[]) {
  const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const ratios = rounds.map(({ served, bare }) => Math.round((served / bare) * 1_000) / 1_000);
  return {
    bench: 'ingest',
    database,
    rows: perRound * rounds.length,
    rounds: rounds.length,
    servedPerSecond: Math.round(median(rounds.map(({ served }) => served))),
    barePerSecond: Math.round(median(rounds.map(({ bare }) => bare))),
    ratio: median(ratios),
    ratioByRound: ratios,
  };
}
