/** A DSO's trading rooms on a database in memory, with scripted aggregators in place of the network. */
import type { Action } from '@flexder/protocol/beckn/actions.ts';
import type { BecknBody, BecknError } from '@flexder/protocol/beckn/envelope.ts';
import type { KeyId, MessageId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { streamContract } from '@flexder/runtime/engines/events/contract.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import type {
  InboundMessage,
  OutgoingMessage,
  SubscriberRecord,
  Undelivered,
  UnitOfWork,
} from '@flexder/runtime/participant/types.ts';
import type { Kysely } from 'kysely';
import { bapHandlers } from '../beckn/handlers.ts';
import { type BapConfig, type BapConfigInput, bapConfig } from '../config.ts';
import { OffersOnHand } from '../ders/offers-on-hand.ts';
import { Together } from '../flex-orchestration/buying/together.ts';
import { Restrictions } from '../flex-orchestration/decisions/restrictions.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { Counterparties } from '../flex-orchestration/discovery/counterparties.ts';
import { Gathers } from '../flex-orchestration/discovery/gather.ts';
import { Events } from '../flex-orchestration/events/events.ts';
import { closeLate, closeUndelivered } from '../flex-orchestration/orders/closing.ts';
import { Deadlines } from '../flex-orchestration/orders/deadlines.ts';
import { Monitor } from '../grid-monitoring/monitor.ts';
import type { BapTables } from '../tables.ts';
import { type ManualWallClock, manualWallClock } from './clock.ts';
import { contextOf, sampleOf } from './messages.ts';
import { START_MS } from './offers.ts';
import { emptied } from './test-database.ts';

export type Answer = { readonly message: unknown } | { readonly error: BecknError };
/** What a scripted aggregator says to a request; undefined is silence. */
export type Script = (sent: OutgoingMessage, trade: Trade) => Answer | undefined;

export class Trade {
  readonly sent: OutgoingMessage[] = [];
  readonly jobs: { name: string; id: string }[] = [];
  readonly audits: Record<string, unknown>[] = [];
  readonly streamed: Record<string, unknown>[] = [];
  readonly wall: ManualWallClock = manualWallClock();
  readonly grid = new SteppedGridClock(START_MS);
  readonly activity = new Activity();
  readonly metrics = createMetrics('test');
  readonly config: BapConfig;
  readonly database: Kysely<BapTables>;
  readonly bpps: Record<string, Script>;
  readonly monitor: Monitor;
  readonly events: Events;
  readonly desk: Desk;
  /** Set to make the next transactions fail. */
  broken: Error | undefined;

  constructor(database: Kysely<BapTables>, bpps: Record<string, Script>, changes: Partial<BapConfigInput> = {}) {
    this.database = database;
    this.bpps = bpps;
    this.config = bapConfig({
      subscriberId: 'dso-1',
      dsoName: 'Test DSO',
      registryUrl: 'http://127.0.0.1:1',
      busCredentials: { username: 'dso', password: 'dso' },
      feeders: [{ feederId: 'feeder-1', name: 'Feeder 1', limitKw: 1_000 }],
      activationLeadSeconds: 0,
      // Scripted aggregators report when a test has them.
      acknowledgeWithinSeconds: 0,
      ...changes,
    });
    const context = this.#context();
    this.monitor = new Monitor(context, this.config, { add: () => {} });
    this.events = new Events(() => this.desk, this.monitor);
    const participant: Desk['participant'] = {
      subscriberId: 'dso-1' as SubscriberId,
      database,
      transact: (body) => this.transact(body),
      subscribers: async (type) =>
        (type === 'BG' ? ['gateway-1'] : type === 'BPP' ? Object.keys(bpps) : []).map(
          (id) => ({ subscriberId: id, type }) as SubscriberRecord,
        ),
    };
    this.desk = {
      context,
      config: this.config,
      participant,
      counterparties: new Counterparties(context, participant),
      gathers: new Gathers(context, this.config),
      together: new Together(() => this.desk),
      deadlines: new Deadlines(context, (obpId, mayHaveCome) => closeLate(this.desk, obpId, mayHaveCome)),
      restrictions: new Restrictions(),
      offers: new OffersOnHand(),
      solver: { solve: async () => undefined, solveJoint: async () => undefined },
      moved: (eventId) => this.events.moved(eventId),
      reconsider: () => this.events.reconsider(),
      inTurn: (eventId, run) => this.events.inTurn(eventId, run),
    };
  }

  static async open(database: Kysely<BapTables>, bpps: Record<string, Script>, changes: Partial<BapConfigInput> = {}) {
    await emptied(database);
    return Trade.on(database, bpps, changes);
  }

  /** On the rows that are there, as after a restart. */
  static async on(database: Kysely<BapTables>, bpps: Record<string, Script>, changes: Partial<BapConfigInput> = {}) {
    const trade = new Trade(database, bpps, changes);
    await trade.desk.counterparties.refresh();
    await trade.desk.restrictions.load(database);
    trade.monitor.listen(trade.events);
    return trade;
  }

  #context(): Context {
    const { wall, grid, activity, metrics } = this;
    const log = createLogger('test', 'silent');
    const away = new Proxy(
      {},
      {
        get: (_, name) => {
          throw new Error(`no ${String(name)} in this test`);
        },
      },
    );
    return {
      wall,
      grid,
      ids: systemIds(),
      log,
      metrics,
      activity,
      http: away as Context['http'],
      engines: away as Context['engines'],
    };
  }

  /** Effects count only when the transaction commits. */
  async transact<T>(body: (work: UnitOfWork<BapTables>) => Promise<T>): Promise<T> {
    if (this.broken) throw this.broken;
    const effects: (() => void)[] = [];
    const after: (() => void)[] = [];
    const result = await this.database.transaction().execute((db) =>
      body({
        db,
        send: async (message) => {
          effects.push(() => this.sent.push(message));
          return message.messageId ?? (systemIds().uuid() as MessageId);
        },
        enqueue: async (job) => void effects.push(() => this.jobs.push(job)),
        emit: async ({ topic, value }) => {
          // A stream with a contract would publish nothing else.
          const schema = streamContract.schemaOf(topic, value);
          const refused = schema === undefined ? { text: 'no schema' } : streamContract.refuse(topic, schema, value);
          if (refused) throw new Error(`${JSON.stringify(value)} may not stand on ${topic}: ${refused.text}`);
          effects.push(() => this.streamed.push(value as Record<string, unknown>));
        },
        archive: () => Promise.reject(new Error('nothing is settled here')),
        audit: async (entry) => void effects.push(() => this.audits.push({ ...entry })),
        afterCommit: (run) => void after.push(run),
        forward: () => Promise.reject(new Error('a BAP forwards nothing')),
      }),
    );
    for (const run of [...effects, ...after]) run();
    return result;
  }

  /** A feeder sample, now. */
  sample(powerKw: number, feederId = 'feeder-1'): void {
    this.monitor.receive(sampleOf(feederId, powerKw, this.grid.nowMs()));
  }

  /** Moves grid time on, takes a sample there, and lets everything happen that needs no waiting. */
  async step(minutes: number, powerKw: number): Promise<void> {
    await this.grid.advanceTo(this.grid.nowMs() + minutes * 60_000);
    this.sample(powerKw);
    await this.settle();
  }

  /** A callback as the inbound pipeline hands it on. */
  async callback(
    bppId: string,
    action: Action,
    transactionId: string,
    answer: Answer,
    messageId?: MessageId,
  ): Promise<void> {
    const context = contextOf(this.wall, bppId, action, transactionId);
    const body = { context: { ...context, message_id: messageId ?? context.message_id }, ...answer } as BecknBody;
    const message: InboundMessage = {
      action,
      signerId: bppId as SubscriberId,
      body,
      sha256: '0'.repeat(64),
      signature: { keyId: 'key-1' as KeyId, value: '' },
      receivedAtMs: this.wall.nowMs(),
      raw: { text: JSON.stringify(body), authorization: '' },
    };
    const handler = bapHandlers(this.desk)[action];
    if (!handler) throw new Error(`no handler of ${action}`);
    await this.transact((work) => handler(work, message));
  }

  async undelivered(sent: OutgoingMessage, reason: Undelivered['reason']): Promise<void> {
    const context = contextOf(this.wall, sent.to, sent.action, sent.transactionId);
    const message = {
      context: { ...context, message_id: sent.messageId ?? context.message_id },
      message: sent.message,
    } as BecknBody;
    await this.transact((work) => closeUndelivered(this.desk, work, { message, to: sent.to, reason }));
  }

  #answered = 0;
  /** Lets the scripted aggregators answer until nothing moves but waits that only time can end. */
  async settle(): Promise<void> {
    for (let round = 0; round < 400; round++) {
      const open = this.sent.slice(this.#answered);
      this.#answered = this.sent.length;
      for (const sent of open) {
        const to = sent.toType === 'BG' ? Object.keys(this.bpps) : [sent.to];
        for (const bppId of to) {
          const answer = this.bpps[bppId]?.({ ...sent, to: bppId as SubscriberId }, this);
          if (answer)
            await this.callback(bppId, `on_${sent.action}` as Action, sent.transactionId, answer, sent.messageId);
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
      const busy = this.activity.describe().replace(/(gather|answer|event|overload)×\d+|nothing|, /g, '');
      if (busy === '' && this.sent.length === this.#answered && (await this.#quiet())) return;
    }
    throw new Error(`it does not settle: ${this.activity.describe()}`);
  }

  /**
   * Steps of an event stay in flight while they wait for catalogues, so quiet is when the database has no more to do:
   * it serves in turn, and 25 statements are more than any transaction here has.
   */
  async #quiet(): Promise<boolean> {
    const before = [this.sent.length, this.audits.length, this.activity.describe()].join();
    for (let i = 0; i < 25; i++) {
      await this.database.selectFrom('overload').select('event_id').limit(1).execute();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return [this.sent.length, this.audits.length, this.activity.describe()].join() === before;
  }

  actions(action: Action): OutgoingMessage[] {
    return this.sent.filter((message) => message.action === action);
  }

  auditsOf(eventType: string): Record<string, unknown>[] {
    return this.audits.filter((entry) => entry.event_type === eventType);
  }

  orders() {
    return this.database
      .selectFrom('flex_order')
      .selectAll()
      .orderBy('is_top_up')
      .orderBy('created_wall_at')
      .orderBy('bpp_id')
      .execute();
  }

  overloads() {
    return this.database.selectFrom('overload').selectAll().orderBy('detected_at').execute();
  }

  async close(): Promise<void> {
    this.desk.deadlines.close();
    this.desk.gathers.close();
    this.desk.together.close();
    await this.events.close();
  }
}
