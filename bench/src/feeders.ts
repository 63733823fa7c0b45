/**
 * Feeder telemetry a second through Grid Monitoring into the database, as messages of the device bus and of the event
 * stream, beside what the database takes when it is only filled; and how both grow with the number of feeders.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bapConfig } from '@flexder/bap-dso/config.ts';
import { Monitor } from '@flexder/bap-dso/grid-monitoring/monitor.ts';
import { ReadingWriter } from '@flexder/bap-dso/grid-monitoring/telemetry/reading-writer.ts';
import { READINGS_WAITING } from '@flexder/bap-dso/limits.ts';
import { readingMigrations } from '@flexder/bap-dso/migrations.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock, type WallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { type Kysely, sql } from 'kysely';
import { median, sizesUpTo } from './report.ts';

export interface FeedersBenchOptions {
  /** The largest number of feeders; ten, a hundred and so on come before it. */
  readonly feeders: number;
  /** Readings that count, on each side and with each number of feeders. */
  readonly n: number;
  /** `postgres://…`; absent for PGlite on disk. A schema of its own is made there, and dropped. */
  readonly databaseUrl?: string | undefined;
}

/** The sides take turns, so that a machine that slows down slows all. */
const ROUNDS = 5;
/** Half of what Grid Monitoring holds for the database: more at once would be dropped. */
const LARGEST_ROUND = READINGS_WAITING / 2;
/** Messages that arrive between two turns of the event loop, as a socket brings them. */
const ARRIVE_TOGETHER = 250;
/** Rows of one bare insert: larger gained nothing. */
const BARE_BATCH = 1_000;
const START_MS = Date.UTC(2026, 0, 15);
const STEP_MS = 60_000;
const DSO = 'dso-1';

type Side = 'bus' | 'stream' | 'bare';
const SIDES: readonly Side[] = ['bus', 'stream', 'bare'];

interface Message {
  readonly feederId: string;
  readonly bytes: Uint8Array;
}

export async function benchFeeders(options: FeedersBenchOptions, say: (line: string) => void): Promise<object> {
  const perRound = Math.min(LARGEST_ROUND, Math.ceil(options.n / ROUNDS));
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const wall = systemWallClock();
  const log = createLogger('bench', 'error');
  let engine: DatabaseEngine | undefined;
  try {
    engine = await open(options.databaseUrl, folder, wall, log);
    const scales: object[] = [];
    for (const size of sizesUpTo(options.feeders)) {
      const scale = await measured(engine, { size, perRound }, wall, log);
      scales.push(scale);
      say(`${size} feeders: ${JSON.stringify(scale)}`);
    }
    return { bench: 'feeders', database: engine.kind, perRound, rounds: ROUNDS, scales };
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

async function measured(
  engine: DatabaseEngine,
  scale: Pick<Ground, 'size' | 'perRound'>,
  wall: WallClock,
  log: Context['log'],
): Promise<object> {
  const db = await engine.open<BapTables>(subscriberId(`bench-${systemIds().uuid()}`), readingMigrations);
  const grid = new SteppedGridClock(START_MS);
  const activity = new Activity();
  const sides = sidesOf({ ...scale, db, grid, activity, wall, log });
  // The first round of each pays for cold code.
  for (const side of SIDES) await sides(side);
  const rates: Record<Side, number[]> = { bus: [], stream: [], bare: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of SIDES) rates[side].push(scale.perRound / (await sides(side)));
  }
  const { rows } = await sql<{ name: string }>`select current_schema()::text as name`.execute(db);
  await sql`drop schema ${sql.id(rows[0]?.name ?? '')} cascade`.execute(db);
  const ratio = (side: Side) =>
    Math.round(1_000 * median(rates[side].map((rate, round) => rate / rates.bare[round]!))) / 1_000;
  return {
    feeders: scale.size,
    busPerSecond: Math.round(median(rates.bus)),
    streamPerSecond: Math.round(median(rates.stream)),
    barePerSecond: Math.round(median(rates.bare)),
    busRatio: ratio('bus'),
    streamRatio: ratio('stream'),
  };
}

interface Ground {
  readonly db: Kysely<BapTables>;
  readonly grid: SteppedGridClock;
  readonly activity: Activity;
  /** Feeders, and readings of a side and round. */
  readonly size: number;
  readonly perRound: number;
  readonly wall: WallClock;
  readonly log: Context['log'];
}

/** Runs a round of one side: seconds from the first message until the last row is in the database. */
function sidesOf(ground: Ground): (side: Side) => Promise<number> {
  const { grid, activity, size, perRound, wall } = ground;
  const monitor = monitorOn(ground);
  let step = 0;
  const timed = async (run: () => Promise<void>) => {
    const begunMs = wall.monotonicMs();
    await run();
    return (wall.monotonicMs() - begunMs) / 1_000;
  };
  return async (side) => {
    if (side === 'bare') {
      const first = step;
      step += Math.ceil(perRound / size);
      return timed(() => fillBare(ground, first));
    }
    const fromMs = START_MS + step * STEP_MS;
    const messages = messagesOf(ground, step);
    step += Math.ceil(perRound / size);
    await grid.advanceTo(START_MS + step * STEP_MS);
    const seconds = await timed(async () => {
      for (let from = 0; from < messages.length; from += ARRIVE_TOGETHER) {
        for (const message of messages.slice(from, from + ARRIVE_TOGETHER)) hand(monitor, side, message);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await activity.idle();
    });
    await refuseLoss(ground, fromMs);
    return seconds;
  };
}

function monitorOn({ db, grid, activity, size, wall, log }: Ground): Monitor {
  // Feeders are held to a rate of messages by this clock, and here a day of them passes in a second.
  const fast = { ...wall, monotonicMs: () => grid.nowMs() } as WallClock;
  const metrics = createMetrics('bench');
  const context = { wall: fast, grid, ids: systemIds(), log, metrics, activity } as unknown as Context;
  const feeders = Array.from({ length: size }, (_, i) => ({
    feederId: `feeder-${i}`,
    name: `Feeder ${i}`,
    limitKw: 1_000,
  }));
  const config = bapConfig({
    ...{ subscriberId: DSO, dsoName: 'DSO', registryUrl: 'http://127.0.0.1:1', feeders },
    busCredentials: { username: 'dso', password: 'dso' },
  });
  const monitor = new Monitor(context, config, new ReadingWriter(context, db));
  monitor.listen({ onSample: () => {}, onFinding: async () => {} });
  return monitor;
}

function hand(monitor: Monitor, side: Side, { feederId, bytes }: Message): void {
  if (side === 'bus') monitor.receive({ topic: `grid/v1/${DSO}/${feederId}/telemetry`, payload: bytes });
  else monitor.receiveReading('stream:feeder-telemetry', feederId, JSON.parse(Buffer.from(bytes).toString()), bytes);
}

/** One reading of every feeder a step. */
function messagesOf({ size, perRound }: Ground, fromStep: number): Message[] {
  return Array.from({ length: perRound }, (_, i) => {
    const feederId = `feeder-${i % size}`;
    const seq = fromStep + Math.floor(i / size);
    const facts = { v: 1, feeder_id: feederId, ts: new Date(START_MS + seq * STEP_MS).toISOString(), seq };
    const load = { power_kw: 300 + ((i * 7 + seq) % 97), current_a: 20, voltage_kv: 11, quality: 'GOOD' };
    return { feederId, bytes: Buffer.from(JSON.stringify({ ...facts, ...load })) };
  });
}

/** A figure of readings that were dropped on the way is none. */
async function refuseLoss({ db, perRound }: Ground, fromMs: number): Promise<void> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from feeder_reading
    where feeder_id like 'feeder-%' and read_at >= ${new Date(fromMs)}`.execute(db);
  if (rows[0]?.n !== perRound) throw new Error(`${rows[0]?.n} of ${perRound} readings came into the database`);
}

async function fillBare({ db, size, perRound }: Ground, firstStep: number): Promise<void> {
  for (let from = 0; from < perRound; from += BARE_BATCH) {
    const rows = Array.from({ length: Math.min(BARE_BATCH, perRound - from) }, (_, i) => from + i);
    await sql`
      insert into feeder_reading (feeder_id, read_at, power_kw, quality)
      select * from unnest(
        ${rows.map((i) => `bare-${i % size}`)}::text[],
        ${rows.map((i) => new Date(START_MS + (firstStep + Math.floor(i / size)) * STEP_MS))}::timestamptz[],
        ${rows.map(() => 300)}::float8[], ${rows.map(() => 'GOOD')}::text[])`.execute(db);
  }
}
