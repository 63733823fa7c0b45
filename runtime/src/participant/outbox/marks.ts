import { type Kysely, sql } from 'kysely';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { MARK_AFTER_MS, MARK_ROWS } from '../limits.ts';
import type { ParticipantTables } from '../tables.ts';

export interface RetryMark {
  readonly id: string;
  readonly attempts: number;
  readonly next_attempt: string;
  readonly error: string;
}

/**
 * Writes what became of outbox rows, many in one statement. It is not on the way of a message: a mark lost in a crash
 * only repeats a delivery, and receivers are idempotent.
 */
export interface Marks {
  done(ids: readonly string[]): void;
  retry(mark: RetryMark): void;
  flush(): Promise<void>;
}

export function createMarks(db: Kysely<ParticipantTables>, wall: WallClock, log: Logger): Marks {
  let done: string[] = [];
  let retries = new Map<string, RetryMark>();
  let armed = false;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const ids = done;
    const marks = [...retries.values()];
    done = [];
    retries = new Map();
    if (ids.length === 0 && marks.length === 0) return;
    const now = new Date(wall.nowMs());
    try {
      await sql`
        with d as (
          update outbox set done_at = ${now}::timestamptz, error = null
          where id in (select value from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
        )
        update outbox set attempts = r.attempts, next_attempt = r.next_attempt, error = r.error
        from jsonb_to_recordset(${JSON.stringify(marks)}::jsonb) as r(id text, attempts integer, next_attempt timestamptz, error text)
        where outbox.id = r.id`.execute(db);
    } catch (error) {
      // The rows stay open; the sweep will find them and deliver once more.
      log.error({ rows: ids.length + marks.length, error: String(error) }, 'outbox marks could not be written');
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  function arm(): void {
    if (done.length + retries.size >= MARK_ROWS) void flush();
    else if (!armed) {
      armed = true;
      wall.after(MARK_AFTER_MS, () => {
        armed = false;
        void flush();
      });
    }
  }

  return {
    done(ids) {
      for (const id of ids) retries.delete(id);
      done.push(...ids);
      arm();
    },
    retry(mark) {
      retries.set(mark.id, mark);
      arm();
    },
    flush,
  };
}
