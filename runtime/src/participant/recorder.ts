/**
 * For a process that is no participant of the network and must not lose what it found: state and events in one
 * transaction, and the events on the stream after it, whenever that can be reached.
 */
import type { Kysely, Migration, Transaction } from 'kysely';
import type { Context } from '../context.ts';
import type { StreamEvent } from '../engines/events/port.ts';
import { prune } from './housekeeping.ts';
import { SWEEP_EVERY_MS } from './limits.ts';
import { createEventRelay, type EventRelay } from './outbox/events.ts';
import { createMarks } from './outbox/marks.ts';
import { type ParticipantTables, participantMigrations } from './tables.ts';
import type { OutboxRow } from './unit-of-work.ts';

export interface RecorderWork<T> {
  readonly db: Transaction<T>;
  emit(event: StreamEvent): void;
}

export interface Recorder<T> {
  readonly database: Kysely<T & ParticipantTables>;
  /** Runs `body` in one transaction; its events leave after the commit, at least once, in order. */
  transact<R>(body: (work: RecorderWork<T>) => Promise<R>): Promise<R>;
  /** How long the oldest event has been waiting for the stream, milliseconds. */
  oldestEventAgeMs(): number;
  close(): Promise<void>;
}

export interface RecorderOptions {
  readonly context: Context;
  /** Names its schema in the database. */
  readonly id: string;
  /** The service's own; keys sort after `0000-participant`. */
  readonly migrations: Record<string, Migration>;
}

/** Takes up what was committed before a restart and had not left. */
export async function openRecorder<T>({ context, id, migrations }: RecorderOptions): Promise<Recorder<T>> {
  const all = { ...participantMigrations, ...migrations };
  const database = await context.engines.database.open<T & ParticipantTables>(id, all);
  const db = database as unknown as Kysely<ParticipantTables>;
  const marks = createMarks(db, context.wall, context.log);
  const relay = createEventRelay({ context, db, marks });
  const stopSweeping = sweepNowAndThen(context, db, relay);
  return {
    database,
    async transact(body) {
      const events: StreamEvent[] = [];
      let rows: OutboxRow[] = [];
      const result = await db.transaction().execute(async (trx) => {
        const value = await body({ db: trx as never, emit: (event) => void events.push(event) });
        rows = await insert(trx, events, context);
        return value;
      });
      relay.add(rows);
      return result;
    },
    oldestEventAgeMs: () => relay.oldestAgeMs(),
    async close() {
      await stopSweeping();
      await relay.close();
      await marks.flush();
    },
  };
}

async function insert(
  trx: Transaction<ParticipantTables>,
  events: readonly StreamEvent[],
  { wall, ids }: Pick<Context, 'wall' | 'ids'>,
): Promise<OutboxRow[]> {
  const createdMs = wall.nowMs();
  const rows: OutboxRow[] = [];
  for (const payload of events) {
    const values = {
      id: ids.uuid(),
      kind: 'event' as const,
      payload: JSON.stringify(payload),
      created: new Date(createdMs),
    };
    const { seq } = await trx.insertInto('outbox').values(values).returning('seq').executeTakeFirstOrThrow();
    rows.push({ ...values, seq: Number(seq), payload, createdMs, deliverBeforeMs: null, attempts: 0 });
  }
  return rows;
}

function sweepNowAndThen(context: Context, db: Kysely<ParticipantTables>, relay: EventRelay): () => Promise<void> {
  const { wall, log, metrics } = context;
  let stopped = false;
  let cancel = () => {};
  let running: Promise<void>;
  const round = async () => {
    try {
      // Not awaited: while the stream is away this ends with its bound, and pruning is due all the same.
      void relay.sweep();
      metrics.gauge('outbox_oldest_event_age', relay.oldestAgeMs() / 1000);
      await prune(db, wall.nowMs());
    } catch (error) {
      log.error({ error: String(error) }, 'housekeeping failed');
    }
    if (!stopped) arm();
  };
  const arm = () => {
    cancel = wall.after(SWEEP_EVERY_MS, () => {
      running = round();
    });
  };
  running = round();
  return () => {
    stopped = true;
    cancel();
    return running;
  };
}
