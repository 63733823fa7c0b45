/** A fleet on a broker of its own, and what is heard of it. */
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { type Broker, memoryAccounts, startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { BusAccount, BusClient, BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import { type Fleet, startFleet } from './fleet.ts';
import type { Behaviour, DerManifest } from './model.ts';
import { makeFleet } from './portfolio/manifest.ts';

export const T0 = Date.parse('2026-01-15T17:00:00Z');
export const MINUTE = 60_000;
export const FEEDERS = ['feeder-1', 'feeder-2'].map((feederId) => ({ feederId, base: () => 200 }));
export const log = createLogger('test', 'silent');
export const password = 'only-for-this-test';

/** A broker, a fleet on it, and an aggregator and a DSO who hear everything. */
export async function network(ders: readonly DerManifest[], live = false) {
  const wall = systemWallClock();
  const activity = new Activity();
  const grid = new SteppedGridClock(T0);
  const accounts = memoryAccounts();
  const open = (username: string, publish: string[], subscribe: string[]): BusAccount => {
    const account = { username, password, publish, subscribe };
    accounts.add(account);
    return account;
  };
  for (const { aggregatorId, derId } of ders) {
    const topic = `flex/v1/${aggregatorId}/${derId}`;
    open(
      derId,
      ['birth', 'ack', 'telemetry', 'state'].map((kind) => `${topic}/${kind}`),
      [`${topic}/cmd`],
    );
  }
  for (const { feederId } of FEEDERS) open(feederId, [`grid/v1/dso/${feederId}/telemetry`], []);
  open(
    'aggregator',
    ['flex/v1/a/+/cmd'],
    ['birth', 'ack', 'telemetry', 'state'].map((kind) => `flex/v1/a/+/${kind}`),
  );
  open('dso', [], ['grid/v1/dso/+/telemetry']);
  const broker = await startBroker({ host: '127.0.0.1', port: 0, accounts, log });
  const bus = mqttBus(broker.url, { wall, log, activity });
  const heard: { kind: string; body: Record<string, unknown>; retained: boolean }[] = [];
  const hear = (message: BusMessage) => {
    const [family, , , , last] = message.topic.split('/');
    const body = JSON.parse(new TextDecoder().decode(message.payload));
    heard.push({ kind: family === 'grid' ? 'feeder-telemetry' : last!, body, retained: message.retained });
  };
  const aggregator = await bus.connect({ clientId: 'aggregator', username: 'aggregator', password });
  for (const kind of ['birth', 'ack', 'telemetry', 'state']) await aggregator.subscribe(`flex/v1/a/+/${kind}`, hear);
  const dso = await bus.connect({ clientId: 'dso', username: 'dso', password });
  await dso.subscribe('grid/v1/dso/+/telemetry', hear);
  const fleet = await startFleet({
    wall,
    grid,
    log,
    activity,
    connect: (options) => bus.connect(options),
    ders,
    feeders: FEEDERS,
    dsoId: 'dso',
    seed: 5,
    live,
    credentials: (id) => ({ username: id, password }),
  });
  return { wall, activity, grid, accounts, broker, aggregator, dso, fleet, heard, bus };
}

export type Network = Awaited<ReturnType<typeof network>>;

/** Waits until `done` holds; the bound is the test's own. */
export async function until({ wall }: Network, done: () => boolean): Promise<void> {
  while (!done()) await wall.sleep(5);
}

export async function advance({ grid, fleet }: Network, toMs: number): Promise<void> {
  for (let next = grid.nextTimerMs(); next !== undefined && next < toMs; next = grid.nextTimerMs())
    await grid.advanceTo(next);
  await grid.advanceTo(toMs);
  await fleet.step(toMs);
}

export async function close({
  fleet,
  aggregator,
  dso,
  broker,
}: {
  fleet: Fleet;
  aggregator: BusClient;
  dso: BusClient;
  broker: Broker;
}) {
  await fleet.close();
  await aggregator.close();
  await dso.close();
  await broker.close();
}

export function twenty(behaviours: Partial<Record<Behaviour, number>> = {}): DerManifest[] {
  return makeFleet({
    seed: 5,
    ders: 20,
    feeders: FEEDERS.map(({ feederId }) => feederId),
    aggregators: [{ id: 'a', mix: { battery: 0.5, 'ev-charger': 0.3, 'heat-pump': 0.2 } }],
    atMs: T0,
    behaviours,
  });
}

export function order(der: DerManifest, over: Partial<DeviceCommand> = {}): DeviceCommand {
  const types = {
    battery: 'DISPATCH_SETPOINT',
    'ev-charger': 'IMPORT_CAPACITY_LIMIT',
    'heat-pump': 'CONTROL_SETPOINT',
  } as const;
  return {
    v: 1,
    command_id: `command-${der.derId}`,
    der_id: der.derId,
    sequence: 1,
    type: types[der.type],
    order_id: 'order-1',
    obp_id: 'obp-1',
    event_id: 'event-1',
    target_kw: der.type === 'battery' ? -2 : 0,
    start_at: new Date(T0).toISOString(),
    stop_at: new Date(T0 + 10 * MINUTE).toISOString(),
    valid_until: new Date(T0 + 2 * MINUTE).toISOString(),
    release_delay_s: 0,
    issued_at: new Date(T0).toISOString(),
    ...over,
  };
}

export const FINAL = new Set(['ACCEPTED', 'REJECTED', 'OPTED_OUT', 'EXPIRED']);
export const finals = (net: Network) =>
  net.heard
    .filter(({ kind, body }) => kind === 'ack' && FINAL.has(String(body.result)))
    .map(({ body }) => body as unknown as DeviceAck);
