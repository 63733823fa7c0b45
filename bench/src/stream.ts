/** How fast telemetry comes in over Kafka, beside a bare client that moves the same bytes and looks at none of them. */
import type { BapConfig } from '@flexder/bap-dso/config.ts';
import { Monitor } from '@flexder/bap-dso/grid-monitoring/monitor.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock, type WallClock, wallGridClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { streamContract } from '@flexder/runtime/engines/events/contract.ts';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import { kafkaEvents } from '@flexder/runtime/engines/events/kafka.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { within } from '@flexder/runtime/service.ts';
import { type BareStream, openBare } from './bare-kafka.ts';

export interface StreamBenchOptions {
  /** `kafka://…` of a broker that is up. */
  readonly url: string;
  /** Readings that count, on each side. */
  readonly n: number;
  /** Whose readings they are, in turn. */
  readonly feeders: number;
}

const TOPIC = 'feeder-telemetry';
/** The two sides take turns, so that a machine that slows down slows both. */
const ROUNDS = 6;
/** Readings of one publish: what a head-end sends at once. */
const CHUNK = 500;
const PUBLISHES_AT_ONCE = 4;
const WARM_UP = 1_000;
/** Readings begin so far back beyond their own number, one a second a feeder, that none is from the future. */
const BACK_MS = 3_600_000;
/** A side that does not see all of its readings within this has failed. */
const ROUND_MS = 120_000;

interface Reading {
  readonly feeder_id: string;
}

/**
 * Ours: published with their schema checked, consumed in a group with committed offsets, decoded and checked again, then
 * admitted, forecast and judged by Grid Monitoring. Bare: an idempotent producer and a consumer of the same library.
 */
export async function benchStream(
  { url, n, feeders: count }: StreamBenchOptions,
  say: (line: string) => void,
): Promise<object> {
  const wall = systemWallClock();
  const ids = systemIds();
  const settings = { ...kafkaSettings(url), prefix: `flexder-bench-${ids.uuid().slice(0, 8)}` };
  const log = createLogger('bench', 'error');
  const metrics = createMetrics('bench');
  const events = kafkaEvents(settings, { wall, log, ids, contract: streamContract });
  const bare = await openBare(settings);
  try {
    const grid = wallGridClock(wall, () => {});
    const context = { wall, grid, ids, log, metrics, activity: new Activity() } as unknown as Context;
    const feeders = Array.from({ length: count }, (_, i) => ({
      feederId: `feeder-${i}`,
      limitKw: 1e6,
      ratings: [],
      releaseShare: 0.95,
    }));
    const config = { subscriberId: 'dso-1', feeders, history: [], forecastHorizonMinutes: 60 };
    const monitor = new Monitor(context, config as unknown as BapConfig, { add: () => {} });
    const arrived = counter(wall);
    monitor.listen({ onSample: () => arrived.one(), onFinding: async () => {} });
    await events.subscribe(
      TOPIC,
      ({ key, value }, bytes) => monitor.receiveReading(TOPIC, key, value, bytes ?? new Uint8Array()),
      { group: 'bench' },
    );
    const nextReadings = readingsFrom(wall.nowMs() - BACK_MS - ((2 * n) / count) * 1_000, count);
    const ours = (readings: readonly Reading[]) =>
      arrived.timed(readings.length, () =>
        inChunks(readings, PUBLISHES_AT_ONCE, (chunk) =>
          events.publish(chunk.map((value) => ({ topic: TOPIC, key: value.feeder_id, value }))),
        ),
      );
    return await measure({ n, feeders: count, nextReadings, ours, bare, wall, say });
  } finally {
    await events.close();
    await bare.close();
  }
}

interface Sides {
  readonly n: number;
  readonly feeders: number;
  readonly nextReadings: (count: number) => Reading[];
  /** Seconds from the first publish until the last reading was taken. */
  readonly ours: (readings: readonly Reading[]) => Promise<number>;
  readonly bare: BareStream;
  readonly wall: WallClock;
  readonly say: (line: string) => void;
}

async function measure({ n, feeders, nextReadings, ours, bare, wall, say }: Sides): Promise<object> {
  const perRound = Math.ceil(n / ROUNDS);
  const arrived = counter(wall);
  bare.onMessage(() => arrived.one());
  const plain = (readings: readonly Reading[]) =>
    arrived.timed(readings.length, () => inChunks(readings, 1, (chunk) => bare.send(chunk)));
  await ours(nextReadings(WARM_UP));
  await plain(nextReadings(WARM_UP));
  const rates: { ours: number; bare: number }[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const [mine, theirs] = [nextReadings(perRound), nextReadings(perRound)];
    rates.push({ ours: perRound / (await ours(mine)), bare: perRound / (await plain(theirs)) });
    say(`${round} of ${ROUNDS} rounds`);
  }
  const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const ratios = rates.map((rate) => Math.round((rate.ours / rate.bare) * 1_000) / 1_000);
  return {
    bench: 'stream',
    readings: perRound * ROUNDS,
    rounds: ROUNDS,
    warmUpExcluded: WARM_UP,
    feeders,
    readingBytes: Buffer.byteLength(JSON.stringify(nextReadings(1)[0])),
    oursPerSecond: Math.round(middle(rates.map((rate) => rate.ours))),
    barePerSecond: Math.round(middle(rates.map((rate) => rate.bare))),
    ratio: middle(ratios),
    ratioByRound: ratios,
    memoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function readingsFrom(startMs: number, feeders: number): (count: number) => Reading[] {
  let seq = 0;
  return (count) =>
    Array.from({ length: count }, () => {
      const i = seq++;
      const ts = new Date(startMs + Math.floor(i / feeders) * 1_000).toISOString();
      const facts = { v: 1, feeder_id: `feeder-${i % feeders}`, ts, seq: i, power_kw: 800 + (i % 97) };
      return { ...facts, current_a: 44.2, voltage_kv: 11, quality: 'GOOD' };
    });
}

/** Publishes in order, at most `atOnce` under way. */
async function inChunks(
  readings: readonly Reading[],
  atOnce: number,
  publish: (chunk: readonly Reading[]) => Promise<void>,
): Promise<void> {
  let under: Promise<void>[] = [];
  for (let i = 0; i < readings.length; i += CHUNK) {
    under.push(publish(readings.slice(i, i + CHUNK)));
    if (under.length < atOnce) continue;
    await Promise.all(under);
    under = [];
  }
  await Promise.all(under);
}

/** Counts what arrives, and times how long a number of them takes. */
function counter(wall: WallClock) {
  let left = 0;
  let full = () => {};
  return {
    one() {
      if (--left === 0) full();
    },
    async timed(count: number, publish: () => Promise<void>): Promise<number> {
      left = count;
      const all = new Promise<void>((resolve) => {
        full = resolve;
      });
      const startedMs = wall.monotonicMs();
      await publish();
      await within(wall, ROUND_MS, all).catch((cause) => {
        throw new Error(`${left} of ${count} readings did not arrive`, { cause });
      });
      return (wall.monotonicMs() - startedMs) / 1_000;
    },
  };
}
