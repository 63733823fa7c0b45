/**
 * The device bus of a simulation: a broker with the accounts and filters of the real one, at least once (QoS 1), in
 * order unless the seed says otherwise. A connection that is cut is gone for a while; what would have come is lost.
 */

import { createHash } from 'node:crypto';
import { hasPassword, type MemoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { covers, isTopicFilter, isTopicName } from '@flexder/runtime/engines/bus/filters.ts';
import type { BusClient, BusConnectOptions, BusMessage, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { busRouter } from '@flexder/runtime/engines/bus/router.ts';
import { engineLimits } from '@flexder/runtime/engines/limits.ts';
import { atLeastOnce, RECONNECT_MS, type Session } from './bus-session.ts';
import type { VirtualClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';
import { silent } from './silent.ts';
import type { Trace } from './trace.ts';

/** What somebody handed to the bus, before anything could happen to it. */
export interface Published {
  readonly atMs: number;
  readonly by: string;
  readonly topic: string;
  readonly payload: string;
}

export class SimBus {
  readonly published: Published[] = [];
  /** What reached a subscriber. */
  readonly delivered: Published[] = [];
  /** What a defect planted by a test makes of a message on its way to a subscriber. */
  tamper: (topic: string, payload: string) => readonly string[] = (_topic, payload) => [payload];
  readonly #clock: VirtualClock;
  readonly #faults: Faults;
  readonly #trace: Trace;
  readonly #accounts: MemoryAccounts;
  readonly #sessions = new Map<string, Session>();
  readonly #retained = new Map<string, string>();

  constructor(clock: VirtualClock, faults: Faults, trace: Trace, accounts: MemoryAccounts) {
    this.#clock = clock;
    this.#faults = faults;
    this.#trace = trace;
    this.#accounts = accounts;
  }

  of(life: Life): DeviceBus {
    return {
      kind: 'mqtt',
      url: 'mqtt://simulated',
      connect: (options) => life.step(() => this.#connect(options, life)),
    };
  }

  async #connect(options: BusConnectOptions, life: Life): Promise<BusClient> {
    const account = this.#accounts.find(options.username);
    if (!account || !hasPassword(account, Buffer.from(options.password))) throw new Error('not authorized');
    const id = options.instance === undefined ? options.clientId : `${options.clientId}.${options.instance}`;
    const older = this.#sessions.get(id);
    if (older) this.#end(older, true);
    const session: Session = {
      ...{ id, account, options, life, routes: busRouter(silent), filters: new Set<string>() },
      ...{ counts: { sent: 0, received: 0 }, connected: true, closed: false, line: [], orderMs: 0 },
    };
    this.#sessions.set(id, session);
    life.atDeath(() => this.#end(session, true));
    return this.#clientOf(session);
  }

  #clientOf(session: Session): BusClient {
    const { life, routes, filters, counts, account } = session;
    return {
      protocolVersion: 4,
      shares: false,
      counts,
      get connected() {
        return session.connected;
      },
      publish: (topic, payload, { retain = false } = {}) =>
        life.step(async () => {
          if (session.closed) throw new Error('the bus connection is closed');
          if (!isTopicName(topic)) throw new TypeError(`${JSON.stringify(topic)} is not a topic of this bus`);
          if (Buffer.byteLength(payload) > engineLimits.busPayloadBytes) throw new RangeError('too large');
          this.published.push({ atMs: this.#clock.nowMs(), by: session.id, topic, payload });
          const allowed = account.publish.some((own) => covers(own, topic));
          await atLeastOnce(this.#clock, this.#faults, session, () => {
            if (!allowed) throw new Error(`the broker takes nothing on ${topic} from ${session.id}`);
            this.#take(topic, payload, retain);
          });
          counts.sent++;
        }),
      subscribe: (filter, handler) =>
        life.step(async () => {
          if (!isTopicFilter(filter) || !account.subscribe.some((own) => covers(own, filter)))
            throw new Error(`the broker refused ${session.id} the filter ${filter}`);
          routes.add(filter, handler);
          filters.add(filter);
          this.#giveRetained(session, filter);
        }),
      close: async () => this.#end(session, false),
    };
  }

  #take(topic: string, payload: string, retain: boolean): void {
    if (retain) this.#retained.set(topic, payload);
    for (const session of this.#sessions.values()) {
      if (![...session.filters].some((filter) => covers(filter, topic))) continue;
      for (const text of this.tamper(topic, payload)) this.#deliver(session, topic, text, false);
    }
  }

  #deliver(session: Session, topic: string, payload: string, retained: boolean): void {
    const faults = this.#faults;
    const draws = { twice: faults.happens('bus-twice'), slow: faults.happens('bus-slow') };
    const laterMs = faults.random.integer(200, 20_000);
    const againMs = faults.random.integer(1, 90_000);
    const message = { topic, payload: Buffer.from(payload), retained };
    const soonMs = this.#clock.nowMs() + 1 + (draws.slow ? laterMs : 0);
    if (faults.happens('bus-reorder')) this.#at(soonMs, () => this.#give(session, message));
    else {
      session.line.push(message);
      session.orderMs = Math.max(soonMs, session.orderMs);
      this.#at(session.orderMs, () => this.#give(session, session.line.shift() as BusMessage));
    }
    if (draws.twice) this.#at(soonMs + againMs, () => this.#give(session, message));
  }

  #at(atMs: number, run: () => void): void {
    this.#clock.after(atMs - this.#clock.nowMs(), run);
  }

  #give(session: Session, message: BusMessage): void {
    if (session.closed || !session.connected || session.life.dead) return;
    const sha = createHash('sha256').update(message.payload).digest('hex').slice(0, 12);
    this.#trace.note(`bus ${message.topic} > ${session.id} ${sha}`);
    session.counts.received++;
    this.delivered.push({
      atMs: this.#clock.nowMs(),
      by: session.id,
      topic: message.topic,
      payload: Buffer.from(message.payload).toString(),
    });
    session.routes.route(message);
  }

  #giveRetained(session: Session, filter: string): void {
    for (const [topic, payload] of this.#retained) {
      if (covers(filter, topic)) this.#deliver(session, topic, payload, true);
    }
  }

  /** Connections as the fault of the moment finds them: some are cut, and come back. */
  cut(): void {
    const all = [...this.#sessions.values()].filter((session) => session.connected);
    const session = all[Math.floor(this.#faults.random.next() * all.length)];
    if (!session || !this.#faults.happens('bus-cut')) return;
    this.#trace.note(`bus cuts ${session.id}`);
    session.connected = false;
    this.#will(session);
    this.#clock.after(this.#faults.random.integer(RECONNECT_MS, 60_000), () => {
      if (session.closed) return;
      session.connected = true;
      for (const filter of session.filters) this.#giveRetained(session, filter);
    });
  }

  #end(session: Session, broken: boolean): void {
    if (session.closed) return;
    session.closed = true;
    session.connected = false;
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    if (broken) this.#will(session);
  }

  #will({ options: { will } }: Session): void {
    if (will) this.#take(will.topic, will.payload, true);
  }
}
