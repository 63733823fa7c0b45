/**
 * An aggregator with everything around it in one process, for tests: a registry that knows it and some BAPs, the BAPs
 * themselves, a broker, and devices of one bus client that answer as told. Production code inside, fakes only outside.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { aggregatorAccount, memoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import { type OpenEngines, openEngines } from '@flexder/runtime/engines/open.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { createLogger, type LogLevel } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { type AggregatorConfig, type AggregatorSettings, parseConfig } from '../config.ts';
import { enrolledOnce } from '../enrolment/document.ts';
import { type AggregatorService, startAggregator } from '../main.ts';
import { openFleet, POWER_KW } from './fleet.ts';
import { AGGREGATOR, portfolioOf, START_MS } from './portfolio.ts';
import { openWorld, PATIENCE_MS } from './world.ts';

export interface BenchOptions {
  /** Devices on each feeder. */
  readonly ders: number;
  /** Feeders, so that tests of one bench do not share devices. Default 1. */
  readonly feeders?: number;
  readonly settings?: Partial<AggregatorSettings>;
  /** The database survives a crash. */
  readonly onDisk?: boolean;
  readonly logLevel?: LogLevel;
}

export type Bench = Awaited<ReturnType<typeof openBench>>;

export async function openBench(options: BenchOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'flexder-aggregator-'));
  const wall = systemWallClock();
  const log = createLogger('test', options.logLevel ?? 'silent');
  const ids = systemIds();
  const grid = new SteppedGridClock(START_MS);
  const accounts = memoryAccounts();
  const account = aggregatorAccount(AGGREGATOR, 'aggregator-secret');
  accounts.add(account, {
    username: 'fleet',
    password: 'fleet-secret',
    publish: [`flex/v1/${AGGREGATOR}/+/+`],
    subscribe: [`flex/v1/${AGGREGATOR}/+/cmd`],
  });
  const broker = await startBroker({ host: '127.0.0.1', port: 0, accounts, log });
  const http = createOutbound({ wall });
  /** What dies with a process: engines, and what it was doing. */
  const openProcess = async () => {
    const activity = new Activity();
    const engines = await openEngines(
      {
        databaseUrl: options.onDisk ? `pglite:${directory}/database` : 'pglite:memory',
        queueUrl: 'pglite:',
        mqttUrl: broker.url,
        eventsUrl: 'memory:',
        archiveUrl: `file:${directory}/archive`,
      },
      { wall, log, activity },
    );
    const context: Context = { wall, grid, ids, log, metrics: createMetrics('aggregator'), activity, http, engines };
    return context;
  };
  let context = await openProcess();
  const world = await openWorld(wall);
  const bus = await context.engines.bus.connect({ clientId: 'fleet', username: 'fleet', password: 'fleet-secret' });
  const fleet = await openFleet(bus, grid);
  const config = parseConfig({
    host: '127.0.0.1',
    port: 0,
    subscriberId: AGGREGATOR,
    name: 'Aggregator One',
    providerId: 'agg-1',
    registryUrl: world.url,
    networkProfile: 'sandbox',
    busCredentials: { username: account.username, password: account.password },
    portfolio: portfolioOf(options.ders, options.feeders),
    enrolment: enrolledOnce(options.settings?.portfolio ?? portfolioOf(options.ders, options.feeders)),
    ...options.settings,
  });

  const settle = async () => {
    // A message crosses broker and handler in a few turns of the event loop.
    for (let quiet = 0; quiet < 30; quiet++) {
      if (context.activity.inFlight > 0) {
        quiet = 0;
        await context.activity.idle();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const closeEngines = () => (context.engines as OpenEngines).close();
  return {
    get context() {
      return context;
    },
    config,
    world,
    fleet,
    grid,
    settle,
    start: (change: Partial<Context> = {}, settings: Partial<AggregatorConfig> = {}): Promise<AggregatorService> =>
      startAggregator(
        { ...context, ...change },
        { ...config, ...(settings.portfolio && { enrolment: enrolledOnce(settings.portfolio) }), ...settings },
      ),
    /** Waits for something that is not the work of this process, or hangs in it; bounded. */
    async until(what: string, reached: () => boolean | Promise<boolean>) {
      const giveUpMs = wall.monotonicMs() + PATIENCE_MS;
      while (!(await reached())) {
        if (wall.monotonicMs() > giveUpMs) throw new Error(`waited in vain for ${what}`);
        await wall.sleep(10);
      }
    },
    /** The process is gone, with all it had in memory; the next `start` finds what is on disk. */
    async crash() {
      await closeEngines();
      context = await openProcess();
    },
    /** Moves grid time and waits for all that follows. */
    async advance(toMs: number) {
      await settle();
      await grid.advanceTo(toMs);
      await settle();
    },
    /** Everybody online with one reading now. */
    async report(powerOf: (index: number) => number = () => POWER_KW, count = options.ders * (options.feeders ?? 1)) {
      await fleet.report(count, powerOf);
      await settle();
    },
    async close() {
      await bus.close();
      await closeEngines();
      await broker.close();
      await http.close();
      await world.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
