/** The other half of the fleet bench: thousands of devices in a process of their own, told what to do by the first. */
import { type Fleet, startFleet } from '@flexder/der-simulators/fleet.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { MqttSettings } from '@flexder/runtime/engines/bus/settings.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { BusTraffic, settle } from '@flexder/sandbox/network/settle.ts';
import {
  type ActivationBench,
  type ActivationBenchOptions,
  activationBench,
} from '@flexder/sandbox/scenario/activation-bench.ts';

export interface DevicesStart {
  readonly url: string;
  readonly mqtt?: MqttSettings | undefined;
  readonly scenario: ActivationBenchOptions;
  /** Username and password by DER id and feeder id. */
  readonly logins: readonly (readonly [string, { readonly username: string; readonly password: string }])[];
}

/** What the first process asks; each is answered once, in order, by a `DevicesAnswer`. */
export type DevicesRequest =
  | ({ readonly ask: 'start' } & DevicesStart)
  | { readonly ask: 'load'; readonly share: number | null }
  /** Every device reports, and no feeder before `feeders` is asked; answered when the broker has it. */
  | { readonly ask: 'step'; readonly toMs: number }
  | { readonly ask: 'feeders' | 'settle' | 'close' };

export interface DevicesAnswer {
  readonly counts: Fleet['counts'] | null;
  /** Sent and received by all of its connections. */
  readonly messages: number;
  readonly memoryMb: number;
  readonly error?: string;
}

const QUIET_MS = 5;

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
        process.send?.({ ...devices.state(), ...(error && { error }) } satisfies DevicesAnswer);
        if (request.ask === 'close') process.disconnect();
      });
    });
    process.send?.('ready');
  });
}

class Devices {
  readonly #wall = systemWallClock();
  readonly #activity = new Activity();
  readonly #traffic = new BusTraffic();
  #grid: SteppedGridClock | undefined;
  #bench: ActivationBench | undefined;
  #fleet: Fleet | undefined;
  #feeders: { report(): void; readonly reported: Promise<void> } | undefined;

  state(): Omit<DevicesAnswer, 'error'> {
    const memoryMb = Math.round(process.resourceUsage().maxRSS / 1024);
    return { counts: this.#fleet?.counts ?? null, messages: this.#traffic.total(), memoryMb };
  }

  async serve(request: DevicesRequest): Promise<void> {
    if (request.ask === 'start') return this.#start(request);
    if (request.ask === 'load') {
      if (request.share === null) this.#bench?.relax();
      else this.#bench?.push(request.share);
      return;
    }
    if (request.ask === 'step') return this.#step(request.toMs);
    if (request.ask === 'feeders') {
      this.#feeders?.report();
      return this.#feeders?.reported;
    }
    if (request.ask === 'settle') return settle(this.#activity, this.#traffic, this.#wall, QUIET_MS);
    await this.#fleet?.close();
  }

  async #start({ url, mqtt, scenario, logins }: DevicesStart): Promise<void> {
    this.#bench = activationBench(scenario);
    const { ders, feeders, seed, stepMs, startMs } = this.#bench.scenario;
    this.#grid = new SteppedGridClock(startMs);
    const [wall, activity, log] = [this.#wall, this.#activity, createLogger('devices', 'error')];
    const bus = this.#traffic.observe(mqttBus(url, { wall, log, activity }, mqtt));
    const byId = new Map(logins);
    this.#fleet = await startFleet({
      ...{ wall, grid: this.#grid, log, activity, ders, feeders, seed, dsoId: DSO_ID },
      connect: (options) => bus.connect(options),
      telemetryEveryMs: stepMs,
      credentials: (id) => byId.get(id)!,
    });
  }

  async #step(toMs: number): Promise<void> {
    const grid = this.#grid!;
    for (let next = grid.nextTimerMs(); next !== undefined && next < toMs; next = grid.nextTimerMs())
      await grid.advanceTo(next);
    await grid.advanceTo(toMs);
    await new Promise<void>((devicesReported, failed) => {
      const feeders = new Promise<void>((report) => {
        const between = () => {
          devicesReported();
          return feeders;
        };
        const stepped = this.#fleet!.step(toMs, between);
        this.#feeders = { report, reported: stepped };
        // A step between two readings has nothing to report and does not wait.
        stepped.then(devicesReported, failed);
      });
    });
  }
}
