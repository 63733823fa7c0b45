import type { Summary as DsoSummary } from '@flexder/bap-dso/operator-api/summary.ts';
import { readApi } from '../network/api.ts';
import type { Network } from '../network/network.ts';
import { pacedStep } from '../network/pace.ts';
import { type Check, checksOf } from './checks.ts';

/** The last windows end and their meters are read after the scenario's end; nothing is open longer than this. */
const AFTERMATH_MS = 3 * 3_600_000;

/** What the DSO's own summary says, with what only the scenario can know beside it. */
export interface DemoSummary extends Omit<DsoSummary, 'overloads' | 'settlement'> {
  readonly settlement: { readonly rows: number; readonly totalMwh: number; readonly paymentGbp: number };
  readonly scenario: string;
  readonly simulated: true;
  readonly seed: number;
  readonly ders: number;
  readonly feeders: number;
  readonly bpps: number;
  readonly overloads: readonly (DsoSummary['overloads'][number] & { readonly peakWithoutKw: number })[];
  /** Highest load of each feeder, dispatched and with nobody dispatched. */
  readonly feederPeaks: readonly { feederId: string; limitKw: number; peakKw: number; peakWithoutKw: number }[];
  readonly wallSeconds: number;
  readonly memoryMb: number;
  readonly checks: readonly Check[];
  readonly ok: boolean;
}

const readSummary = (network: Network) => readApi<DsoSummary>(network, '/api/v1/summary');
const peakMb = () => Math.round(process.resourceUsage().maxRSS / 1024);

/**
 * Drives the scenario to its end, step by step, and asks the DSO what happened. `speed` in grid seconds per second; as
 * fast as it goes when absent.
 */
export async function runScenario(
  network: Network,
  onStep: (gridMs: number) => void,
  speed = Number.POSITIVE_INFINITY,
): Promise<DemoSummary> {
  const { scenario, context } = network;
  const startedMs = context.wall.monotonicMs();
  const peaks = new Map<string, number>();
  const step = async (toMs: number) => {
    await pacedStep(context.wall, speed, scenario.stepMs, () => network.advanceTo(toMs));
    for (const [feederId, kw] of network.fleet.feederKw) {
      peaks.set(feederId, Math.max(kw, peaks.get(feederId) ?? Number.NEGATIVE_INFINITY));
    }
    onStep(toMs);
  };
  for (let atMs = scenario.startMs; atMs <= scenario.endMs; atMs += scenario.stepMs) await step(atMs);
  const lastMs = scenario.endMs + AFTERMATH_MS;
  for (
    let atMs = scenario.endMs + scenario.stepMs;
    atMs <= lastMs && !(await allClosed(network));
    atMs += scenario.stepMs
  ) {
    await step(atMs);
  }
  const wallSeconds = Math.round(context.wall.monotonicMs() - startedMs) / 1000;
  return complete(network, await readSummary(network), peaks, wallSeconds);
}

async function allClosed(network: Network): Promise<boolean> {
  const { overloads } = await readApi<{ overloads: unknown[] }>(network, '/api/v1/overloads?open=true&limit=1');
  return overloads.length === 0;
}

function complete(
  network: Network,
  summary: DsoSummary,
  peaks: ReadonlyMap<string, number>,
  wallSeconds: number,
): DemoSummary {
  const { scenario } = network;
  const without = new Map(scenario.undispatched().map((series) => [series.feederId, series.peakKw]));
  const round = (kw: number) => Math.round(kw * 10) / 10;
  const full = {
    scenario: scenario.name,
    simulated: true as const,
    seed: scenario.seed,
    ders: scenario.ders.length,
    feeders: scenario.feeders.length,
    bpps: scenario.aggregators.length,
    ...summary,
    settlement: {
      rows: summary.settlement.rows,
      totalMwh: Number(summary.settlement.totalMwh),
      paymentGbp: Number(summary.settlement.paymentGbp),
    },
    overloads: summary.overloads.map((overload) => ({
      ...overload,
      peakWithoutKw: round(without.get(overload.feederId) ?? Number.NaN),
    })),
    feederPeaks: scenario.feeders.map(({ feederId, limitKw }) => ({
      feederId,
      limitKw,
      peakKw: round(peaks.get(feederId) ?? Number.NaN),
      peakWithoutKw: round(without.get(feederId) ?? Number.NaN),
    })),
    wallSeconds,
    memoryMb: peakMb(),
  };
  const checks = checksOf(full);
  return { ...full, checks, ok: checks.every(({ holds }) => holds) };
}
