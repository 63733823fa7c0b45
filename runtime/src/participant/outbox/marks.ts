import { type Kysely, sql } from 'kysely';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { MARK_AFTER_MS, MARK_AGAIN_MS, MARK_ROWS, OUTBOX_IN_MEMORY } from '../limits.ts';
import type { ParticipantTables } from '../tables.ts';
import type { Sent } from './lane.ts';

export interface RetryMark {
  readonly id: string;
  readonly attempts: number;
  readonly next_attempt: string;
  readonly error: string;
}

/**
 * Writes what became of outbox rows, many in one statement. It is not on the way of a message: what cannot be written is
 * written later, and a mark lost in a crash only repeats a delivery, which receivers take once.
 */
export interface Marks {
  /** `sent`: of a message, how it was on the wire. */
  done(ids: readonly string[], sent?: Sent): void;
  retry(mark: RetryMark): void;
  /** Done with, although the database does not say so yet. */
  isDone(id: string): boolean;
  flush(): Promise<void>;
  /** Writes a last time. What comes later is not written, so that nothing outlives the database. */
  close(): Promise<void>;
}

export function createMarks(db: Kysely<ParticipantTables>, wall: WallClock, log: Logger): Marks {
  const done = new Map<string, Sent | undefined>();
  let retries = new Map<string, RetryMark>();
  let cancelArmed: (() => void) | undefined;
  let closed = false;
  let failing = false;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const ids = [...done.keys()];
    const rows = [...done].map(([id, sent]) => ({ id, ...(sent && { headers: sent.headers, sent_at: isoOf(sent) }) }));
    const marks = retries;
    retries = new Map();
    if (ids.length === 0 && marks.size === 0) return;
    const now = new Date(wall.nowMs());
    try {
      await sql`
        with d as (
          update outbox set done_at = ${now}::timestamptz, error = null, headers = x.headers, sent_at = x.sent_at
          from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as x(id text, headers jsonb, sent_at timestamptz)
          where outbox.id = x.id
        )
        update outbox set attempts = r.attempts, next_attempt = r.next_attempt, error = r.error
        from jsonb_to_recordset(${JSON.stringify([...marks.values()])}::jsonb) as r(id text, attempts integer, next_attempt timestamptz, error text)
        where outbox.id = r.id`.execute(db);
      failing = false;
      for (const id of ids) done.delete(id);
    } catch (error) {
      failing = true;
      const fields = { rows: ids.length + marks.size, error: String(error) };
      if (closed)
        return log.warn(fields, 'outbox marks could not be written; delivered once more after the next start');
      log.error(fields, 'outbox marks could not be written; later again');
      for (const [id, mark] of marks) if (!done.has(id) && !retries.has(id)) retries.set(id, mark);
      // Beyond the bound rows stay open: the sweep finds them and delivers once more.
      for (const id of ids.slice(0, Math.max(0, done.size - OUTBOX_IN_MEMORY))) done.delete(id);
      arm(MARK_AGAIN_MS);
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  function arm(afterMs: number): void {
    cancelArmed ??= wall.after(afterMs, () => {
      cancelArmed = undefined;
      void flush();
    });
  }

  function added(): void {
    if (closed) return;
    if (!failing && done.size + retries.size >= MARK_ROWS) void flush();
    else arm(MARK_AFTER_MS);
  }

  return {
    done(ids, sent) {
      for (const id of ids) {
        retries.delete(id);
        done.set(id, sent);
      }
      added();
    },
    retry(mark) {
      retries.set(mark.id, mark);
      added();
    },
    isDone: (id) => done.has(id),
    flush,
    close() {
      closed = true;
      cancelArmed?.();
      return flush();
    },
  };
}

const isoOf = ({ atMs }: Sent) => new Date(atMs).toISOString();
