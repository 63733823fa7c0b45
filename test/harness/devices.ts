/** One aggregator and its simulated devices on the embedded broker or one outside, with every login known: for attacks on the bus. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AggregatorService } from '@flexder/bpp-aggregator/main.ts';
import { type Fleet, startFleet } from '@flexder/der-simulators/fleet.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { type RegistryService, startRegistry } from '@flexder/registry-mock/main.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { startAggregators } from '@flexder/sandbox/network/aggregators.ts';
import type { OutsideBroker } from '@flexder/sandbox/network/broker.ts';
import { Closing } from '@flexder/sandbox/network/closing.ts';
import { layField } from '@flexder/sandbox/network/field.ts';
import { type Foundation, type Login, layFoundation } from '@flexder/sandbox/network/foundation.ts';
import { DSO_ID, HOST, REGISTRY_ID } from '@flexder/sandbox/network/ids.ts';
import { activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';
import type { Scenario } from '@flexder/sandbox/scenario/types.ts';

export interface DeviceNetwork {
  readonly scenario: Scenario;
  readonly context: Context;
  readonly registry: RegistryService;
  readonly aggregator: AggregatorService;
  readonly fleet: Fleet;
  readonly ders: readonly DerManifest[];
  readonly mqttUrl: string;
  /** By DER id. */
  readonly logins: ReadonlyMap<string, Login>;
  readonly aggregatorLogin: Login;
  /** Lets further accounts in; resolves when the broker does. */
  grant(account: BusAccount): Promise<Login>;
  advance(byMs: number): Promise<void>;
  settle(): Promise<void>;
  close(): Promise<void>;
}

export async function openDevices(count: number, outside?: OutsideBroker): Promise<DeviceNetwork> {
  const { scenario } = activationBench({ seed: 1, ders: count, bpps: 1, historyDays: 1 });
  const dataDir = mkdtempSync(join(tmpdir(), 'flexder-devices-'));
  const closing = new Closing();
  const logLevel = 'silent';
  const time = { time: 'stepped' as const, startMs: scenario.startMs };
  const field = closing.add(await layField({ logLevel, ...time, ...(outside && { outside }) }));
  const foundation = await layFoundation({ dataDir, logLevel }, field, closing);
  const { contextOf, settle, stepped } = foundation;
  const place = { host: HOST, port: 0, profile: 'sandbox' as const, subscriberId: subscriberId(REGISTRY_ID) };
  const registry = closing.add(await startRegistry(contextOf('registry'), place));
  const granted: Login[] = [];
  const grant: Foundation['grant'] = (account) => {
    granted.push(account);
    return foundation.grant(account);
  };
  const started = await startAggregators(scenario, { ...foundation, grant }, registry.url, closing);
  const context = contextOf('devices');
  const fleet = closing.add(
    await startFleet({
      ...{ wall: context.wall, grid: context.grid, log: context.log, activity: context.activity },
      connect: (options) => context.engines.bus.connect(options),
      ders: scenario.ders,
      feeders: [],
      dsoId: DSO_ID,
      seed: scenario.seed,
      telemetryEveryMs: scenario.stepMs,
      credentials: (id) => started.logins.get(id)!,
    }),
  );
  await settle();
  return {
    ...{ scenario, context, registry, fleet, settle },
    async grant(account) {
      const login = grant(account);
      await foundation.broker.admitted();
      return login;
    },
    ders: scenario.ders,
    aggregator: started.aggregators[0]!,
    mqttUrl: foundation.broker.url,
    logins: started.logins,
    aggregatorLogin: granted.find(({ username }) => username.startsWith('aggregator/'))!,
    async advance(byMs) {
      const toMs = context.grid.nowMs() + byMs;
      await stepped!.advanceTo(toMs);
      await settle();
      await fleet.step(toMs);
      await settle();
    },
    async close() {
      await closing.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
