import type { Activity } from '@flexder/runtime/activity.ts';
import type { GridClock, WallClock } from '@flexder/runtime/clock.ts';
import type { BusClient, BusConnectOptions } from '@flexder/runtime/engines/bus/port.ts';
import type { Logger } from '@flexder/runtime/logging.ts';
import { type FleetCounts, newCounts } from './counts.ts';
import { type Credentials, Device } from './device/device.ts';
import { topicOfFeeder } from './device/topics.ts';
import { type FeederModel, feederLoadKw, feederTelemetry } from './feeder.ts';
import { CONNECT_BATCH, PUBLISH_BATCH, TURN_MS } from './limits.ts';
import type { DerManifest } from './model.ts';
import { seededWeather } from './physics/weather.ts';

export interface FleetOptions {
  readonly wall: WallClock;
  readonly grid: GridClock;
  readonly log: Logger;
  readonly activity: Activity;
  connect(options: BusConnectOptions): Promise<BusClient>;
  readonly ders: readonly DerManifest[];
  readonly feeders: readonly FeederModel[];
  readonly dsoId: string;
  readonly seed: string | number;
  /** Grid time between readings. Default 60 s. */
  readonly telemetryEveryMs?: number;
  /** Account of a device by its derId, of a feeder's RTU by its feederId. */
  credentials(id: string): Credentials;
  /** True where grid time is wall time: the fleet then steps by itself, once per telemetry interval. */
  readonly live?: boolean;
  /** Of a live fleet: devices report in turns, some each second, and feeders at the full interval, as nobody sets meters alike. */
  readonly spread?: boolean;
}

interface Rtu {
  readonly feeder: FeederModel;
  readonly client: BusClient;
  readonly devices: readonly Device[];
}

async function inBatches<T>(items: readonly T[], size: number, run: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += size) await Promise.all(items.slice(i, i + size).map(run));
}

async function connectDevices(devices: readonly Device[], log: Logger, counts: FleetCounts): Promise<void> {
  let reason: unknown;
  await inBatches(devices, CONNECT_BATCH, async (device) => {
    try {
      await device.connect();
    } catch (error) {
      counts.refusedConnections++;
      reason = error;
      log.warn({ derId: device.der.derId, reason: String(error) }, 'device could not connect');
    }
  });
  if (devices.length > 0 && counts.refusedConnections === devices.length) {
    throw new Error(`not one of ${devices.length} devices could connect: ${String(reason)}`, { cause: reason });
  }
}

async function connectRtus(devices: readonly Device[], options: FleetOptions): Promise<Rtu[]> {
  const rtus: Rtu[] = [];
  for (const feeder of options.feeders) {
    const clientId = `rtu-${feeder.feederId}`;
    try {
      const client = await options.connect({ clientId, ...options.credentials(feeder.feederId) });
      rtus.push({ feeder, client, devices: devices.filter(({ der }) => der.feederId === feeder.feederId) });
    } catch (error) {
      for (const { client } of rtus) await client.close();
      throw error;
    }
  }
  return rtus;
}

/** Brings a fleet and the RTUs of its feeders up. Rejects when a feeder or not one device can connect. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { grid, log, wall } = options;
  const counts = newCounts();
  const shared = { ...options, startMs: grid.nowMs(), weather: seededWeather(options.seed), counts };
  const devices = [...options.ders].sort((a, b) => (a.derId < b.derId ? -1 : 1)).map((der) => new Device(der, shared));
  counts.devices = devices.length;
  const beganMs = wall.monotonicMs();
  try {
    await connectDevices(devices, log, counts);
    const fleet = new Fleet(options, devices, await connectRtus(devices, options), counts);
    const tookMs = Math.round(wall.monotonicMs() - beganMs);
    log.info({ devices: counts.devices, connected: counts.connected, tookMs }, 'fleet is up');
    return fleet;
  } catch (error) {
    await inBatches(devices, CONNECT_BATCH, (device) => device.close());
    throw error;
  }
}

/** A running fleet; made by `startFleet`. */
export class Fleet {
  readonly counts: Readonly<FleetCounts>;
  /** kW at the head of each feeder as last stepped. */
  readonly feederKw: ReadonlyMap<string, number>;
  readonly #feederKw = new Map<string, number>();
  readonly #options: FleetOptions;
  readonly #devices: readonly Device[];
  readonly #rtus: readonly Rtu[];
  readonly #counts: FleetCounts;
  readonly #everyMs: number;
  #nextTelemetryMs: number;
  #feederSeq = 0;
  #turn: Promise<void> = Promise.resolve();
  #cancelTimer = () => {};
  #closed = false;

  constructor(options: FleetOptions, devices: readonly Device[], rtus: readonly Rtu[], counts: FleetCounts) {
    this.#options = options;
    this.#devices = devices;
    this.#rtus = rtus;
    this.#counts = counts;
    this.counts = counts;
    this.feederKw = this.#feederKw;
    this.#everyMs = options.telemetryEveryMs ?? 60_000;
    this.#nextTelemetryMs = options.grid.nowMs();
    if (options.live) this.#runByItself();
  }

  /**
   * Moves every device to a grid instant, in the order of the derIds, and publishes what is due: answers, then device
   * telemetry, then feeder telemetry, so that a feeder's reading never overtakes those of its devices. Resolves when the
   * broker has it all. Calls run one after the other; grid time is moved there first.
   */
  step(toMs: number): Promise<void> {
    return this.#afterOthers(() => this.#stepOnce(toMs));
  }

  #afterOthers(run: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(() => this.#options.activity.track('fleet-step', run));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer();
    await this.#turn;
    await inBatches(this.#devices, CONNECT_BATCH, (device) => device.close());
    for (const { client } of this.#rtus) await client.close();
  }

  async #stepOnce(toMs: number): Promise<void> {
    if (this.#closed) return;
    for (const device of this.#devices) await device.advance(toMs);
    if (toMs < this.#nextTelemetryMs) return;
    this.#nextTelemetryMs = (Math.floor(toMs / this.#everyMs) + 1) * this.#everyMs;
    await inBatches(this.#devices, PUBLISH_BATCH, (device) => device.publishTelemetry());
    await this.#publishFeeders(toMs);
  }

  async #publishFeeders(atMs: number): Promise<void> {
    const seq = this.#feederSeq++;
    for (const rtu of this.#rtus) await this.#publishFeeder(rtu, atMs, seq);
  }

  async #publishFeeder({ feeder, client, devices }: Rtu, atMs: number, seq: number): Promise<void> {
    const { seed, dsoId, log } = this.#options;
    const devicesKw = devices.reduce((sum, device) => sum + device.powerKw, 0);
    const powerKw = feederLoadKw(feeder, seed, atMs, devicesKw);
    this.#feederKw.set(feeder.feederId, powerKw);
    if (!client.connected) {
      // A reading that comes minutes late is worse than none; waiting for the broker would hold grid time.
      this.#counts.undelivered++;
      return;
    }
    try {
      const body = JSON.stringify(feederTelemetry(feeder.feederId, atMs, seq, powerKw));
      await client.publish(topicOfFeeder(dsoId, feeder.feederId), body);
    } catch (error) {
      this.#counts.undelivered++;
      log.warn({ feederId: feeder.feederId, reason: String(error) }, 'feeder reading could not be published');
    }
  }

  /** Those whose turn it is; a turn that comes late is taken all the same. */
  async #takeTurn(atMs: number): Promise<void> {
    if (this.#closed) return;
    const nowMs = Math.max(atMs, this.#options.grid.nowMs());
    const turns = Math.max(1, Math.floor(this.#everyMs / TURN_MS));
    const turn = Math.floor(atMs / TURN_MS) % turns;
    if (turn === 0) await this.#publishFeeders(nowMs);
    const mine = this.#devices.filter((_, index) => index % turns === turn);
    for (const device of mine) await device.advance(nowMs);
    await inBatches(mine, PUBLISH_BATCH, (device) => device.publishTelemetry());
  }

  #runByItself(afterMs = this.#options.grid.nowMs()): void {
    const { grid, spread } = this.#options;
    const everyMs = spread ? TURN_MS : this.#everyMs;
    const nextMs = (Math.floor(afterMs / everyMs) + 1) * everyMs;
    this.#cancelTimer = grid.at(nextMs, 'fleet/step', async () => {
      if (this.#closed) return;
      await (spread ? this.#afterOthers(() => this.#takeTurn(nextMs)) : this.step(grid.nowMs()));
      if (!this.#closed) this.#runByItself(spread ? nextMs : grid.nowMs());
    });
  }
}
