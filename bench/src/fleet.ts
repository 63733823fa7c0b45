/** One activation of a large fleet in real time, each service a process of its own: every answer is counted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemWallClock, type WallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import type { OutsideBroker } from '@flexder/sandbox/network/broker.ts';
import { Closing } from '@flexder/sandbox/network/closing.ts';
import { HOST } from '@flexder/sandbox/network/ids.ts';
import { makePlan, type Plan, type PlannedService, serviceNames } from '@flexder/sandbox/serve/plan/plan.ts';
import { freePorts, writePlan } from '@flexder/sandbox/serve/plan/plan-folder.ts';
import { activate, type Bench, figuresOf } from './fleet/activation.ts';
import { commandTimes } from './fleet/commands.ts';
import { READING_EVERY_MS } from './fleet/devices.ts';
import { spawnDevices } from './fleet/process.ts';
import { type FleetScenario, fleetScenario, WARM_UP_DERS } from './fleet/scenario.ts';
import { startServices } from './fleet/services.ts';

export interface FleetBenchOptions {
  /** Of the feeder that is measured. */
  readonly ders: number;
  readonly bpps: number;
  readonly seed: number;
  /** Small feeders that are relieved before, one after the other: cold code is no part of the figures. */
  readonly warmUpFeeders: number;
  /** `postgres://` for all services; an embedded database in each when absent. */
  readonly databaseUrl?: string | undefined;
  /** A broker that is up; ours, in a process of its own, when absent. */
  readonly outside?: OutsideBroker;
}

/** After the devices connected: each has reported once, and its aggregator offers it. */
const FIRST_READINGS_MS = READING_EVERY_MS + 5_000;

export async function benchFleet(options: FleetBenchOptions, say: (line: string) => void): Promise<object> {
  const { databaseUrl, outside, warmUpFeeders } = options;
  const wall = systemWallClock();
  const scenarioOptions = { ...options, startMs: wall.nowMs() };
  const story = fleetScenario(scenarioOptions);
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const closing = new Closing();
  try {
    const plan = await layOut(options, story, folder, wall);
    if (outside) await outside.admit(plan.accounts);
    const services = plan.services.filter(({ name }) => name !== 'broker' || !outside);
    say(`${services.length} services start`);
    const running = closing.add(await startServices(services, variablesWith(options), wall));
    const devices = closing.add(await spawnDevices());
    const begunMs = wall.monotonicMs();
    const url = outside?.url ?? urlOf(plan, 'broker');
    await devices.start({ url, mqtt: outside?.mqtt, scenario: scenarioOptions, logins: loginsOf(plan) });
    const connectSeconds = Math.round((wall.monotonicMs() - begunMs) / 100) / 10;
    const { connected } = await devices.counts();
    say(`${connected} devices connected in ${connectSeconds} s; each reports once a minute`);
    await wall.sleep(FIRST_READINGS_MS);
    const pids = new Map([...running.pids, ['devices', devices.pid]]);
    const bench: Bench = { dso: urlOf(plan, 'bap'), devices, pids, wall };
    const warmUp = await warmed(bench, story.warmUp, say);
    const activated = await activate(bench, story.measured);
    const load = loadavg().map((minutes) => Math.round(minutes * 10) / 10);
    const commandMs = databaseUrl === undefined ? null : await commandTimes(databaseUrl, activated.orders, wall);
    return {
      bench: 'fleet',
      database: databaseUrl === undefined ? 'embedded' : 'PostgreSQL',
      broker: outside ? 'outside' : 'embedded',
      ...{ simulatedDevices: options.ders, bpps: options.bpps, processes: pids.size, connected, connectSeconds },
      warmUp: { feeders: warmUpFeeders, devicesEach: WARM_UP_DERS, slowestOrderMs: warmUp },
      ...figuresOf(activated, commandMs),
      commandsExecuted: (await devices.counts()).executed,
      loadAverage: load,
    };
  } finally {
    await closing.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function layOut(
  { seed, ders, bpps }: FleetBenchOptions,
  { scenario }: FleetScenario,
  dir: string,
  wall: WallClock,
): Promise<Plan> {
  const shape = { bpps };
  const size = { seed, ders, feeders: scenario.feeders.length };
  const place = { dir, nowMs: wall.nowMs(), bapHost: HOST, telemetrySeconds: READING_EVERY_MS / 1000, scenario };
  const secret = () => Buffer.from(systemIds().secret(24)).toString('base64url');
  const plan = makePlan({ ...shape, ...size, ...place, secret }, await freePorts(serviceNames(shape)));
  writePlan(dir, plan);
  return plan;
}

const urlOf = ({ services }: Plan, name: string) => services.find((service) => service.name === name)!.url;

function loginsOf({ accounts }: Plan) {
  return accounts
    .filter(({ username }) => /^(der|rtu)\//.test(username))
    .map(({ username, password }) => [username.split('/').at(-1)!, { username, password }] as const);
}

/** What services are told beyond the plan. */
function variablesWith({ databaseUrl, outside }: FleetBenchOptions) {
  return ({ kind }: PlannedService): Record<string, string> => ({
    FLEXDER_LOG_LEVEL: 'error',
    ...(databaseUrl !== undefined && kind !== 'broker' && { FLEXDER_DATABASE_URL: databaseUrl }),
    ...(outside && (kind === 'bap' || kind === 'bpp') && { FLEXDER_MQTT_URL: outside.url }),
  });
}

async function warmed(bench: Bench, feeders: readonly string[], say: (line: string) => void) {
  const slowest: (number | null)[] = [];
  for (const feederId of feeders) {
    const { commands, detectionToDispatchMs } = figuresOf(await activate(bench, feederId), null);
    slowest.push(detectionToDispatchMs.max);
    say(`warm-up ${slowest.length} of ${feeders.length}: ${commands} commands, ${detectionToDispatchMs.max} ms`);
  }
  return slowest;
}
