import { createHash } from 'node:crypto';
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Context } from '../context.ts';
import { leaveForArchive } from './archive/shipper.ts';
import { composeMessage } from './compose.ts';
import { factsOf } from './facts.ts';
import { VICTIM_ATTEMPTS } from './limits.ts';
import type { Sent } from './outbox/lane.ts';
import { leaseEnd } from './outbox/leases.ts';
import type { OutboxMessage, ParticipantTables } from './tables.ts';
import type { InboundMessage, OutgoingMessage, ParticipantConfig, SubscriberRecord, UnitOfWork } from './types.ts';

/** One effect of a transaction as it stands in the outbox. */
export interface OutboxRow {
  readonly id: string;
  readonly seq: number;
  readonly kind: 'message' | 'job' | 'event';
  readonly payload: unknown;
  readonly createdMs: number;
  readonly deliverBeforeMs: number | null;
  readonly attempts: number;
}

/** Marks made in the same statement as the effects. */
export interface Marks {
  readonly handled?: InboundMessage;
  readonly failedOutbox?: {
    readonly id: string;
    readonly attempts: number;
    readonly error: string;
    readonly sent?: Sent | undefined;
  };
}

export interface Transactor {
  transact<T>(body: (work: UnitOfWork<unknown>) => Promise<T>, marks?: Marks): Promise<T>;
}

interface TransactorDeps {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly db: Kysely<ParticipantTables>;
  /** This process: what it writes, it delivers. */
  readonly owner?: string;
  peek(subscriberId: string): SubscriberRecord | undefined;
  /** Called once after each commit, with what left. */
  committed(rows: OutboxRow[], audited: boolean): void;
  /** Called after each commit that left something for the archive. */
  forArchive(): void;
}

type Pending = Omit<OutboxRow, 'seq' | 'attempts'>;

/**
 * A transaction whose effects are gathered in memory and written by one statement before the commit. A body may run
 * more than once: what it changes outside of the database belongs into `afterCommit`.
 */
export function createTransactor(deps: TransactorDeps): Transactor {
  const { context, config, db, committed } = deps;
  return {
    async transact(body, marks = {}) {
      const attempt = async () => {
        const effects: Pending[] = [];
        const entries: AuditEntry[] = [];
        const wakeUps: (() => void)[] = [];
        let rows: OutboxRow[] = [];
        const result = await db.transaction().execute(async (trx) => {
          const value = await body(unitOfWork(deps, trx, effects, entries, wakeUps));
          rows = await writeEffects(trx, deps.owner ?? '', effects, entries, marks, new Date(context.wall.nowMs()));
          return value;
        });
        return { result, rows, wakeUps, audited: entries.length > 0 };
      };
      const { result, rows, wakeUps, audited } = await unlessVictim(attempt);
      committed(rows, audited);
      for (const run of wakeUps) {
        try {
          run();
        } catch (error) {
          context.log.error({ subscriber: config.subscriberId, error: String(error) }, 'work after a commit failed');
        }
      }
      return result;
    },
  };
}

/** Another process handled the message meanwhile, so this transaction was rolled back. */
export class HandledElsewhereError extends Error {
  override name = 'HandledElsewhereError';
}

/** SQLSTATE of transactions that the database sacrificed for another: nothing of them happened. */
const VICTIM = new Set(['40001', '40P01']);

/** Runs `attempt` again, a bounded number of times, when the database ended it for the sake of another. */
export async function unlessVictim<T>(attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures >= VICTIM_ATTEMPTS || !VICTIM.has(String((error as { code?: unknown }).code))) throw error;
    }
  }
}

function unitOfWork(
  { context, config, peek, forArchive }: TransactorDeps,
  trx: Transaction<ParticipantTables>,
  effects: Pending[],
  entries: AuditEntry[],
  wakeUps: (() => void)[],
): UnitOfWork<unknown> {
  const nowMs = () => context.wall.nowMs();
  const push = (kind: Pending['kind'], payload: unknown, deliverBeforeMs: number | null = null) =>
    effects.push({ id: context.ids.uuid(), kind, payload, createdMs: nowMs(), deliverBeforeMs });
  const audit = (entry: Partial<AuditEntry> & Pick<AuditEntry, 'event_type'>) => {
    entries.push(stamped(entry, config, nowMs(), context.grid.nowMs()));
  };
  return {
    db: trx as unknown as Transaction<unknown>,
    async send(outgoing: OutgoingMessage) {
      const composed = composeMessage(outgoing, config, context.ids, nowMs(), peek(outgoing.to));
      push('message', composed.payload, composed.deliverBeforeMs);
      audit({
        event_type: 'beckn.sent',
        ...sentFacts(composed.payload, composed.messageId),
        ...factsOf(outgoing.message),
        ...(outgoing.error ? { code: outgoing.error.code } : {}),
        ...outgoing.audit,
      });
      return composed.messageId;
    },
    async forward(message, to, ttlMs) {
      const { raw, action, body } = message;
      const transactionId = body.context.transaction_id;
      const payload: OutboxMessage = { to, action, transactionId, text: raw.text, forwarded: raw.authorization };
      push('message', payload, nowMs() + ttlMs);
      audit({ event_type: 'beckn.forwarded', ...sentFacts(payload, body.context.message_id) });
    },
    async enqueue(job) {
      push('job', job);
    },
    async emit(event) {
      push('event', event);
    },
    async audit(entry) {
      audit(entry);
    },
    async archive(object) {
      await leaveForArchive(trx, config.subscriberId, object, nowMs());
      if (!wakeUps.includes(forArchive)) wakeUps.push(forArchive);
    },
    afterCommit(run) {
      wakeUps.push(run);
    },
  };
}

function sentFacts(payload: OutboxMessage, messageId: string): Partial<AuditEntry> {
  return {
    beckn_action: payload.action,
    transaction_id: payload.transactionId,
    message_id: messageId,
    counterparty_id: payload.to,
    // A URL still missing will change the bytes: their hash is not known yet.
    ...(payload.missingUri ? {} : { payload_sha256: createHash('sha256').update(payload.text).digest('hex') }),
  };
}

/** Whose record it is. */
export interface Actor {
  readonly subscriberId: string;
  readonly type: AuditEntry['actor_role'];
}

/** An entry with its instant and actor; grid time is written when it differs from wall time. */
export function stamped(
  entry: Partial<AuditEntry> & Pick<AuditEntry, 'event_type'>,
  actor: Actor,
  wallMs: number,
  gridMs: number,
): AuditEntry {
  return {
    ts_utc: new Date(wallMs).toISOString(),
    ...(Math.abs(gridMs - wallMs) > 1_000 ? { grid_ts_utc: new Date(gridMs).toISOString() } : {}),
    actor_id: actor.subscriberId,
    actor_role: actor.type,
    ...entry,
  };
}

/** Outbox rows, audit records and marks in one round trip: this is on the way of every message. */
async function writeEffects(
  trx: Transaction<ParticipantTables>,
  owner: string,
  effects: readonly Pending[],
  entries: readonly AuditEntry[],
  { handled, failedOutbox }: Marks,
  now: Date,
): Promise<OutboxRow[]> {
  if (effects.length === 0 && entries.length === 0 && !handled && !failedOutbox) return [];
  const outbox = effects.map(({ createdMs, deliverBeforeMs, ...rest }) => ({
    ...rest,
    created: new Date(createdMs),
    deliver_before: deliverBeforeMs === null ? null : new Date(deliverBeforeMs),
  }));
  const { rows } = await sql<{ id: string | null; seq: string; handled: number }>`
    with o as (
      insert into outbox (id, kind, payload, created, deliver_before, leased_by, leased_until)
      select x.id, x.kind, x.payload, x.created, x.deliver_before, ${owner}::text, ${leaseEnd()}
      from rows from (jsonb_to_recordset(${JSON.stringify(outbox)}::jsonb)
        as (id text, kind text, payload jsonb, created timestamptz, deliver_before timestamptz))
        with ordinality as x(id, kind, payload, created, deliver_before, ord) order by x.ord
      returning id, seq
    ), a as (
      insert into audit_record (record)
      select x.value from jsonb_array_elements(${JSON.stringify(entries)}::jsonb) with ordinality as x(value, ord) order by x.ord
    ), h as (
      update inbound_message set state = 'handled', handled_at = ${now}::timestamptz
      where signer = ${handled?.signerId ?? ''}::text and action = ${handled?.action ?? ''}::text
        and message_id = ${handled?.body.context.message_id ?? ''}::text and state = 'stored'
      returning 1
    ), f as (
      update outbox set failed_at = ${now}::timestamptz, error = ${failedOutbox?.error ?? ''}::text, attempts = ${failedOutbox?.attempts ?? 0}::integer,
        headers = ${failedOutbox?.sent ? JSON.stringify(failedOutbox.sent.headers) : null}::jsonb,
        sent_at = ${failedOutbox?.sent ? new Date(failedOutbox.sent.atMs) : null}::timestamptz
      where id = ${failedOutbox?.id ?? ''}::text and done_at is null and failed_at is null
    )
    select o.id, o.seq, done.handled from (select count(*) as handled from h) as done left join o on true`.execute(trx);
  if (handled && rows[0]?.handled === 0) throw new HandledElsewhereError('the message is handled already');
  const seqs = new Map(rows.map((row) => [row.id, Number(row.seq)]));
  return effects.map((effect) => ({ ...effect, seq: seqs.get(effect.id) ?? 0, attempts: 0 }));
}
