import { type Action, isAction } from '@flexder/protocol/beckn/actions.ts';
import { nack } from '@flexder/protocol/beckn/envelope.ts';
import type { InboundStep } from '@flexder/protocol/beckn/inbound.ts';
import { INBOUND_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import { validateBeckn } from '@flexder/schemas/validators.ts';
import express, { type ErrorRequestHandler, type Router } from 'express';
import type { Kysely, Migration } from 'kysely';
import { createCheckpoints } from '../audit/checkpoints.ts';
import { type AuditLog, createAuditLog } from '../audit/log.ts';
import { createSealer } from '../audit/sealer.ts';
import type { Context } from '../context.ts';
import type { JobQueue } from '../engines/queue/port.ts';
import { createBreakers } from '../http/breaker.ts';
import { within } from '../service.ts';
import { type ArchiveBacklog, createShipper } from './archive/shipper.ts';
import { fetchDocument, mountDocument } from './documents.ts';
import { keepHouse } from './housekeeping.ts';
import { createDispatcher, type Dispatcher } from './inbound/dispatcher.ts';
import { inboundKeys } from './inbound/keys.ts';
import { createRejectionLog } from './inbound/rejections.ts';
import { mountActions } from './inbound/router.ts';
import { remember } from './inbound/store.ts';
import { CLOSE_WAIT_MS, POSTS_PER_COUNTERPARTY } from './limits.ts';
import { createRelay, type Relay } from './outbox/relay.ts';
import { type OwnKeyTable, ownKeys, refuseSampleKeys } from './own-keys.ts';
import { createRegistryClient, type RegistryClient } from './registry/client.ts';
import { subscribingAnywhere } from './subscribing.ts';
import { createSubscription, type LastChallenge } from './subscription.ts';
import { type ParticipantTables, participantMigrations } from './tables.ts';
import type {
  ActionHandlers,
  DocumentHandler,
  Participant,
  ParticipantConfig,
  ParticipantHooks,
  UnitOfWork,
} from './types.ts';
import { createTransactor, type OutboxRow } from './unit-of-work.ts';

export { type ParticipantTables, participantMigrations } from './tables.ts';

export interface OpenParticipantOptions {
  readonly context: Context;
  /** Without `keys` the participant makes its own at the first start and keeps them in its schema. */
  readonly config: Omit<ParticipantConfig, 'keys'> & Partial<Pick<ParticipantConfig, 'keys'>>;
  /** The service's own; keys sort after `0000-participant`. */
  readonly migrations: Record<string, Migration>;
  /** Other processes of this participant work on the same tables. Default: whether the database is a server. */
  readonly shared?: boolean;
  /** The inbound pipeline; a test leaves out a step to show that it is needed. */
  readonly steps?: readonly InboundStep[];
}

export interface OpenParticipant<T> extends Participant<T> {
  /** `POST /<action>`, `POST /on_subscribe` and the documents: mount it at the path of `config.url`. */
  readonly router: Router;
  readonly database: Kysely<T & ParticipantTables>;
  /** This process among those of the participant, and whether there may be others. */
  readonly process: { readonly id: string; readonly shared: boolean };
  /** The service's own jobs; it calls `process`. */
  readonly queue: JobQueue;
  readonly registry: RegistryClient;
  readonly audit: AuditLog;
  /**
   * Starts handling: until then messages get 503. Takes up what was acknowledged or written before a restart and not
   * finished; resolves when that is under way. `T` is the type of the service's tables.
   */
  serve(handlers: ActionHandlers<T>, hooks: ParticipantHooks<T>): Promise<void>;
  /** A signed GET for subscribed counterparties. `pattern` is a path of express, below `config.url`. */
  answerDocument(pattern: string, handler: DocumentHandler): void;
  /** Counterparties that do not answer, so that calls to them are held back. */
  awayCounterparties(): string[];
  /** How long the oldest effect has been waiting for its delivery, milliseconds. */
  oldestOutboxAgeMs(): number;
  /** What is on its way to the archive. */
  archiveBacklog(): Promise<ArchiveBacklog>;
  /** The newest challenge that this process was asked while it subscribed, or in vain. */
  lastChallenge(): LastChallenge | undefined;
  /** Own public key, base64, by its id: of the present keys and those before. */
  publicKeyOf(keyId: string): string | undefined;
  /** Lets work in flight end (bounded), seals the audit records. Engines stay open: they are the context's. */
  close(): Promise<void>;
}

export async function openParticipant<T>(options: OpenParticipantOptions): Promise<OpenParticipant<T>> {
  const { context } = options;
  refuseSampleKeys(options.config);
  const migrations = { ...participantMigrations, ...options.migrations };
  const database = await context.engines.database.open<T & ParticipantTables>(options.config.subscriberId, migrations);
  // Below this layer no table of the service is known.
  const db = database as unknown as Kysely<ParticipantTables>;
  const keys = options.config.keys ?? (await ownKeys(db as unknown as Kysely<{ own_key: OwnKeyTable }>, context.ids));
  const config: ParticipantConfig = { ...options.config, keys };
  const shared = options.shared ?? context.engines.database.kind === 'postgres';
  const owner = context.ids.uuid();
  const queue = await context.engines.queue.open(config.subscriberId);
  const registry = createRegistryClient(context, config.registryUrl, config.networkProfile);
  const breakers = createBreakers({
    atOnce: POSTS_PER_COUNTERPARTY,
    monotonicMs: () => context.wall.monotonicMs(),
    metrics: context.metrics,
  });
  const shipper = createShipper({ context, db, subscriberId: config.subscriberId });
  const checkpoints = createCheckpoints({ context, config, db, written: () => shipper.nudge() });
  // In memory nobody reads them: they are in the chain already.
  const distributed = context.engines.events.kind !== 'memory';
  const publish = { ids: context.ids, take: (rows: readonly OutboxRow[]) => relay?.take(rows) };
  const sealed = (records: number) => checkpoints.sealed(records);
  const sealer = createSealer({ db, ...context, sealed, ...(distributed && { publish }) });
  const rejections = createRejectionLog(context, config, db, () => sealer.nudge());
  const subscription = createSubscription(
    context,
    config,
    registry,
    shared ? subscribingAnywhere(db, keys.keyId, context.wall) : undefined,
  );
  let relay: Relay | undefined;
  let dispatcher: Dispatcher | undefined;
  let served: ReadonlySet<Action> | undefined;
  let stopHousekeeping = async () => {};

  const transactor = createTransactor({
    context,
    config,
    db,
    owner,
    peek: (id) => registry.peek(id),
    committed(rows: OutboxRow[], audited: boolean) {
      if (rows.length > 0) relay?.take(rows);
      if (audited) sealer.nudge();
    },
    forArchive: () => shipper.nudge(),
  });
  // What a crash left unsealed, and what the archive did not get.
  sealer.nudge();
  shipper.nudge();

  const actionRouter = express.Router();
  const documentRouter = express.Router();
  subscription.mount(actionRouter);
  mountActions(actionRouter, {
    context,
    config,
    rejections,
    steps: options.steps,
    actions: () => served,
    deps: (headers) => ({
      self: { subscriberId: config.subscriberId, role: config.type },
      limits: INBOUND_LIMITS,
      keys: inboundKeys(registry),
      validate: validateBeckn,
      store: {
        remember: async (message) =>
          (await dispatcher?.admit(() => remember(db, context.wall, message, headers))) ?? 'overloaded',
      },
    }),
    dispatch: (message) => dispatcher?.dispatch(message),
  });

  return {
    subscriberId: config.subscriberId,
    router: composeRouter(actionRouter, documentRouter, context),
    database,
    process: { id: owner, shared },
    queue,
    registry,
    audit: createAuditLog(db, sealer, checkpoints),
    transact: (body) => transactor.transact((work) => body(work as UnitOfWork<T>)),
    lookup: (id) => registry.lookup(id),
    subscribers: (type) => registry.list({ type, domain: config.domain, city: config.city }),
    subscribe: () => subscription.subscribe(),
    lastChallenge: () => subscription.lastChallenge(),
    async fetchDocument(from, path, limitBytes) {
      const record = await registry.lookup(from);
      return fetchDocument({ ...context, breakers }, config, record, from, path, limitBytes);
    },
    answerDocument: (pattern, handler) =>
      mountDocument(documentRouter, { context, config, registry, rejections }, pattern, handler),
    async serve(handlers, hooks) {
      if (relay) throw new Error(`${config.subscriberId} serves already`);
      const inner = {
        handlers: handlers as ActionHandlers<unknown>,
        hooks: hooks as unknown as ParticipantHooks<unknown>,
      };
      relay = createRelay({ context, config, db, registry, queue, transactor, breakers, owner, shared, ...inner });
      // The sender's record has to be at hand before its transaction; without one the URL is filled in at delivery.
      const warm = (id: string) => registry.lookup(id).catch(() => undefined);
      dispatcher = createDispatcher({ context, config, db, transactor, warm, shared, ...inner });
      served = new Set(Object.keys(handlers).filter(isAction));
      stopHousekeeping = await keepHouse({
        context,
        config,
        db,
        relay,
        dispatcher,
        shared,
        seal: () => sealer.nudge(),
      });
    },
    awayCounterparties: () => breakers.away(),
    oldestOutboxAgeMs: () => relay?.oldestAgeMs() ?? 0,
    archiveBacklog: () => shipper.backlog(),
    publicKeyOf: (keyId) => [config.keys, config.previousKeys].find((pair) => pair?.keyId === keyId)?.signingPublicKey,
    async close() {
      served = undefined;
      const drained = Promise.all([stopHousekeeping(), dispatcher?.idle(), relay?.idle()]);
      await within(context.wall, CLOSE_WAIT_MS, drained).catch((error: unknown) =>
        context.log.warn({ subscriber: config.subscriberId, error: String(error) }, 'closing with work in flight'),
      );
      dispatcher?.stop();
      await relay?.close();
      await rejections.close();
      await sealer.sealNow().catch(() => {});
      await sealer.close();
      await checkpoints.now().catch(() => {});
      await checkpoints.close();
      // What the archive does not take now it gets after the next start.
      await within(context.wall, CLOSE_WAIT_MS, shipper.flush()).catch(() => {});
      shipper.close();
    },
  };
}

function composeRouter(actions: Router, documents: Router, context: Context): Router {
  const router = express.Router();
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    context.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a request failed');
    if (response.headersSent) return void response.destroy();
    // A path that cannot be decoded is the sender's fault; all else is ours and says no more than that.
    const status = (error as { status?: unknown }).status === 400 ? 400 : 500;
    response
      .status(status)
      .json(nack(status === 400 ? 'SCH_INVALID_FORMAT' : 'INTERNAL', 'the request could not be answered'));
  };
  router.use(actions, documents);
  router.use((request, response) => {
    response
      .status(404)
      .json(nack('SCH_INVALID_FORMAT', `there is no ${request.method === 'POST' ? 'such action' : 'such path'} here`));
  });
  router.use(onError);
  return router;
}
