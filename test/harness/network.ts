/** The production network in one process, on its own ports and its own in-memory database, for one test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readApi } from '@flexder/sandbox/network/api.ts';
import { type Network, type NetworkOptions, startNetwork } from '@flexder/sandbox/network/network.ts';
import { type ActivationBench, activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';

export interface TestNetworkOptions extends Partial<Omit<NetworkOptions, 'scenario'>> {
  readonly seed?: number;
  readonly ders?: number;
  readonly bpps?: number;
  /** Days of meter history of each device, which a baseline of settlement looks back on; default 1. */
  readonly historyDays?: number;
}

export interface TestNetwork extends Network {
  /** Raises the feeder's load over its limit, or lowers it; the next reading shows it. */
  readonly feeder: Pick<ActivationBench, 'push' | 'relax'>;
  readonly dataDir: string;
  /** Grid time moves on by so much, and everything that follows from it happens. */
  advance(byMs: number): Promise<void>;
  /** The DSO's operator API. */
  api<T>(path: string): Promise<T>;
}

/** One feeder, two aggregators and a few dozen devices, unless asked otherwise. */
async function create(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const { seed = 1, ders = 30, bpps = 2, historyDays = 1, ...network } = options;
  const bench = activationBench({ seed, ders, bpps, historyDays });
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'flexder-test-'));
  const running = await startNetwork({
    scenario: bench.scenario,
    port: 0,
    logLevel: 'silent',
    time: 'stepped',
    ...network,
    dataDir,
  });
  const close = async () => {
    await running.close();
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  const { grid } = running.context;
  return {
    ...running,
    feeder: bench,
    dataDir,
    advance: (byMs) => running.advanceTo(grid.nowMs() + byMs),
    api: (path) => readApi(running, path),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const TestNetwork = { create };
