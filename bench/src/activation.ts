import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OrderView } from '@flexder/bap-dso/operator-api/orders/orders.ts';
import type { Summary } from '@flexder/bap-dso/operator-api/summary.ts';
import { readApi } from '@flexder/sandbox/network/api.ts';
import { type HungBpp, startHungBpp } from '@flexder/sandbox/network/hung-bpp.ts';
import { type Network, startNetwork } from '@flexder/sandbox/network/network.ts';
import { activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';
import { roundedPercentiles } from './report.ts';

export interface ActivationBenchOptions {
  readonly n: number;
  readonly ders: number;
  /**
   * BPPs beside the two that sell. In every other block of activations they accept each connection and never answer; in
   * the blocks between they answer that they have nothing, so that both halves meet the same network.
   */
  readonly hung: number;
  readonly seed: number;
}

/** Activations before the figures begin: the first pays for cold code and the first connections. */
const WARM_UP = 5;
/** Activations between two changes of those that hang. */
const BLOCK = 10;
const MINUTE_MS = 60_000;
/** While an event runs out nothing is measured: grid time moves in long steps. */
const LONG_STEP_MS = 5 * MINUTE_MS;
const LONGEST_EVENT_MS = 6 * 3_600_000;
const SAY_EVERY = 20;
const PAGE = 200;

/**
 * Pushes a feeder over its limit `n` times and lets every event run out. All figures are the DSO's own: from the
 * receipt of the sample that crosses the limit to the last device command handed to the broker, as the BPPs report it.
 */
export async function benchActivation(options: ActivationBenchOptions, say: (line: string) => void): Promise<object> {
  const bench = activationBench({ seed: options.seed, ders: options.ders });
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const hung: HungBpp[] = [];
  try {
    await using network = await startNetwork({
      scenario: bench.scenario,
      dataDir: folder,
      databaseUrl: 'pglite:database',
      port: 0,
      logLevel: 'error',
      time: 'stepped',
    });
    for (let i = 0; i < options.hung; i++) hung.push(await startHungBpp(network, `hung-bpp-${i + 1}`));
    const begunMs = network.context.wall.monotonicMs();
    const hangs: boolean[] = [];
    await activations(network, bench, WARM_UP + (options.hung > 0 ? 2 : 1) * options.n, say, (index) => {
      hangs.push(index >= WARM_UP && Math.floor((index - WARM_UP) / BLOCK) % 2 === 0);
      for (const one of hung) one.hangs = hangs.at(-1)!;
    });
    const seconds = (network.context.wall.monotonicMs() - begunMs) / 1000;
    const compared = options.hung > 0 ? compare(await perActivation(network), hangs) : {};
    return { ...report(options, await readApi<Summary>(network, '/api/v1/summary'), seconds), ...compared };
  } finally {
    for (const one of hung) await one.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function activations(
  network: Network,
  bench: Pick<ReturnType<typeof activationBench>, 'push' | 'relax'>,
  count: number,
  say: (line: string) => void,
  before: (index: number) => void,
): Promise<void> {
  let released = 0;
  const stop = await network.context.engines.events.subscribe('bap', ({ value }) => {
    const told = value as { type?: string; state?: string };
    if (told.type === 'overload.changed' && told.state === 'RELEASED') released++;
  });
  let atMs = network.scenario.startMs;
  const advance = async (byMs: number) => {
    atMs += byMs;
    await network.advanceTo(atMs);
  };
  for (let i = 0; i < count; i++) {
    before(i);
    // Fresh readings of every device, and five minutes of calm to compare with.
    for (let minute = 0; minute < 2; minute++) await advance(MINUTE_MS);
    bench.push();
    await advance(MINUTE_MS);
    bench.relax();
    const giveUpMs = atMs + LONGEST_EVENT_MS;
    while (released <= i && atMs < giveUpMs) await advance(LONG_STEP_MS);
    if (released <= i)
      throw new Error(`activation ${i + 1} did not end within ${LONGEST_EVENT_MS / 3_600_000} h of grid time`);
    if ((i + 1) % SAY_EVERY === 0) say(`${i + 1} of ${count} activations`);
  }
  stop();
}

/** Of each activation in turn its slowest plan, from detection to the last command; wall milliseconds. */
async function perActivation(network: Network): Promise<readonly (number | null)[]> {
  const slowest = new Map<string, { triggerMs: number; ms: number | null }>();
  for (let offset = 0; ; offset += PAGE) {
    const { orders: page } = await readApi<{ orders: OrderView[] }>(
      network,
      `/api/v1/orders?limit=${PAGE}&offset=${offset}`,
    );
    for (const { eventId, triggerMs, detectionToDispatchMs: ms } of page) {
      const known = slowest.get(eventId) ?? { triggerMs, ms: null };
      const slower = ms === null ? known.ms : Math.max(ms, known.ms ?? 0);
      slowest.set(eventId, { triggerMs: Math.min(triggerMs, known.triggerMs), ms: slower });
    }
    if (page.length < PAGE) break;
  }
  return [...slowest.values()].sort((a, b) => a.triggerMs - b.triggerMs).map(({ ms }) => ms);
}

function compare(figures: readonly (number | null)[], hangs: readonly boolean[]): object {
  const of = (hanging: boolean) =>
    roundedPercentiles(
      figures.flatMap((ms, index) => (index < WARM_UP || hangs[index] !== hanging || ms === null ? [] : [ms])),
    );
  const [whileHung, whileAnswering] = [of(true), of(false)];
  const ratio = (of: 'p50' | 'p95' | 'p99') => Math.round((100 * whileHung[of]!) / whileAnswering[of]!) / 100;
  return { whileHung, whileAnswering, hungOverAnswering: { p50: ratio('p50'), p95: ratio('p95'), p99: ratio('p99') } };
}

function report(options: ActivationBenchOptions, summary: Summary, seconds: number): object {
  return {
    bench: 'activation',
    simulatedDevices: options.ders,
    bpps: 2,
    hungBpps: options.hung,
    activations: summary.overloads.length,
    warmUpIncluded: WARM_UP,
    orders: summary.orders,
    ordersNotKept: summary.ordersNotKept,
    commands: summary.commands,
    detectionToDispatchMs: summary.detectionToDispatchMs,
    detectionToAckMs: summary.detectionToAckMs,
    auditWhole: summary.audit.verified,
    seconds: Math.round(seconds * 10) / 10,
    memoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}
