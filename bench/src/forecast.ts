/** Grid Monitoring with many feeders: samples and forecasts a second, memory and start, and how they grow. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bapConfig } from '@flexder/bap-dso/config.ts';
import { Monitor } from '@flexder/bap-dso/grid-monitoring/monitor.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { seededRandom } from '@flexder/runtime/random.ts';
import { roundedPercentiles, sizesUpTo } from './report.ts';

export interface ForecastBenchOptions {
  /** The largest number of feeders; ten, a hundred and so on come before it. */
  readonly feeders: number;
}

const START_MS = Date.UTC(2026, 0, 15);
const HALF_HOUR_MS = 1_800_000;
const HISTORY_HALF_HOURS = 28 * 48;
const LIMIT_KW = 1_000;
/** Samples that count, whatever the number of feeders: a second or so. */
const SAMPLES = 20_000;
/** Feeders whose fits are timed: more than learn from their history at the start. */
const FITTED = 40;
/** Samples that cross the limit while fits are under way. */
const DETECTIONS = 300;
const POINTS = 8;
/** A first wide fit reads one in two examples, those of every day all of them. */
const DAILY_OF_FIRST = 2;
const wall = systemWallClock();

export async function benchForecast({ feeders }: ForecastBenchOptions, say: (line: string) => void): Promise<object> {
  const history = pastOf();
  const scales: object[] = [];
  for (const size of sizesUpTo(feeders)) {
    const scale = await measured(size, history);
    scales.push(scale);
    say(`${size} feeders: ${JSON.stringify(scale)}`);
  }
  return { bench: 'forecast', scales };
}

type Past = readonly { readonly atMs: number; readonly powerKw: number }[];

/** A day's course with noise, below the limit. */
function pastOf(): Past {
  const random = seededRandom('forecast-bench');
  return Array.from({ length: HISTORY_HALF_HOURS }, (_, i) => ({
    atMs: START_MS - (HISTORY_HALF_HOURS - i) * HALF_HOUR_MS,
    powerKw: 500 - 200 * Math.cos((2 * Math.PI * i) / 48) + random.normal(0, 10),
  }));
}

async function measured(size: number, history: Past): Promise<object> {
  const before = bytesHeld();
  const grid = new SteppedGridClock(START_MS);
  const begunMs = wall.monotonicMs();
  const { monitor, found } = openMonitor(size, history, grid);
  const step = pace(monitor, size, grid);
  await step(size);
  const coldStartSeconds = (wall.monotonicMs() - begunMs) / 1_000;
  const bytesPerFeeder = Math.round((bytesHeld() - before) / size);

  const ingestMs = wall.monotonicMs();
  await step(SAMPLES);
  const samplesPerSecond = Math.round(SAMPLES / ((wall.monotonicMs() - ingestMs) / 1_000));
  const detectionMs = await detections(monitor, size, grid, found);
  await monitor.close();
  const { nearMs, wideMs } = fitTimes(history);
  const perHalfHourMs = POINTS * (nearMs + (DAILY_OF_FIRST * wideMs) / 48);
  return {
    ...{ feeders: size, coldStartSeconds: tenth(coldStartSeconds), bytesPerFeeder, samplesPerSecond },
    forecastsPerSecond: samplesPerSecond * POINTS,
    detectionMs: roundedPercentiles(detectionMs),
    ...{ nearFitMs: hundredth(nearMs), wideFitMs: hundredth(wideMs) },
    /** From a start without any state until all have every fit, in the background. */
    firstFitsSeconds: tenth((size * POINTS * (nearMs + wideMs)) / 1_000),
    /** Eight near fits each half hour, and eight wide ones a day. */
    fitShareOfOneCore: Math.round(((size * perHalfHourMs) / HALF_HOUR_MS) * 10_000) / 10_000,
  };
}

function openMonitor(size: number, history: Past, grid: SteppedGridClock) {
  const context = {
    ...{ wall, grid, ids: systemIds(), activity: new Activity() },
    ...{ log: createLogger('bench', 'error'), metrics: createMetrics('bench') },
  } as unknown as Context;
  const feeder = (i: number) => ({ feederId: `feeder-${i}`, name: `Feeder ${i}`, limitKw: LIMIT_KW });
  const one = bapConfig({
    ...{ subscriberId: 'dso', dsoName: 'DSO', registryUrl: 'http://127.0.0.1:1', feeders: [feeder(0)] },
    busCredentials: { username: 'dso', password: 'dso' },
  });
  const feeders = Array.from({ length: size }, (_, i) => ({ ...one.feeders[0]!, ...feeder(i) }));
  const shared = [...history];
  const given = feeders.map(({ feederId }) => ({ feederId, readings: shared }));
  const monitor = new Monitor(context, { ...one, feeders, history: given }, { add: () => {} });
  const found: number[] = [];
  monitor.listen({ onSample: () => {}, onFinding: async () => void found.push(wall.monotonicMs()) });
  return { monitor, found };
}

/** Takes samples of all feeders in turn, one each minute of grid time. */
function pace(monitor: Monitor, size: number, grid: SteppedGridClock) {
  let taken = 0;
  return async (samples: number) => {
    for (let i = 0; i < samples; i++, taken++) {
      if (taken > 0 && taken % size === 0) await grid.advanceTo(grid.nowMs() + 60_000);
      take(monitor, `feeder-${taken % size}`, 300 + (taken % 97), grid);
    }
  };
}

function take(monitor: Monitor, feederId: string, powerKw: number, grid: SteppedGridClock): void {
  const body = {
    ...{ v: 1, feeder_id: feederId, ts: new Date(grid.nowMs()).toISOString(), seq: 1, power_kw: powerKw },
    ...{ current_a: 20, voltage_kv: 11, quality: 'GOOD' },
  };
  monitor.receiveReading('bench', feederId, body, Buffer.from(JSON.stringify(body)));
}

/** From when a sample could be read until the finding it shows: a fit that is under way comes before it. */
async function detections(monitor: Monitor, size: number, grid: SteppedGridClock, found: number[]): Promise<number[]> {
  const tookMs: number[] = [];
  await grid.advanceTo(grid.nowMs() + 60_000);
  for (let i = 0; i < Math.min(DETECTIONS, size); i++) {
    const readyMs = wall.monotonicMs();
    const before = found.length;
    await new Promise((resolve) => setImmediate(resolve));
    take(monitor, `feeder-${i}`, LIMIT_KW + 20, grid);
    if (found.length !== before + 1) throw new Error(`feeder-${i} was not found above its limit`);
    tookMs.push(found.at(-1)! - readyMs);
  }
  return tookMs;
}

/** Mean time of a fit of the hours around a target, and of one of all hours: those that are due come in this order. */
function fitTimes(history: Past): { nearMs: number; wideMs: number } {
  const grid = new SteppedGridClock(START_MS);
  const { monitor } = openMonitor(FITTED, history, grid);
  for (let i = 0; i < FITTED; i++) take(monitor, `feeder-${i}`, 400, grid);
  const meanMs = () => {
    const begunMs = wall.monotonicMs();
    for (let fits = 0; fits < FITTED * POINTS; fits++) if (!monitor.fitOne()) throw new Error('no fit is due');
    return (wall.monotonicMs() - begunMs) / (FITTED * POINTS);
  };
  const nearMs = meanMs();
  const wideMs = meanMs();
  void monitor.close();
  return { nearMs, wideMs };
}

/** Heap and array buffers in use, after a collection. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const tenth = (value: number) => Math.round(value * 10) / 10;
const hundredth = (value: number) => Math.round(value * 100) / 100;
