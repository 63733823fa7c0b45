import type { Kysely } from 'kysely';
import type { Context } from '../../context.ts';
import type { Job, JobQueue } from '../../engines/queue/port.ts';
import type { Breakers } from '../../http/breaker.ts';
import { within } from '../../service.ts';
import { ENGINE_RETRY_MS, OUTBOX_CLOSE_MS, OUTBOX_IN_MEMORY, SWEEP_ROWS, UNDELIVERED_ATTEMPTS } from '../limits.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { ParticipantTables } from '../tables.ts';
import type { ParticipantConfig, ParticipantHooks, Undelivered, UnitOfWork } from '../types.ts';
import type { OutboxRow, Transactor } from '../unit-of-work.ts';
import { createEventRelay } from './events.ts';
import type { Delivery } from './lane.ts';
import { claimOpen, releaseOpen } from './leases.ts';
import { createMarks } from './marks.ts';
import { createMessageRelay, DELIVER_JOB } from './messages.ts';

/** Takes effects from committed transactions to where they belong, at least once each. */
export interface Relay {
  /** Called after each commit. */
  take(rows: readonly OutboxRow[]): void;
  /** Takes up what the database holds and the memory does not; returns how many rows it found. */
  sweep(): Promise<number>;
  /** Of messages and jobs: who waits for an event does without it. */
  oldestAgeMs(): number;
  oldestEventAgeMs(): number;
  idle(): Promise<void>;
  close(): Promise<void>;
}

interface RelayDeps {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly db: Kysely<ParticipantTables>;
  readonly registry: RegistryClient;
  readonly queue: JobQueue;
  readonly transactor: Transactor;
  readonly hooks: ParticipantHooks<unknown>;
  readonly breakers: Breakers;
  /** This process, and whether it takes over from others. */
  readonly owner: string;
  readonly shared: boolean;
}

export function createRelay(deps: RelayDeps): Relay {
  const { context, config, db, registry, queue } = deps;
  const { activity, metrics } = context;
  const log = context.log.child({ subscriber: config.subscriberId });
  const marks = createMarks(db, context.wall, log);
  const events = createEventRelay({ context, db, marks });
  /** Jobs under way, with the time of their writing. */
  const inFlight = new Map<string, number>();
  /** What left the memory while a sweep read the database: its answer may still hold those rows. */
  let settledMeanwhile: Set<string> | undefined;
  let overflow = false;
  let retryQueue: Promise<JobQueue> | undefined;
  let cancelRetry: (() => void) | undefined;
  let sweeping: Promise<number> = Promise.resolve(0);
  let closed = false;

  const messages = createMessageRelay({
    context,
    config,
    registry,
    marks,
    breakers: deps.breakers,
    retryQueue: () => {
      retryQueue ??= openRetryQueue().catch((error: unknown) => {
        retryQueue = undefined;
        throw error;
      });
      return retryQueue;
    },
    async storePayload(id, payload) {
      await db
        .updateTable('outbox')
        .set({ payload: JSON.stringify(payload) })
        .where('id', '=', id)
        .execute();
    },
    undelivered: (delivery, undelivered) => closeUndelivered(deps, delivery, undelivered),
    settled: (id) => settledMeanwhile?.add(id),
  });

  async function openRetryQueue(): Promise<JobQueue> {
    const opened = await context.engines.queue.open(`${config.subscriberId}.outbox`);
    await opened.process({ [DELIVER_JOB]: (data) => messages.resume((data as { id: string }).id) });
    return opened;
  }

  /** Jobs go as one batch; when their engine is away the rows stay and the sweep tries again. */
  async function hand(rows: readonly OutboxRow[], label: string, give: () => Promise<void>): Promise<void> {
    if (rows.length === 0) return;
    for (const row of rows) inFlight.set(row.id, row.createdMs);
    try {
      await activity.track(`hand over ${label}`, give);
      marks.done(rows.map((row) => row.id));
    } catch (error) {
      metrics.count('outbox_failures', { kind: label });
      log.error(
        { kind: label, rows: rows.length, error: String(error) },
        'effects could not be handed over; will be tried again',
      );
      retrySoon();
    } finally {
      for (const row of rows) {
        inFlight.delete(row.id);
        settledMeanwhile?.add(row.id);
      }
    }
  }

  function take(rows: readonly OutboxRow[]): void {
    events.add(rows.filter((row) => row.kind === 'event'));
    takeUp(rows.filter((row) => row.kind !== 'event'));
  }

  function takeUp(rows: readonly OutboxRow[]): void {
    if (messages.size + inFlight.size + rows.length > OUTBOX_IN_MEMORY) {
      overflow = true;
      return;
    }
    for (const row of rows) if (row.kind === 'message') messages.add(row);
    const jobs = rows.filter((row) => row.kind === 'job');
    void hand(jobs, 'job', () => queue.add(jobs.map((row) => row.payload as Job)));
  }

  function retrySoon(): void {
    if (closed) return;
    cancelRetry ??= context.wall.after(ENGINE_RETRY_MS, () => {
      cancelRetry = undefined;
      void sweep().catch(() => {});
    });
  }

  /** One after the other: each has its own list of what left the memory meanwhile. */
  function sweep(): Promise<number> {
    sweeping = sweeping.catch(() => 0).then(readOpenRows);
    return sweeping;
  }

  /** Each by its own way, so that a stream that is away holds up no message. */
  async function sweepAll(): Promise<number> {
    const [rows, found] = await Promise.all([sweep(), events.sweep()]);
    return rows + found;
  }

  async function readOpenRows(): Promise<number> {
    overflow = false;
    settledMeanwhile = new Set();
    await marks.flush();
    const found = deps.shared ? await claimOpen(db, deps.owner) : await openRows(db);
    const settled = settledMeanwhile ?? new Set<string>();
    settledMeanwhile = undefined;
    const fresh = found.filter(
      ({ id }) => !messages.has(id) && !inFlight.has(id) && !settled.has(id) && !marks.isDone(id),
    );
    takeUp(
      fresh.map((row) => ({
        id: row.id,
        seq: Number(row.seq),
        kind: row.kind,
        payload: row.payload,
        createdMs: row.created.getTime(),
        deliverBeforeMs: row.deliver_before?.getTime() ?? null,
        attempts: row.attempts,
      })),
    );
    return fresh.length;
  }

  return {
    take,
    sweep: sweepAll,
    oldestAgeMs() {
      let oldestMs = messages.oldestAgeMs();
      for (const createdMs of inFlight.values()) oldestMs = Math.max(oldestMs, context.wall.nowMs() - createdMs);
      return overflow ? Math.max(oldestMs, 1) : oldestMs;
    },
    oldestEventAgeMs: () => events.oldestAgeMs(),
    idle: () => messages.idle(),
    async close() {
      closed = true;
      cancelRetry?.();
      messages.stop();
      await events.close();
      // A POST that is out already is worth its mark; a peer that hangs is not worth the wait.
      await within(context.wall, OUTBOX_CLOSE_MS, messages.idle()).catch(() => {});
      await marks.close();
      if (deps.shared) await releaseOpen(db, deps.owner).catch(() => {});
    },
  };
}

function openRows(db: Kysely<ParticipantTables>) {
  return db
    .selectFrom('outbox')
    .selectAll()
    .where('done_at', 'is', null)
    .where('failed_at', 'is', null)
    .where('kind', '<>', 'event')
    .orderBy('seq')
    .limit(SWEEP_ROWS)
    .execute();
}

/** Whether nobody has closed it since: the word of another process stands. */
async function isOpen(work: UnitOfWork<unknown>, id: string): Promise<boolean> {
  const row = await (work as unknown as UnitOfWork<ParticipantTables>).db
    .selectFrom('outbox')
    .select('id')
    .where('id', '=', id)
    .where('done_at', 'is', null)
    .where('failed_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** The last word on a message, in one transaction with what the service makes of it. */
async function closeUndelivered(
  { context, transactor, hooks, config }: RelayDeps,
  { id, attempts, lastError, payload, sent }: Delivery,
  undelivered: Undelivered,
): Promise<void> {
  const { message, reason, to, error } = undelivered;
  const why = `${reason}${error ? ` ${error.code}: ${error.message}` : ''}${lastError ? ` (${lastError})` : ''}`;
  const close = (withHook: boolean) =>
    transactor.transact(
      async (work) => {
        if (!(await isOpen(work, id))) return;
        await work.audit({
          event_type: 'beckn.undelivered',
          beckn_action: payload.action,
          transaction_id: message.context.transaction_id,
          message_id: message.context.message_id,
          counterparty_id: to,
          code: error?.code ?? reason,
          decision: why.slice(0, 300),
        });
        if (withHook) await hooks.onUndelivered(work, undelivered);
      },
      { failedOutbox: { id, attempts, error: why.slice(0, 300), sent } },
    );
  for (let failures = 0; failures < UNDELIVERED_ATTEMPTS; failures++) {
    try {
      return await close(true);
    } catch (failure) {
      context.metrics.count('undelivered_hook_failures');
      context.log.error(
        { subscriber: config.subscriberId, error: String(failure) },
        'closing an undelivered message failed',
      );
    }
  }
  // Without the hook what waits for the answer runs into its own deadline; the alarms above tell why.
  await close(false).catch((failure: unknown) =>
    context.log.error({ error: String(failure) }, 'an undelivered message stays open'),
  );
}
