import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { bapConfig } from '../../config.ts';
import { STATE_EVERY_MS, STATE_TURNS } from '../../limits.ts';
import { manualWallClock } from '../../testing/clock.ts';
import { LOAD_START_MS, syntheticLoad } from '../../testing/load.ts';
import { openTestDatabase, type TestDatabase } from '../../testing/test-database.ts';
import { Monitor } from '../monitor.ts';
import { ReadingWriter } from '../telemetry/reading-writer.ts';
import type { Reading } from '../telemetry/series.ts';
import { FitQueue } from './fit-queue.ts';
import { keepForecasts } from './forecast-keeper.ts';
import { type RelievedAt, restoreForecasts } from './forecast-restore.ts';
import { type ForecastTables, writeStates } from './forecast-store.ts';

const MINUTE_MS = 60_000;
const DAYS = 21;
const LIVE_MS = LOAD_START_MS + DAYS * 86_400_000;
const past = syntheticLoad({ days: DAYS + 2 }).map(({ atMs, load }) => ({ atMs, powerKw: load }));
const history = past.filter(({ atMs }) => atMs < LIVE_MS);

/** A run of a monitor on one database: what a process is between a start and its end. */
class Run {
  readonly lines: { level: string; fields: Record<string, unknown>; text: string }[] = [];
  readonly grid: SteppedGridClock;
  readonly activity = new Activity();
  readonly context: Context;
  readonly db: Kysely<ForecastTables>;
  monitor!: Monitor;
  writer!: ReadingWriter;
  keeper!: { close(): Promise<void> };

  constructor(db: TestDatabase, atMs: number) {
    this.db = db.database as unknown as Kysely<ForecastTables>;
    this.grid = new SteppedGridClock(atMs);
    const line = (level: string) => (fields: Record<string, unknown>, text: string) =>
      void this.lines.push({ level, fields, text });
    const log = { info: line('info'), warn: line('warn'), error: line('error'), debug: () => {} };
    this.context = {
      ...{ wall: manualWallClock(), grid: this.grid, ids: systemIds(), activity: this.activity },
      ...{ log, metrics: createMetrics('test') },
    } as unknown as Context;
  }

  async start(db: TestDatabase, given: readonly Reading[] = history, relievedAt?: RelievedAt): Promise<this> {
    const config = bapConfig({
      ...{ subscriberId: 'dso-1', dsoName: 'DSO', registryUrl: 'http://127.0.0.1:1' },
      busCredentials: { username: 'dso', password: 'dso' },
      feeders: [{ feederId: 'feeder-1', name: 'Feeder 1', limitKw: 1_000 }],
      history: [{ feederId: 'feeder-1', readings: [...given] }],
    });
    this.writer = new ReadingWriter(this.context, db.database);
    const beginning = await restoreForecasts(this.context, this.db, config.feeders, relievedAt);
    this.monitor = new Monitor(this.context, config, this.writer, beginning);
    this.keeper = keepForecasts(this.context, this.db, this.monitor);
    return this;
  }

  /** One reading a minute, up to `minutes` after the monitor began to be read. */
  async read(fromMinute: number, toMinute: number): Promise<void> {
    for (let minute = fromMinute; minute < toMinute; minute++) {
      const atMs = LIVE_MS + minute * MINUTE_MS;
      await this.grid.advanceTo(atMs);
      const at = minute / 30 + DAYS * 48;
      const [left, right] = [past[Math.floor(at)]!.powerKw, past[Math.floor(at) + 1]!.powerKw];
      const body = {
        ...{ v: 1, feeder_id: 'feeder-1', ts: new Date(atMs).toISOString(), seq: minute },
        ...{ power_kw: left + (right - left) * (at % 1), current_a: 1, voltage_kv: 11, quality: 'GOOD' },
      };
      this.monitor.receiveReading('telemetry', 'feeder-1', body, new TextEncoder().encode(JSON.stringify(body)));
    }
    await this.writer.flushed();
  }

  forecast() {
    return this.monitor.feeder('feeder-1')!.forecast!;
  }

  said(text: string) {
    return this.lines.filter((line) => line.text.includes(text));
  }
}

describe('forecasts across a restart', function () {
  this.timeout(60_000);
  let db: TestDatabase;
  before(async () => {
    db = await openTestDatabase();
  });
  after(() => db.close());
  beforeEach(async () => {
    await db.database.deleteFrom('forecast_state').execute();
    await db.database.deleteFrom('feeder_reading').execute();
  });

  it('a service that stopped goes on with the very same forecasts, and says when they were fitted and on what', async () => {
    const steady = await new Run(db, LIVE_MS).start(db);
    await steady.read(0, 100);
    await steady.keeper.close();
    const again = await new Run(db, LIVE_MS + 100 * MINUTE_MS).start(db, []);
    await steady.read(100, 140);
    await again.read(100, 140);
    expect(again.forecast()).to.deep.equal(steady.forecast());
    expect(again.forecast().model).to.equal('ridge');
    const [line] = again.said('go on from before');
    expect(line!.fields).to.deep.include({
      feeders: 1,
      fittedTo: new Date(steady.forecast().fittedAtMs!).toISOString(),
      inputs: ['load', 'London calendar'],
    });
    await again.keeper.close();
  });

  it('after a crash what was read since the last state is learnt again from the database', async () => {
    const steady = await new Run(db, LIVE_MS).start(db);
    // The feeder's turn is the first of twelve, so its state is that of five minutes on.
    await steady.read(0, 50);
    await steady.activity.idle();
    const kept = await db.database.selectFrom('forecast_state').select('taken_at').executeTakeFirstOrThrow();
    expect(kept.taken_at.getTime()).to.be.below(LIVE_MS + STATE_EVERY_MS + 1);
    const again = await new Run(db, LIVE_MS + 50 * MINUTE_MS).start(db, []);
    await steady.read(50, 90);
    await again.read(50, 90);
    expect(again.forecast()).to.deep.equal(steady.forecast());
    await steady.keeper.close();
    await again.keeper.close();
  });

  it('without its state it would forecast something else: the equality can fail', async () => {
    const steady = await new Run(db, LIVE_MS).start(db);
    await steady.read(0, 100);
    await steady.activity.idle();
    await db.database.deleteFrom('forecast_state').execute();
    const fresh = await new Run(db, LIVE_MS + 100 * MINUTE_MS).start(db, []);
    await steady.read(100, 110);
    await fresh.read(100, 110);
    expect(fresh.forecast()).to.not.deep.equal(steady.forecast());
    await steady.keeper.close();
    await fresh.keeper.close();
  });

  it('a state of another version is fitted anew on the readings, and the log says so', async () => {
    const steady = await new Run(db, LIVE_MS).start(db);
    await steady.read(0, 100);
    await steady.keeper.close();
    await db.database.updateTable('forecast_state').set({ version: '1' }).execute();
    const again = await new Run(db, LIVE_MS + 100 * MINUTE_MS).start(db);
    const [line] = again.said('fitted anew');
    expect(line!.fields).to.deep.include({ feederId: 'feeder-1', halfHours: 3 });
    expect(String(line!.fields.why)).to.match(/version 1, the model of version \d/);
    await again.read(100, 101);
    expect(again.forecast().model).to.equal('ridge');
    await again.keeper.close();
  });

  it('bytes that are none are fitted anew too, and stop no start', async () => {
    await writeStates(
      db.database as unknown as Kysely<ForecastTables>,
      [{ feederId: 'feeder-1', state: new Uint8Array([1, 2, 3]), atMs: LIVE_MS, fittedAtMs: null }],
      0,
    );
    const again = await new Run(db, LIVE_MS).start(db);
    expect(String(again.said('fitted anew')[0]!.fields.why)).to.include('cannot be read');
    await again.keeper.close();
  });

  it('the load that dispatch changed is no history to fit on', async () => {
    const steady = await new Run(db, LIVE_MS).start(db);
    await steady.read(0, 100);
    await steady.keeper.close();
    await db.database.updateTable('forecast_state').set({ version: '1' }).execute();
    const relievedAt: RelievedAt = (_, atMs) => atMs >= LIVE_MS + 40 * MINUTE_MS && atMs < LIVE_MS + 50 * MINUTE_MS;
    const again = await new Run(db, LIVE_MS + 100 * MINUTE_MS).start(db, history, relievedAt);
    expect(again.said('fitted anew')[0]!.fields.halfHours).to.equal(3);
    const longer: RelievedAt = (_, atMs) => atMs >= LIVE_MS + 40 * MINUTE_MS && atMs < LIVE_MS + 80 * MINUTE_MS;
    const other = await new Run(db, LIVE_MS + 100 * MINUTE_MS).start(db, history, longer);
    expect(other.said('fitted anew')[0]!.fields.halfHours).to.equal(1);
    await again.keeper.close();
    await other.keeper.close();
  });

  it('an older state never replaces a newer one', async () => {
    const tables = db.database as unknown as Kysely<ForecastTables>;
    const state = (byte: number, atMs: number) => ({
      ...{ feederId: 'feeder-1', state: new Uint8Array([byte]), atMs, fittedAtMs: null },
    });
    await writeStates(tables, [state(1, 2_000)], 0);
    await writeStates(tables, [state(2, 1_000)], 0);
    const stored = () => tables.selectFrom('forecast_state').select('state').executeTakeFirstOrThrow();
    expect([...(await stored()).state]).to.deep.equal([1]);
    await writeStates(tables, [state(3, 3_000)], 0);
    expect([...(await stored()).state]).to.deep.equal([3]);
  });

  it('a database that is away stops no monitor: it is counted and tried again', async () => {
    const run = await new Run(db, LIVE_MS).start(db);
    await run.keeper.close();
    const away = { insertInto: () => expect.fail('away') } as unknown as Kysely<ForecastTables>;
    const keeper = keepForecasts(run.context, away, run.monitor);
    await run.read(0, 1);
    for (let turn = 1; turn <= STATE_TURNS + 1; turn++) {
      await run.grid.advanceTo(LIVE_MS + STATE_EVERY_MS * turn);
      await run.activity.idle();
    }
    const failed = () =>
      (run.context.metrics as ReturnType<typeof createMetrics>).total('bap_forecast_states_failed_total');
    expect(failed()).to.equal(2);
    await keeper.close();
    expect(failed()).to.equal(3);
  });
});

describe('fits of many feeders', () => {
  it('are done one at a time in turns, and what was queued twice is done once', async () => {
    const activity = new Activity();
    const queue = new FitQueue({ activity, log: {} as Context['log'] });
    const done: string[] = [];
    const fitting = (name: string, due: number) => ({
      refit: () => {
        if (due-- <= 0) return false;
        done.push(name);
        return true;
      },
    });
    const [a, b] = [fitting('a', 2), fitting('b', 1)];
    queue.add(a);
    queue.add(b);
    queue.add(a);
    expect(done).to.deep.equal([]);
    await activity.idle();
    expect(done).to.deep.equal(['a', 'b', 'a']);
    expect(queue.waiting).to.equal(0);
  });

  it('once closed nothing more is fitted, and nobody waits for it', async () => {
    const activity = new Activity();
    const queue = new FitQueue({ activity, log: {} as Context['log'] });
    let fits = 0;
    queue.add({ refit: () => ++fits < 1_000 });
    await new Promise((resolve) => setImmediate(resolve));
    queue.close();
    await activity.idle();
    expect(fits).to.be.within(1, 10);
  });
});
