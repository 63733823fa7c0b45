/**
 * Takes events from the outbox to the event stream, at least once and in the order of their writing. While the stream is
 * away they wait in the database, not in memory, and hold up nothing else.
 */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { Kysely } from 'kysely';
import type { Context } from '../../context.ts';
import { type StreamEvent, UnpublishableError } from '../../engines/events/port.ts';
import { within } from '../../service.ts';
import { ENGINE_RETRY_MS, EVENT_BATCH, EVENTS_CLOSE_MS, EVENTS_IN_MEMORY, RECORDED_TEXT } from '../limits.ts';
import type { ParticipantTables, SealedBatch } from '../tables.ts';
import type { OutboxRow } from '../unit-of-work.ts';
import type { Marks } from './marks.ts';

export interface EventRelay {
  /** Called after each commit, with the rows of kind `event`. */
  add(rows: readonly OutboxRow[]): void;
  /** Takes up what the database holds and the memory does not; resolves with the number of rows found. */
  sweep(): Promise<number>;
  /** How long the oldest event has been waiting for the stream, milliseconds. */
  oldestAgeMs(): number;
  close(): Promise<void>;
}

type Row = Pick<OutboxRow, 'id' | 'seq' | 'payload' | 'createdMs'>;

interface Outgoing {
  readonly row: Row;
  readonly event: StreamEvent;
}

interface EventRelayDeps {
  readonly context: Pick<Context, 'wall' | 'log' | 'metrics' | 'activity' | 'engines'>;
  readonly db: Kysely<ParticipantTables>;
  readonly marks: Pick<Marks, 'done' | 'flush'>;
}

export function createEventRelay({ context, db, marks }: EventRelayDeps): EventRelay {
  const { wall, log, metrics, activity } = context;
  const stream = context.engines.events;
  let line: Row[] = [];
  /** The database holds events that go before any new one. So it is until it was read. */
  let behind = true;
  /** Read from the database last: a commit may be seen there before it is told here. */
  let read = new Set<string>();
  let oldestMs: number | undefined;
  let running: Promise<void> | undefined;
  let cancelRetry: (() => void) | undefined;
  let closed = false;
  let told = false;

  function pump(): Promise<void> {
    running ??= activity
      .track('hand over event', run)
      .catch((error) => retryLater(error))
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  async function run(): Promise<void> {
    while (!closed) {
      if (line.length === 0 && !behind) return;
      if (line.length === 0) await load();
      if (line.length === 0) continue;
      oldestMs = line[0]?.createdMs;
      const { rows, batch } = await expand();
      const refused = await publish(batch);
      line = line.slice(rows.length);
      marks.done(rows.map(({ id }) => id).filter((id) => !refused.has(id)));
      oldestMs = undefined;
      told = false;
    }
  }

  /** Events of as many rows from the head of the line as one publish takes. */
  async function expand(): Promise<{ rows: Row[]; batch: Outgoing[] }> {
    const rows: Row[] = [];
    const batch: Outgoing[] = [];
    for (const row of [...line]) {
      if (batch.length >= EVENT_BATCH) break;
      rows.push(row);
      const payload = row.payload as StreamEvent | SealedBatch;
      if ('sealed' in payload) {
        const records = await sealedRecords(db, payload);
        batch.push(...records.map((record) => ({ row, event: auditEvent(record) })));
      } else batch.push({ row, event: payload });
    }
    return { rows, batch };
  }

  /** What the stream will never take must not hold up what it will. Resolves with the rows that were closed. */
  async function publish(batch: readonly Outgoing[]): Promise<Set<string>> {
    const refused = new Set<string>();
    try {
      await stream.publish(batch.map(({ event }) => event));
    } catch (error) {
      if (!(error instanceof UnpublishableError)) throw error;
      for (const one of batch) if (!(await published(one))) refused.add(one.row.id);
    }
    return refused;
  }

  async function published({ row, event }: Outgoing): Promise<boolean> {
    try {
      await stream.publish([event]);
      return true;
    } catch (error) {
      if (!(error instanceof UnpublishableError)) throw error;
      metrics.count('outbox_unpublishable_total', { topic: event.topic });
      log.error({ topic: event.topic, key: event.key, error: error.message }, 'an event cannot be published');
      const failure = { failed_at: new Date(wall.nowMs()), error: error.message.slice(0, RECORDED_TEXT) };
      await db.updateTable('outbox').set(failure).where('id', '=', row.id).execute();
      return false;
    }
  }

  async function load(): Promise<void> {
    // A row whose mark is not written yet would be taken for an open one.
    await marks.flush();
    // Rows committed from here on come by `add`, or in what is read, or both.
    behind = false;
    const rows = await openEvents(db);
    read = new Set(rows.map(({ id }) => id));
    if (rows.length < EVENTS_IN_MEMORY) {
      line = [...rows, ...line.filter(({ id }) => !read.has(id))].sort((a, b) => a.seq - b.seq);
    } else {
      line = rows;
      behind = true;
    }
  }

  function retryLater(error: unknown): void {
    metrics.count('outbox_failures', { kind: 'event' });
    // Once an outage: it is tried every second.
    if (!told) log.warn({ error: String(error) }, 'events could not be handed over; they wait in the outbox');
    told = true;
    line = [];
    behind = true;
    if (closed) return;
    cancelRetry ??= wall.after(ENGINE_RETRY_MS, () => {
      cancelRetry = undefined;
      void pump();
    });
  }

  return {
    add(rows) {
      if (closed || rows.length === 0) return;
      if (behind || line.length + rows.length > EVENTS_IN_MEMORY) behind = true;
      else line.push(...rows.filter(({ id }) => !read.has(id)));
      if (!cancelRetry) void pump();
    },
    async sweep() {
      await running;
      if (cancelRetry || closed) return 0;
      behind = true;
      await pump();
      return read.size;
    },
    oldestAgeMs: () => (oldestMs === undefined ? 0 : Math.max(0, wall.nowMs() - oldestMs)),
    async close() {
      closed = true;
      cancelRetry?.();
      await within(wall, EVENTS_CLOSE_MS, running ?? Promise.resolve()).catch(() => {});
    },
  };
}

async function openEvents(db: Kysely<ParticipantTables>): Promise<Row[]> {
  const rows = await db
    .selectFrom('outbox')
    .select(['id', 'seq', 'payload', 'created'])
    .where('done_at', 'is', null)
    .where('failed_at', 'is', null)
    .where('kind', '=', 'event')
    .orderBy('seq')
    .limit(EVENTS_IN_MEMORY)
    .execute();
  return rows.map(({ id, seq, payload, created }) => ({ id, seq: Number(seq), payload, createdMs: created.getTime() }));
}

async function sealedRecords(db: Kysely<ParticipantTables>, { sealed }: SealedBatch): Promise<AuditRecord[]> {
  const rows = await db
    .selectFrom('audit_record')
    .select('record')
    .where('seq', '>=', String(sealed.fromSeq))
    .where('seq', '<=', String(sealed.toSeq))
    .orderBy('seq')
    .execute();
  return rows.map(({ record }) => record as AuditRecord);
}

/** Records of one order, or else of one event, keep their order on the stream; `seq` gives that of the whole chain. */
function auditEvent(record: AuditRecord): StreamEvent {
  const key = record.obp_id ?? record.event_id ?? record.transaction_id ?? record.actor_id;
  return { topic: 'audit', key, value: record };
}
