import type { Activity } from '@flexder/runtime/activity.ts';
import type { GridClock } from '@flexder/runtime/clock.ts';
import type { BusClient, BusConnectOptions, BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import type { Logger } from '@flexder/runtime/logging.ts';
import type { DeviceCommand } from '@flexder/schemas/types.ts';
import type { FleetCounts } from '../counts.ts';
import { MAX_UNREAD_COMMANDS } from '../limits.ts';
import type { DerManifest } from '../model.ts';
import { startWarmPhysics } from '../physics/physics.ts';
import type { Weather } from '../physics/weather.ts';
import { type Temper, temperOf } from './behaviour.ts';
import { ackOf, birthOf, readCommand, stateOf, telemetryOf } from './messages.ts';
import { topicOf } from './topics.ts';
import { createUnit, type DatedAnswer, type Unit } from './unit.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface DeviceDeps {
  readonly seed: string | number;
  /** Grid instant at which the device begins, after its unseen day of warming up. */
  readonly startMs: number;
  readonly weather: Weather;
  readonly grid: GridClock;
  readonly activity: Activity;
  readonly log: Logger;
  readonly counts: FleetCounts;
  connect(options: BusConnectOptions): Promise<BusClient>;
  credentials(id: string): Credentials;
}

/** One device on the bus, exactly as hardware: its body, its own connection, its own answers. */
export class Device {
  readonly der: DerManifest;
  readonly #deps: DeviceDeps;
  readonly #temper: Temper;
  readonly #unit: Unit;
  #client: BusClient | undefined;
  /** Birth and presence are with the broker; false again after a broken connection, whose Last Will said OFFLINE. */
  #announced = false;
  #seq = 0;
  #unread = 0;
  #closed = false;
  #cancelTimer = () => {};

  constructor(der: DerManifest, deps: DeviceDeps) {
    this.der = der;
    this.#deps = deps;
    this.#temper = temperOf(der, deps.seed);
    const physics = startWarmPhysics(der, { seed: deps.seed, atMs: deps.startMs, weather: deps.weather });
    this.#unit = createUnit(der, physics, this.#temper);
  }

  get powerKw(): number {
    return this.#unit.physics.powerKw;
  }

  /** Connects with its Last Will, listens, announces itself. A device that is never there does nothing. */
  async connect(): Promise<void> {
    const der = this.der;
    const deps = this.#deps;
    const temper = this.#temper;
    if (temper.behaviour === 'offline' && temper.dropsAfterS === null) return;
    this.#client = await deps.connect({
      clientId: der.derId,
      ...deps.credentials(der.derId),
      will: { topic: topicOf(der, 'state'), payload: JSON.stringify(stateOf(der, 'OFFLINE')) },
    });
    deps.counts.connected++;
    await this.#client.subscribe(topicOf(der, 'cmd'), (message) => this.#receive(message));
    await this.#announce();
  }

  /** Moves its body to a grid instant and publishes the answers that fell due. */
  async advance(toMs: number): Promise<void> {
    const due = this.#unit.advance(toMs);
    if (due.length > 0) {
      this.#arm();
      await this.#deps.activity.track('der-answer', () => this.#answer(due));
    }
    const { dropsAfterS } = this.#temper;
    if (dropsAfterS !== null && toMs >= this.#deps.startMs + dropsAfterS * 1000) await this.#leave();
  }

  async publishTelemetry(): Promise<void> {
    if (!this.#client) return;
    if (!this.#announced && this.#client.connected) await this.#announce();
    const body = telemetryOf(this.der, this.#unit.physics, this.#seq++, this.#unit.dispatched);
    if (await this.#publish('telemetry', body)) this.#deps.counts.telemetrySent++;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer();
    await this.#leave();
  }

  #nowMs(): number {
    return Math.max(this.#deps.grid.nowMs(), this.#unit.physics.atMs);
  }

  async #publish(kind: 'birth' | 'ack' | 'telemetry' | 'state', body: object): Promise<boolean> {
    const { counts, log } = this.#deps;
    if (!this.#client?.connected) {
      this.#announced = false;
      counts.undelivered++;
      return false;
    }
    try {
      await this.#client.publish(topicOf(this.der, kind), JSON.stringify(body), { retain: kind === 'state' });
      return true;
    } catch (error) {
      counts.undelivered++;
      log.warn({ derId: this.der.derId, kind, reason: String(error) }, 'device publish failed');
      return false;
    }
  }

  async #announce(): Promise<void> {
    const born = await this.#publish('birth', birthOf(this.der, this.#nowMs(), this.#seq++));
    this.#announced = (await this.#publish('state', stateOf(this.der, 'ONLINE'))) && born;
  }

  /** One after the other, so that a life cycle is heard in its order. */
  async #answer(answers: readonly DatedAnswer[]): Promise<void> {
    for (const { answer, atMs } of answers) {
      if (await this.#publish('ack', ackOf(this.der, answer, atMs))) this.#deps.counts.answersSent++;
    }
  }

  /** A timer for the start or end of what is held, so that the device acts then and not at its next reading. */
  #arm(): void {
    this.#cancelTimer();
    const atMs = this.#closed ? undefined : this.#unit.nextInstantMs();
    if (atMs === undefined) return;
    const label = `der/${this.der.derId}/hold`;
    this.#cancelTimer = this.#deps.grid.at(atMs, label, () => this.advance(this.#nowMs()));
  }

  #receive(message: BusMessage): void {
    const { counts, activity, grid } = this.#deps;
    counts.commandsReceived++;
    const command = readCommand(message.payload);
    if (!command || this.#unread >= MAX_UNREAD_COMMANDS) {
      counts.dropped++;
      return;
    }
    const { readsAfterS } = this.#temper;
    if (readsAfterS === 0) {
      void activity.track('der-command', () => this.#execute(command));
      return;
    }
    this.#unread++;
    grid.at(this.#nowMs() + readsAfterS * 1000, `der/${this.der.derId}/read`, async () => {
      this.#unread--;
      await activity.track('der-command', () => this.#execute(command));
    });
  }

  async #execute(command: DeviceCommand): Promise<void> {
    if (this.#closed) return;
    const { counts } = this.#deps;
    const { answers, outcome } = this.#unit.read(command, this.#nowMs());
    if (outcome.repeated) counts.repeated++;
    else if (outcome.ignored === 'silent') counts.swallowed++;
    else if (outcome.ignored === 'stale-sequence') counts.staleSequence++;
    else if (outcome.answers[0]?.result === 'ACCEPTED') counts.executed++;
    this.#arm();
    await this.#answer(answers);
  }

  /** Says OFFLINE itself: a broker keeps the Last Will of a clean disconnect to itself. */
  async #leave(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    await this.#publish('state', stateOf(this.der, 'OFFLINE'));
    this.#client = undefined;
    this.#deps.counts.connected--;
    await client.close();
  }
}
