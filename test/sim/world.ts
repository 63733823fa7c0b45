/** The production code of every participant on simulated engines: one seed's network, from its first start. */
import { createHash } from 'node:crypto';
import { startBap } from '@flexder/bap-dso/main.ts';
import { type AggregatorService, startAggregator } from '@flexder/bpp-aggregator/main.ts';
import { startFleet } from '@flexder/der-simulators/fleet.ts';
import { feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { startGateway, startRegistry } from '@flexder/registry-mock/main.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { wallGridClock } from '@flexder/runtime/clock.ts';
import type { Context, Ids } from '@flexder/runtime/context.ts';
import { aggregatorAccount, dsoAccount, memoryAccounts, rtuAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { memoryEvents } from '@flexder/runtime/engines/events/memory.ts';
import { type Random, seededRandom } from '@flexder/runtime/random.ts';
import { DSO_ID, HOST, REGISTRY_ID } from '@flexder/sandbox/network/ids.ts';
import { memoryArchive } from './archive.ts';
import { SimBus } from './bus.ts';
import { VirtualClock } from './clock.ts';
import type { SimDatabase } from './database.ts';
import { Faults } from './faults.ts';
import { clocksOf, Life } from './life.ts';
import { SimNetwork } from './network.ts';
import { type SimProcess, simProcess } from './process.ts';
import { SimQueues } from './queue.ts';
import { type SimScenario, START_MS, scenarioOf } from './scenario.ts';
import { aggregatorConfig, bapConfigOf, gatewayConfig, PORTS, portfolioOf } from './settings.ts';
import { silent, uncounted } from './silent.ts';
import { Trace } from './trace.ts';

export interface World {
  readonly seed: number;
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly bus: SimBus;
  readonly queues: SimQueues;
  readonly database: SimDatabase;
  readonly scenario: SimScenario;
  readonly processes: readonly SimProcess<unknown>[];
  /** Ends the devices; what services run goes with the clock. */
  close(): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly orders: number;
  readonly database: SimDatabase;
  /** Keeps the whole trace. */
  readonly keepTrace?: boolean;
  /** Share of the kinds of fault that a seed has. */
  readonly faultShare?: number;
}

/** Starts everything, undisturbed. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { seed, database } = options;
  const random = seededRandom(`sim/${seed}`);
  const clock = new VirtualClock(START_MS, random.fork('order of timers'));
  const trace = new Trace(() => clock.nowMs(), options.keepTrace);
  const faults = new Faults(random.fork('faults'), options.faultShare);
  const accounts = memoryAccounts();
  const network = new SimNetwork(clock, faults, trace);
  const bus = new SimBus(clock, faults, trace, accounts);
  const queues = new SimQueues(clock, faults);
  const archives = new Map<string, ReturnType<typeof memoryArchive>>();
  const lives = new Map<string, number>();
  await database.reset();

  function contextOf(name: string, life: Life): Context {
    const archive = archives.get(name) ?? memoryArchive();
    archives.set(name, archive);
    const serial = (lives.get(name) ?? 0) + 1;
    lives.set(name, serial);
    return {
      ...clocksOf(life, clock, () => {}, random.fork(`late/${name}/${serial}`)),
      ids: idsOf(random.fork(`ids/${name}/${serial}`)),
      log: silent,
      metrics: uncounted,
      activity: new Activity(),
      http: network.outbound(name, life),
      listen: network.listen(name, life),
      engines: {
        database: database.engine(life),
        queue: queues.engine(life),
        bus: bus.of(life),
        events: memoryEvents(silent),
        archive,
      },
    };
  }
  const grant = (account: BusAccount) => {
    accounts.add(account);
    return { username: account.username, password: account.password };
  };
  const scenario = scenarioOf(seed, options.orders, random.fork('scenario'));
  const deps = { clock, trace, contextOf };
  const up = <S>(process: SimProcess<S>) => clock.runUntil(process.start());
  const registry = simProcess('registry', deps, (context) =>
    startRegistry(context, {
      host: HOST,
      port: PORTS.registry,
      profile: 'sandbox',
      subscriberId: subscriberId(REGISTRY_ID),
    }),
  );
  const gateway = simProcess('gateway', deps, (context) => startGateway(context, gatewayConfig()));
  const secret = (name: string) => createHash('sha256').update(`${seed}/${name}`).digest('base64url');
  const aggregators = scenario.aggregators.map((one, index) => {
    const busCredentials = grant(aggregatorAccount(subscriberId(one.subscriberId), secret(one.subscriberId)));
    const config = aggregatorConfig(scenario, index, busCredentials);
    return simProcess(one.subscriberId, deps, (context) => startAggregator(context, config));
  });
  const dso = bapConfigOf(scenario, grant(dsoAccount(subscriberId(DSO_ID), secret(DSO_ID))));
  const bap = simProcess(DSO_ID, deps, (context) => startBap(context, dso));

  await up(registry);
  await up(gateway);
  const logins = new Map<string, { username: string; password: string }>();
  for (const [index, process] of aggregators.entries()) {
    const service: AggregatorService = await up(process);
    const portfolio = portfolioOf(scenario, scenario.aggregators[index]!.subscriberId);
    for (const account of await clock.runUntil(service.enrol(portfolio as never)))
      logins.set(account.username.split('/').at(-1)!, grant(account));
  }
  await up(bap);
  for (const feeder of scenario.feeders) {
    const account = rtuAccount(subscriberId(DSO_ID), feederId(feeder.feederId), secret(feeder.feederId));
    logins.set(feeder.feederId, grant(account));
  }
  const field = new Life();
  await clock.runUntil(
    startFleet({
      ...{ wall: clock, grid: wallGridClock(clock, () => {}), log: silent, activity: new Activity() },
      connect: (connect) => bus.of(field).connect(connect),
      ...{ ders: scenario.ders, feeders: scenario.feeders, dsoId: DSO_ID, seed, telemetryEveryMs: 60_000 },
      credentials: (id) => logins.get(id)!,
      live: true,
    }),
  );
  const processes: SimProcess<unknown>[] = [registry, gateway, ...aggregators, bap];
  return {
    ...{ seed, random, clock, faults, trace, network, bus, queues, database, scenario, processes },
    close: () => field.kill(),
  };
}

/** Ids and secrets from the seed. */
function idsOf(random: Random): Ids {
  const secret = (bytes: number) => Uint8Array.from({ length: bytes }, () => random.integer(0, 255));
  return {
    secret,
    uuid() {
      const hex = Buffer.from(secret(16)).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
