/** One activation of a large fleet: every device is commanded, and every answer counted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Summary } from '@flexder/bap-dso/operator-api/summary.ts';
import { feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { rtuAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { readApi } from '@flexder/sandbox/network/api.ts';
import type { OutsideBroker } from '@flexder/sandbox/network/broker.ts';
import { Closing } from '@flexder/sandbox/network/closing.ts';
import { type Field, layField } from '@flexder/sandbox/network/field.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { type Network, startNetwork } from '@flexder/sandbox/network/network.ts';
import { OUTSIDE_QUIET_MS, settle } from '@flexder/sandbox/network/settle.ts';
import { activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';
import { type RemoteFleet, spawnDevices } from './fleet-process.ts';
import { type Tap, type Tapped, tap } from './fleet-tap.ts';
import { roundedPercentiles } from './report.ts';

export interface FleetBenchOptions {
  readonly ders: number;
  readonly bpps: number;
  readonly seed: number;
  /** One after the other; the first pays for cold code. */
  readonly activations: number;
  /** `postgres://` for all services; the embedded database when absent. */
  readonly databaseUrl?: string | undefined;
  /** A broker that is up; the embedded one, in the process of the services, when absent. */
  readonly outside?: OutsideBroker;
}

const MINUTE_MS = 60_000;
/** While an event runs out nothing is measured: grid time moves in long steps. */
const LONG_STEP_MS = 5 * MINUTE_MS;
const LONGEST_EVENT_MS = 6 * 3_600_000;
/** Readings before the load rises: the operational baseline looks back on them. */
const CALM_MINUTES = 3;
/** On a machine with other work a search may find nobody in time: the next reading asks again. */
const OVERLOADED_MINUTES = 5;
/** All batteries: whoever is there can shed, so that one need takes every device. */
const MIX = { battery: 1, 'ev-charger': 0, 'heat-pump': 0 };
/** More is wanted than all of them together have. */
const SHARE_OF_LIMIT = 4;

export async function benchFleet(options: FleetBenchOptions, say: (line: string) => void): Promise<object> {
  const { ders, bpps, seed, outside, databaseUrl = 'pglite:database' } = options;
  const size = { seed, ders, bpps, historyDays: 1, mix: MIX };
  const made = activationBench(size).scenario;
  const scenario = { ...made, meterHistory: () => [] };
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const closing = new Closing();
  try {
    const laid = closing.add(
      await layField({ logLevel: 'error', time: 'stepped', startMs: scenario.startMs, ...(outside && { outside }) }),
    );
    const devices = closing.add(
      await spawnDevices(() => settle(laid.activity, laid.traffic, laid.wall, OUTSIDE_QUIET_MS)),
    );
    let connectedMs = 0;
    const ear = tap(() => laid.wall.monotonicMs());
    const field = fieldWith(laid, devices, ear.over, async (accounts) => {
      say(`${accounts.length} accounts; the devices connect`);
      const begunMs = laid.wall.monotonicMs();
      await devices.start({ url: laid.broker.url, mqtt: laid.broker.mqtt, scenario: size, logins: loginsOf(accounts) });
      connectedMs = laid.wall.monotonicMs() - begunMs;
      say(`${devices.counts.connected} connected in ${Math.round(connectedMs / 1000)} s`);
    });
    const network = closing.add(
      await startNetwork({
        ...{ scenario, field, dataDir: folder, databaseUrl, port: 0, logLevel: 'error' as const },
        time: 'stepped',
      }),
    );
    const activations: Tapped[] = [];
    for (let i = 0; i < options.activations; i++) {
      await activate(network, devices, ear.tapped, say);
      activations.push(ear.tapped);
      say(
        `activation ${i + 1} of ${options.activations}: ${JSON.stringify(figuresOf(ear.tapped).detectionToCommandMs)}`,
      );
      if (i + 1 < options.activations) await runOut(network);
      ear.next();
    }
    return await report(options, network, devices, activations, connectedMs);
  } finally {
    await closing.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The field with its devices in the other process and our ear on the bus. */
function fieldWith(
  laid: Field,
  devices: RemoteFleet,
  over: Tap['over'],
  start: (accounts: readonly BusAccount[]) => Promise<void>,
): Field {
  const accounts: BusAccount[] = [];
  const add = (...added: BusAccount[]) => {
    accounts.push(...added);
    laid.accounts.add(...added);
  };
  return {
    ...laid,
    accounts: { add },
    traffic: Object.create(laid.traffic, {
      observe: { value: (bus: Parameters<typeof over>[0]) => laid.traffic.observe(over(bus)) },
      total: { value: () => laid.traffic.total() },
    }),
    elsewhere: () => devices.settle(),
    fleet: async () => {
      add(...FEEDERS.map((id) => rtuAccount(subscriberId(DSO_ID), feederId(id), `bench-${id}`)));
      await laid.broker.admitted();
      await start(accounts);
      return devices;
    },
  };
}

const FEEDERS = ['feeder-1'];

function loginsOf(accounts: readonly BusAccount[]) {
  return accounts
    .filter(({ username }) => /^(der|rtu)\//.test(username))
    .map(({ username, password }) => [username.split('/').at(-1)!, { username, password }] as const);
}

async function activate(
  network: Network,
  devices: RemoteFleet,
  tapped: Tapped,
  say: (line: string) => void,
): Promise<void> {
  const advance = () => network.advanceTo(network.context.grid.nowMs() + MINUTE_MS);
  for (let minute = 0; minute < CALM_MINUTES; minute++) {
    await advance();
    say(`calm minute ${minute + 1} of ${CALM_MINUTES}`);
  }
  await devices.load(SHARE_OF_LIMIT);
  for (let minute = 0; minute < OVERLOADED_MINUTES && tapped.begun.size === 0; minute++) await advance();
  await devices.load(null);
  if (tapped.begun.size === 0)
    throw new Error(
      `no device was commanded in ${OVERLOADED_MINUTES} minutes of overload: does the database hold an earlier run?`,
    );
}

/** Relief ends and every device returns, before the next. */
async function runOut(network: Network): Promise<void> {
  const giveUpMs = network.context.grid.nowMs() + LONGEST_EVENT_MS;
  const isOver = async () => {
    const { overloads } = await readApi<Summary>(network, '/api/v1/summary');
    return overloads.every(({ state }) => state === 'RELEASED');
  };
  while (!(await isOver())) {
    if (network.context.grid.nowMs() > giveUpMs)
      throw new Error(`the event did not end within ${LONGEST_EVENT_MS / 3_600_000} h of grid time`);
    await network.advanceTo(network.context.grid.nowMs() + LONG_STEP_MS);
  }
}

/** Wall milliseconds of one activation. */
function figuresOf({ detectedMs, cpuMs, begun, sent, answered }: Tapped) {
  const since = (from: (id: string) => number | undefined, to: Map<string, number>) =>
    roundedPercentiles(
      [...begun.keys()].flatMap((id) => {
        const [a, b] = [from(id), to.get(id)];
        return a === undefined || b === undefined ? [] : [b - a];
      }),
    );
  return {
    commands: begun.size,
    answersCounted: answered.size,
    /** Each command: from the reading that crossed the limit to the broker's acknowledgement. */
    detectionToCommandMs: since(() => detectedMs, sent),
    detectionToFirstCommandMs: Math.round(Math.min(...begun.values()) - detectedMs),
    detectionToLastCommandCpuMs: cpuMs,
    commandToAckMs: since((id) => begun.get(id), answered),
  };
}

async function report(
  { ders, bpps, outside, databaseUrl }: FleetBenchOptions,
  network: Network,
  devices: RemoteFleet,
  activations: readonly Tapped[],
  connectedMs: number,
): Promise<object> {
  const summary = await readApi<Summary>(network, '/api/v1/summary');
  const each = activations.map(figuresOf);
  return {
    bench: 'fleet',
    database: databaseUrl === undefined ? 'embedded' : 'PostgreSQL',
    broker: outside ? 'outside' : 'embedded',
    simulatedDevices: ders,
    bpps,
    connected: devices.counts.connected,
    connectSeconds: Math.round(connectedMs / 100) / 10,
    activations: each,
    /** All commands but those of the first activation, which pays for cold code. */
    warmDetectionToCommandMs: roundedPercentiles(
      activations.slice(1).flatMap(({ detectedMs, sent }) => [...sent.values()].map((ms) => ms - detectedMs)),
    ),
    commandsExecuted: devices.counts.executed,
    acksAtTheDso: summary.acks,
    orders: summary.orders,
    ordersNotKept: summary.ordersNotKept,
    /** Each plan: the DSO's own figure. */
    detectionToDispatchMs: summary.detectionToDispatchMs,
    detectionToAckMs: summary.detectionToAckMs,
    memoryMb: { services: Math.round(process.resourceUsage().maxRSS / 1024), devices: devices.memoryMb },
    loadAverage: loadavg().map((load) => Math.round(load * 10) / 10),
  };
}
