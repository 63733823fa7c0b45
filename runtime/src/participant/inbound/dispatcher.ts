import { isCallback } from '@flexder/protocol/beckn/actions.ts';
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Kysely } from 'kysely';
import type { Context } from '../../context.ts';
import { recordable } from '../facts.ts';
import { createLanes } from '../lanes.ts';
import {
  BACKLOG_AGE_MS,
  BACKLOG_MESSAGES,
  BACKLOG_WAIT_MS,
  HANDLER_ATTEMPTS,
  HANDLER_BACKOFF_MS,
  HANDLERS_AT_ONCE,
  PACE_WEIGHT,
  RECORDED_TEXT,
  SWEEP_ROWS,
} from '../limits.ts';
import type { ParticipantTables } from '../tables.ts';
import type { ActionHandlers, InboundMessage, ParticipantConfig, ParticipantHooks, UnitOfWork } from '../types.ts';
import { HandledElsewhereError, type Transactor } from '../unit-of-work.ts';
import { claim, describe, fromRow, receivedFacts, sayInternalError } from './stored-message.ts';

/** Handles stored messages: in order within a transaction and counterparty, side by side otherwise, each at least once. */
export interface Dispatcher {
  /** Stores a message that is to be dispatched; undefined when the backlog is too long or too old to promise anything. */
  admit<T>(store: () => Promise<T>): Promise<T | undefined>;
  dispatch(message: InboundMessage, options?: { recovered: boolean }): void;
  /** Handles what is stored in the database and not in memory: after a crash, or a write that was thought lost. */
  recover(receivedBefore: Date): Promise<number>;
  readonly size: number;
  idle(): Promise<void>;
  stop(): void;
}

interface DispatcherDeps {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly db: Kysely<ParticipantTables>;
  readonly transactor: Transactor;
  readonly handlers: ActionHandlers<unknown>;
  readonly hooks: ParticipantHooks<unknown>;
  /** Other processes take up messages that wait too long here. */
  readonly shared: boolean;
  /** Has the sender's record at hand before the transaction, where nothing may wait for the network. */
  warm(signerId: SubscriberId): Promise<unknown>;
}

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { context, config, db, transactor, handlers, hooks } = deps;
  const { wall, metrics } = context;
  const log = context.log.child({ subscriber: config.subscriberId });
  const lanes = createLanes(HANDLERS_AT_ONCE);
  /** Keys of what is in memory, with the time of arrival (monotonic: a clock that is set ages nothing); a Map keeps order. */
  const open = new Map<string, number>();
  const stopping = new AbortController();
  /** Being stored. */
  let admitted = 0;
  /** How long a message takes a handler, on average of late. */
  let paceMs: number | undefined;

  function accepting(): boolean {
    const size = open.size + admitted;
    const [oldest] = open.values();
    const ageMs = oldest === undefined ? 0 : wall.monotonicMs() - oldest;
    // The oldest has waited for what was there when it came; who comes now waits for all that came since.
    const waitMs = (Math.max(0, size - HANDLERS_AT_ONCE) / HANDLERS_AT_ONCE) * (paceMs ?? 0);
    return size < BACKLOG_MESSAGES && ageMs < BACKLOG_AGE_MS && waitMs < BACKLOG_WAIT_MS;
  }

  const keyOf = (message: InboundMessage) => `${message.signerId} ${message.action} ${message.body.context.message_id}`;

  async function attempt(message: InboundMessage, recovered: boolean): Promise<void> {
    const handler = handlers[message.action];
    if (!handler) throw new Error(`no handler for ${message.action}`);
    await deps.warm(message.signerId);
    const prepared = await hooks.prepare?.(message);
    await transactor.transact(
      async (work) => {
        // What a sweep read may have been handled while it read; and another process may be at it.
        if ((recovered || deps.shared) && !(await claim(work, message)))
          throw new HandledElsewhereError('another is at it');
        await work.audit({ event_type: 'beckn.received', ...receivedFacts(message) });
        await handler(work, message, prepared);
      },
      { handled: message },
    );
  }

  async function handle(message: InboundMessage, recovered: boolean): Promise<void> {
    const startedMs = wall.monotonicMs();
    for (let failures = 0; ; ) {
      if (stopping.signal.aborted) return;
      try {
        // A commit whose answer was lost may have happened.
        await attempt(message, recovered || failures > 0);
        metrics.observe('handling_seconds', (wall.monotonicMs() - startedMs) / 1000, { action: message.action });
        metrics.count('handled', { action: message.action, result: 'handled' });
        return;
      } catch (error) {
        if (error instanceof HandledElsewhereError) return;
        failures++;
        const fields = {
          action: message.action,
          messageId: message.body.context.message_id,
          failures,
          error: describe(error),
        };
        if (failures >= HANDLER_ATTEMPTS) return giveUp(message, failures, error);
        log.warn(fields, 'handling a message failed; will be tried again');
        await wall.sleep(HANDLER_BACKOFF_MS * 2 ** (failures - 1), stopping.signal).catch(() => {});
      }
    }
  }

  async function giveUp(message: InboundMessage, attempts: number, error: unknown): Promise<void> {
    const { action, body } = message;
    metrics.count('handled', { action, result: 'failed' });
    log.error(
      { action, messageId: body.context.message_id, attempts, error: describe(error) },
      'a message could not be handled',
    );
    const decision = recordable(`not handled after ${attempts} attempts: ${String(error)}`, RECORDED_TEXT);
    try {
      await transactor.transact(async (work) => {
        const marked = await (work as unknown as UnitOfWork<ParticipantTables>).db
          .updateTable('inbound_message')
          .set({ state: 'failed', attempts, error: decision })
          .where('signer', '=', message.signerId)
          .where('action', '=', action)
          .where('message_id', '=', body.context.message_id)
          .where('state', '=', 'stored')
          .where('state', '=', 'stored')
          .executeTakeFirst();
        if (Number(marked.numUpdatedRows) === 0) return;
        await work.audit({ event_type: 'beckn.failed', ...receivedFacts(message), code: 'INTERNAL', decision });
        if (config.type === 'BPP' && !isCallback(action)) await sayInternalError(work, message);
      });
    } catch (failure) {
      // The row stays as stored: the sweep takes it up again.
      log.error({ error: String(failure) }, 'a failed message could not be marked as failed');
    }
  }

  return {
    async admit(store) {
      if (!accepting()) return undefined;
      admitted++;
      try {
        return await store();
      } finally {
        admitted--;
      }
    },
    dispatch(message, { recovered } = { recovered: false }) {
      const key = keyOf(message);
      if (open.has(key) || stopping.signal.aborted) return;
      open.set(key, wall.monotonicMs());
      const end = context.activity.begin(`handle ${message.action}`);
      void lanes
        .run(`${message.body.context.transaction_id} ${message.signerId}`, async () => {
          const startedMs = wall.monotonicMs();
          await handle(message, recovered);
          const tookMs = wall.monotonicMs() - startedMs;
          paceMs = paceMs === undefined ? tookMs : paceMs + (tookMs - paceMs) * PACE_WEIGHT;
        })
        .catch((error: unknown) => log.error({ error: String(error) }, 'the dispatcher failed'))
        .finally(() => {
          open.delete(key);
          end();
        });
    },
    async recover(receivedBefore) {
      const rows = await db
        .selectFrom('inbound_message')
        .selectAll()
        .where('state', '=', 'stored')
        .where('received_at', '<', receivedBefore)
        .orderBy('seq')
        .limit(SWEEP_ROWS)
        .execute();
      const before = open.size;
      for (const row of rows) this.dispatch(fromRow(row), { recovered: true });
      return open.size - before;
    },
    get size() {
      return open.size;
    },
    idle: () => lanes.idle(),
    stop: () => stopping.abort(new Error('closing')),
  };
}
