/** The whole network in one process: broker, registry, gateway, the DSO, its aggregators, and the simulated fleet. */
import { type BapConfigInput, bapConfig } from '@flexder/bap-dso/config.ts';
import { startBap } from '@flexder/bap-dso/main.ts';
import type { AggregatorService } from '@flexder/bpp-aggregator/main.ts';
import { type Fleet, startFleet } from '@flexder/der-simulators/fleet.ts';
import { connectChargePoint } from '@flexder/der-simulators/ocpp/charge-point.ts';
import { feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { type RegistryService, startGateway, startRegistry } from '@flexder/registry-mock/main.ts';
import type { SteppedGridClock } from '@flexder/runtime/clock.ts';
import type { Context, Service } from '@flexder/runtime/context.ts';
import { dsoAccount, rtuAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { networkOf } from '../scenario/network-set.ts';
import type { Scenario } from '../scenario/types.ts';
import { type AggregatorChanges, startAggregators } from './aggregators.ts';
import { Closing } from './closing.ts';
import { type Field, type FieldOptions, layField } from './field.ts';
import { type Foundation, type FoundationOptions, type Login, layFoundation } from './foundation.ts';
import { CITY, COUNTRY, DOMAIN, DSO_ID, GATEWAY_ID, HOST, REGISTRY_ID } from './ids.ts';
import type { BusTraffic } from './settle.ts';

export interface NetworkOptions extends FoundationOptions, Pick<FieldOptions, 'time' | 'outside'> {
  readonly scenario: Scenario;
  /** Port of the DSO's API and page; 0 for a free one. The other services take free ones. */
  readonly port: number;
  /** Clocks, broker and devices that are there already and stay when the network closes: services that start again. */
  readonly field?: Field;
  readonly bap?: Partial<BapConfigInput>;
  readonly aggregator?: AggregatorChanges;
  /** One in so many of the simulated chargers speaks OCPP, 1.6 and 2.0.1 in turn; none when absent. */
  readonly ocppEvery?: number;
}

export interface NetworkParticipant {
  readonly subscriberId: string;
  readonly type: 'BAP' | 'BPP' | 'BG';
  readonly url: string;
}

export interface Network {
  readonly scenario: Scenario;
  readonly context: Context;
  readonly registry: RegistryService;
  readonly gateway: Service;
  readonly bap: Service;
  readonly aggregators: readonly AggregatorService[];
  readonly fleet: Fleet;
  readonly mqttUrl: string;
  readonly participants: readonly NetworkParticipant[];
  /** Moves grid time to `toMs`, through every timer on the way, and waits until all that follows from it is done. */
  advanceTo(toMs: number): Promise<void>;
  /** Waits until nothing is in flight. */
  settle(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts everything or nothing. */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const closing = new Closing();
  try {
    const network = await assemble(options, closing);
    await network.settle();
    return network;
  } catch (error) {
    await closing.close().catch(() => {});
    throw error;
  }
}

async function assemble(options: NetworkOptions, closing: Closing): Promise<Network> {
  const { scenario, logLevel, time, outside } = options;
  const field =
    options.field ??
    closing.add(await layField({ logLevel, time, startMs: scenario.startMs, ...(outside && { outside }) }));
  const foundation = await layFoundation(options, field, closing);
  const { registry, gateway } = await startRegistryAndGateway(foundation, closing);
  const { aggregators, logins } = await startAggregators(
    scenario,
    foundation,
    registry.url,
    closing,
    options.ocppEvery === undefined ? options.aggregator : withChargePoints(options.aggregator),
  );
  const bap = await startDso(options, foundation, registry.url, closing);
  const fleet = await field.fleet(() => startDevices(options, foundation, logins, aggregators, field.traffic));
  const { stepped, settle } = foundation;
  const close = () => closing.close();
  return {
    scenario,
    context: foundation.contextOf('sandbox'),
    registry,
    gateway,
    bap,
    aggregators,
    fleet,
    mqttUrl: foundation.broker.url,
    participants: [
      { subscriberId: DSO_ID, type: 'BAP', url: `${bap.url}/beckn` },
      ...aggregators.map((one) => ({ subscriberId: one.name, type: 'BPP' as const, url: one.becknUrl })),
      { subscriberId: GATEWAY_ID, type: 'BG', url: gateway.url },
    ],
    settle,
    async advanceTo(toMs) {
      if (!stepped) throw new Error('grid time is wall time here: it moves by itself');
      await advance(stepped, fleet, settle, toMs);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function startRegistryAndGateway({ contextOf }: Foundation, closing: Closing) {
  const place = { host: HOST, port: 0, profile: 'sandbox' as const };
  const registry = closing.add(
    await startRegistry(contextOf('registry'), { ...place, subscriberId: subscriberId(REGISTRY_ID) }),
  );
  const network = { registryUrl: registry.url, domain: DOMAIN, country: COUNTRY, city: CITY };
  const gateway = closing.add(
    await startGateway(contextOf('gateway'), { ...place, ...network, subscriberId: subscriberId(GATEWAY_ID) }),
  );
  return { registry, gateway };
}

async function startDso(
  { scenario, port, bap }: NetworkOptions,
  { contextOf, grant, secret }: Foundation,
  registryUrl: string,
  closing: Closing,
): Promise<Service> {
  const config = bapConfig({
    host: HOST,
    port,
    subscriberId: DSO_ID,
    dsoName: 'Sandbox DSO',
    registryUrl,
    networkProfile: 'sandbox',
    busCredentials: grant(dsoAccount(subscriberId(DSO_ID), secret())),
    feeders: scenario.feeders.map(({ feederId, name, limitKw }) => ({ feederId, name, limitKw })),
    network: networkOf(scenario),
    history: scenario.feeders.map(({ feederId, history }) => ({
      feederId,
      readings: history.map(({ atMs, kw }) => ({ atMs, powerKw: kw })),
    })),
    ...bap,
  });
  return closing.add(await startBap(contextOf(DSO_ID), config));
}

function withChargePoints(changes: AggregatorChanges = () => ({})): AggregatorChanges {
  return (one, index) => ({ ocpp: { host: HOST, port: 0 }, ...changes(one, index) });
}

/** How a device connects: the broker, or for some chargers the door of their aggregator. */
function connector(
  { scenario, ocppEvery }: NetworkOptions,
  bus: DeviceBus,
  aggregators: readonly AggregatorService[],
  traffic: BusTraffic,
): DeviceBus['connect'] {
  if (ocppEvery === undefined) return (options) => bus.connect(options);
  const urls = new Map(aggregators.map((one) => [one.name, one.ocppUrl]));
  const chargers = scenario.ders.filter((der) => der.type === 'ev-charger').filter((_, n) => n % ocppEvery === 0);
  const places = new Map(
    chargers.map((der, n) => {
      const version = n % 2 === 0 ? ('ocpp1.6' as const) : ('ocpp2.0.1' as const);
      return [der.derId, { url: urls.get(der.aggregatorId) ?? '', version }];
    }),
  );
  const ways: DeviceBus = traffic.observe({
    ...bus,
    async connect(options) {
      const place = places.get(options.clientId);
      if (!place) throw new Error(`${options.clientId} is no charge point`);
      return connectChargePoint({ ...options, ...place });
    },
  });
  return (options) => (places.has(options.clientId) ? ways : bus).connect(options);
}

async function startDevices(
  options: NetworkOptions,
  { contextOf, grant, secret }: Foundation,
  logins: Map<string, Login>,
  aggregators: readonly AggregatorService[],
  traffic: BusTraffic,
): Promise<Fleet> {
  const { scenario, time } = options;
  for (const feeder of scenario.feeders) {
    logins.set(feeder.feederId, grant(rtuAccount(subscriberId(DSO_ID), feederId(feeder.feederId), secret())));
  }
  const { wall, grid, log, activity, engines } = contextOf('fleet');
  return startFleet({
    ...{ wall, grid, log, activity },
    connect: connector(options, engines.bus, aggregators, traffic),
    ders: scenario.ders,
    feeders: scenario.feeders,
    dsoId: DSO_ID,
    seed: scenario.seed,
    telemetryEveryMs: scenario.stepMs,
    credentials: (id) => logins.get(id)!,
    live: time === 'wall',
  });
}

/** Each timer on the way fires at its own instant; devices and feeders report at `toMs`. */
async function advance(
  stepped: SteppedGridClock,
  fleet: Fleet,
  settle: () => Promise<void>,
  toMs: number,
): Promise<void> {
  for (;;) {
    const timerMs = stepped.nextTimerMs();
    if (timerMs === undefined || timerMs >= toMs) break;
    await stepped.advanceTo(timerMs);
    await settle();
  }
  await stepped.advanceTo(toMs);
  await fleet.step(toMs);
  await settle();
  // What happened just now may have set timers for this very instant.
  while ((stepped.nextTimerMs() ?? Number.POSITIVE_INFINITY) <= toMs) {
    await stepped.advanceTo(toMs);
    await settle();
  }
}
