/** A network of service processes on this machine, laid out by `flexder serve plan`, that a test kills and starts again. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { freePort } from '@flexder/runtime/http/free-port.ts';
import { type Balancer, startBalancer } from '@flexder/runtime/testing/balancer.ts';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';
import { flexder } from '../cli/flexder.ts';
import { askUntil, getJson, type Running, startProcess, stopProcess } from './processes.ts';

type Variables = Record<string, string>;

export interface ClusterOptions {
  readonly ders: number;
  readonly bpps?: number;
  /** Further processes of the first aggregator, behind a load balancer; they need a database server. */
  readonly copies?: number;
  readonly seed?: number;
  /** Between two readings of a device. */
  readonly telemetrySeconds?: number;
  /** Feeder limits, as shares of those of the plan; high by default, so that nobody but the test buys. */
  readonly limitShare?: number;
  /** Of one service, beyond the plan: engines, deadlines. */
  variables?(service: string): Variables;
}

export interface Cluster {
  readonly dir: string;
  /** Of the device bus, one that hears everything included. */
  readonly accounts: readonly BusAccount[];
  readonly services: readonly PlannedService[];
  readonly registry: { readonly url: string };
  /** Beckn address of an aggregator, that of the balancer where it has several processes. */
  bpp(index?: number): { readonly id: string; readonly url: string };
  /** Of the aggregator with several processes. */
  readonly balancer: Balancer | undefined;
  /** What was started under this name last. */
  of(name: string): Running;
  running(): Running[];
  /** Resolves when it is ready. */
  start(name: string, variables?: Variables): Promise<Running>;
  /** Starts these side by side. */
  startAll(...names: readonly string[]): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(name: string): Promise<void>;
  stop(name: string): Promise<number | null>;
  /** The devices of these aggregators are online and were read, but for the few that the scenario keeps away. */
  untilDevices(...names: readonly string[]): Promise<void>;
  /** Everything that was ever said by any of them. */
  logs(): string;
  close(): Promise<void>;
}

export const TAP: BusAccount = { username: 'tap', password: 'tap of the tests', publish: [], subscribe: ['flex/v1/#'] };
const LIMIT_SHARE = 10;
const ONLINE_SHARE = 0.8;
const PORT_TRIES = 5;
const PORT_PAUSE_MS = 1_000;
const DEVICES_MS = 75_000;

export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { ders, bpps = 2, copies = 0, seed = 1, limitShare = LIMIT_SHARE, telemetrySeconds = 2 } = options;
  const dir = mkdtempSync(join(tmpdir(), 'flexder-cluster-'));
  const size = ['--ders', String(ders), '--bpps', String(bpps), '--seed', String(seed)];
  // The past of meters takes longer to read than a test lasts, and no fault is about it.
  const telemetry = ['--telemetry-seconds', String(telemetrySeconds), '--no-meter-history'];
  const plan = flexder(['serve', 'plan', '--dir', dir, ...size, ...telemetry, '--json']);
  if (plan.code !== 0) throw new Error(`the plan failed: ${plan.err}`);
  const services: PlannedService[] = JSON.parse(plan.out).services;
  const accounts = rewrite<BusAccount[]>(join(dir, 'accounts.json'), (all) => [...all, TAP]);
  rewrite<{ limitKw: number }[]>(join(dir, 'feeders.json'), (feeders) =>
    feeders.map((one) => ({ ...one, limitKw: one.limitKw * limitShare })),
  );
  const first = services.find(({ name }) => name === 'bpp-1');
  const balancer = copies > 0 ? await startBalancer() : undefined;
  for (let copy = 1; first && copy <= copies; copy++)
    services.push(await copyOf(first, `bpp-1${String.fromCharCode(97 + copy)}`));
  if (balancer) balancer.backends = services.filter(isFirst).map(({ url }) => url);
  const running = new Map<string, Running>();
  const ended: Running[] = [];

  const of = (name: string) => {
    const one = running.get(name);
    if (!one) throw new Error(`${name} was not started`);
    return one;
  };
  async function start(name: string, variables: Variables = {}): Promise<Running> {
    const service = services.find((one) => one.name === name);
    if (!service) throw new Error(`the plan has no ${name}`);
    const before = running.get(name);
    if (before) ended.push(before);
    const own = {
      ...(balancer && isFirst(service) && { FLEXDER_BPP_PUBLIC_URL: `${balancer.url}/beckn` }),
      ...(service.name !== first?.name && isFirst(service) && placeOf(dir, service)),
      ...options.variables?.(name),
      ...variables,
    };
    for (let tries = PORT_TRIES; ; ) {
      const one = startProcess(service, own);
      running.set(name, one);
      try {
        await one.ready;
        return one;
      } catch (error) {
        // Its port was free when it was chosen; somebody's outgoing connection may have it now.
        if (--tries === 0 || !String(error).includes('EADDRINUSE')) throw error;
        ended.push(one);
        await sleep(PORT_PAUSE_MS);
      }
    }
  }
  async function end(name: string, how: 'kill' | 'stop'): Promise<number | null> {
    const one = of(name);
    if (one.child.exitCode !== null || one.child.signalCode !== null) return one.child.exitCode;
    if (how === 'stop') return stopProcess(one);
    const exited = once(one.child, 'exit');
    one.child.kill('SIGKILL');
    await exited;
    return null;
  }

  return {
    ...{ dir, accounts, services, balancer, of, start },
    registry: { url: services.find(({ name }) => name === 'registry')!.url },
    running: () => [...running.values()],
    bpp(index = 1) {
      const { url } = services.find(({ name }) => name === `bpp-${index}`)!;
      return { id: `aggregator-${index}`, url: `${index === 1 && balancer ? balancer.url : url}/beckn` };
    },
    startAll: async (...names) => {
      await Promise.all(names.map((name) => start(name)));
    },
    kill: async (name) => {
      await end(name, 'kill');
    },
    stop: (name) => end(name, 'stop'),
    async untilDevices(...names) {
      for (const name of names)
        await askUntil(
          () => getJson(`${of(name).url}/api/v1/portfolio`),
          ({ body }) => isUp(devicesOf(body)),
          DEVICES_MS,
        );
    },
    logs: () => [...ended, ...running.values()].map((one) => one.log()).join('\n'),
    async close() {
      await Promise.all([...running.keys()].map((name) => end(name, 'kill')));
      await balancer?.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const isFirst = ({ name }: PlannedService) => /^bpp-1\D?$/.test(name);

async function copyOf(service: PlannedService, name: string): Promise<PlannedService> {
  const [port, health] = [await freePort(), await freePort()];
  return { ...service, name, url: `http://127.0.0.1:${port}`, health: `http://127.0.0.1:${health}` };
}

function placeOf(dir: string, { name, url, health }: PlannedService): Variables {
  const portOf = (at: string) => new URL(at).port;
  return {
    FLEXDER_BPP_PORT: portOf(url),
    FLEXDER_HEALTH_PORT: portOf(health),
    FLEXDER_DATA: join(dir, 'data', name),
  };
}

function rewrite<T>(path: string, change: (value: T) => T): T {
  const changed = change(JSON.parse(readFileSync(path, 'utf8')) as T);
  writeFileSync(path, JSON.stringify(changed));
  return changed;
}

function isUp(devices: ReturnType<typeof devicesOf>): boolean {
  const up = devices.filter((der) => der.online && der.readAt !== null).length;
  return up > 0 && up >= devices.length * ONLINE_SHARE;
}

function devicesOf(body: Record<string, unknown>): { online: boolean; readAt: string | null }[] {
  return (body.feeders as { ders: { online: boolean; readAt: string | null }[] }[]).flatMap(({ ders }) => ders);
}
