/** The devices of the fleet bench: thousands in a process of their own, which does as the first one asks. */
import { type Fleet, startFleet } from '@flexder/der-simulators/fleet.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock, wallGridClock } from '@flexder/runtime/clock.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { MqttSettings } from '@flexder/runtime/engines/bus/settings.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { type FleetScenario, type FleetScenarioOptions, fleetScenario } from './scenario.ts';

export interface DevicesStart {
  readonly url: string;
  readonly mqtt?: MqttSettings | undefined;
  readonly scenario: FleetScenarioOptions;
  /** Username and password by DER id and feeder id. */
  readonly logins: readonly (readonly [string, { readonly username: string; readonly password: string }])[];
}

/** What the first process asks; each is answered once, in order, by a `DevicesAnswer`. */
export type DevicesRequest =
  | ({ readonly ask: 'start' } & DevicesStart)
  | { readonly ask: 'load'; readonly feederId: string; readonly share: number | null }
  | { readonly ask: 'counts' | 'close' };

export interface DevicesAnswer {
  readonly counts: Fleet['counts'] | null;
  readonly error?: string;
}

export const READING_EVERY_MS = 60_000;

/** Serves the process that started this one, until it asks to close or goes away. */
export async function serveDevices(): Promise<void> {
  const devices = new Devices();
  let turn = Promise.resolve();
  await new Promise<void>((resolve) => {
    process.once('disconnect', resolve);
    process.on('message', (request: DevicesRequest) => {
      turn = turn.then(async () => {
        const error = await devices.serve(request).then(
          () => undefined,
          (reason: unknown) => String(reason),
        );
        process.send?.({ counts: devices.counts, ...(error && { error }) } satisfies DevicesAnswer);
        if (request.ask === 'close') process.disconnect();
      });
    });
    process.send?.('ready');
  });
}

class Devices {
  #fleet: Fleet | undefined;
  #bench: FleetScenario | undefined;

  get counts(): Fleet['counts'] | null {
    return this.#fleet?.counts ?? null;
  }

  async serve(request: DevicesRequest): Promise<void> {
    if (request.ask === 'start') await this.#start(request);
    else if (request.ask === 'load') this.#bench?.load(request.feederId, request.share);
    else if (request.ask === 'close') await this.#fleet?.close();
  }

  async #start({ url, mqtt, scenario, logins }: DevicesStart): Promise<void> {
    this.#bench = fleetScenario(scenario);
    const { ders, feeders, seed } = this.#bench.scenario;
    const [wall, activity, log] = [systemWallClock(), new Activity(), createLogger('devices', 'error')];
    const grid = wallGridClock(wall, (error, label) => log.error({ error: String(error), label }, 'a timer failed'));
    const bus = mqttBus(url, { wall, log, activity }, mqtt);
    const byId = new Map(logins);
    this.#fleet = await startFleet({
      ...{ wall, grid, log, activity, ders, feeders, seed, dsoId: DSO_ID },
      ...{ live: true, spread: true, telemetryEveryMs: READING_EVERY_MS },
      connect: (options) => bus.connect(options),
      credentials: (id) => byId.get(id)!,
    });
  }
}
