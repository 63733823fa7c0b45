import { createHash } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { Context } from '../../context.ts';
import { ArchiveConflictError } from '../../engines/archive/port.ts';
import { ARCHIVE_AGE_MS, ARCHIVE_RETRY_LONGEST_MS, ARCHIVE_RETRY_MS, ARCHIVE_RUN_OBJECTS } from '../limits.ts';
import type { ParticipantTables } from '../tables.ts';
import type { ArchiveObject } from '../types.ts';

/** What is not in the archive yet. */
export interface ArchiveBacklog {
  readonly waiting: number;
  /** Of the oldest that waits, milliseconds; 0 when none does. */
  readonly oldestAgeMs: number;
  /** Objects that the archive does not take, for good: most often it holds other bytes under their key. */
  readonly refused: number;
}

/** As a dependency in a service's health; the service works on without it. */
export function archiveHealth({ waiting, oldestAgeMs, refused }: ArchiveBacklog) {
  const age = `oldest object not in the archive: ${Math.round(oldestAgeMs)} ms, at most ${ARCHIVE_AGE_MS} ms`;
  const detail = `${age}; ${waiting} wait, ${refused} refused`;
  return { ok: oldestAgeMs <= ARCHIVE_AGE_MS && refused === 0, detail, needed: false };
}

/**
 * Takes what transactions left for the archive there, oldest first, for as long as it takes. Nobody waits for it: an
 * archive that is away costs a growing age, which health shows.
 */
export interface Shipper {
  nudge(): void;
  backlog(): Promise<ArchiveBacklog>;
  /** Resolves when what waits is in the archive, or the first attempt failed. */
  flush(): Promise<void>;
  close(): void;
}

/** Puts an object among those that wait, in the transaction that it is about. Returns its key in the archive. */
export async function leaveForArchive(
  trx: Transaction<ParticipantTables>,
  subscriberId: string,
  { key, text }: ArchiveObject,
  nowMs: number,
): Promise<{ key: string; sha256: string }> {
  const entry = { key: `${subscriberId}/${key}`, sha256: createHash('sha256').update(text).digest('hex') };
  const values = { ...entry, content: text, created_at: new Date(nowMs) };
  await trx.insertInto('archive_entry').values(values).execute();
  return entry;
}

interface ShipperDeps {
  readonly context: Pick<Context, 'wall' | 'log' | 'metrics'> & {
    readonly engines: Pick<Context['engines'], 'archive'>;
  };
  readonly db: Kysely<ParticipantTables>;
  readonly subscriberId: string;
}

/** Trying again changes nothing about these. */
const isFinal = (error: unknown) =>
  error instanceof ArchiveConflictError || error instanceof TypeError || error instanceof RangeError;

export function createShipper({ context, db, subscriberId }: ShipperDeps): Shipper {
  const { wall, metrics, engines } = context;
  const log = context.log.child({ subscriber: subscriberId });
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;
  let cancelTimer: (() => void) | undefined;
  let closed = false;

  /** False when there was nothing to do, or the archive is away. */
  async function shipOne(): Promise<boolean> {
    const entry = await db
      .selectFrom('archive_entry')
      .select(['id', 'key', 'content'])
      .where('archived_at', 'is', null)
      .where('refused_at', 'is', null)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (!entry || closed) return false;
    const mark = (values: { archived_at?: Date; refused_at?: Date; content?: null; error: string | null }) =>
      db.updateTable('archive_entry').set(values).where('id', '=', entry.id).execute();
    try {
      await engines.archive.put(entry.key, Buffer.from(entry.content ?? ''));
      await mark({ archived_at: new Date(wall.nowMs()), content: null, error: null });
      failures = 0;
      return true;
    } catch (error) {
      const why = String(error instanceof Error ? error.message : error).slice(0, 500);
      if (closed) return false;
      if (isFinal(error)) {
        metrics.count('archive_refused');
        log.error({ key: entry.key, error: why }, 'the archive does not take an object; it stays in the database');
        await mark({ refused_at: new Date(wall.nowMs()), error: why });
        return true;
      }
      failures++;
      metrics.count('archive_failures');
      log.error({ key: entry.key, error: why, failures }, 'the archive is away; what is for it waits in the database');
      arm(Math.min(ARCHIVE_RETRY_LONGEST_MS, ARCHIVE_RETRY_MS * 2 ** Math.min(failures - 1, 16)));
      return false;
    }
  }

  async function run(): Promise<void> {
    do {
      again = false;
      for (let objects = 0; await shipOne(); objects++) {
        if (objects < ARCHIVE_RUN_OBJECTS) continue;
        arm(0);
        return;
      }
    } while (again && failures === 0);
  }

  function start(): Promise<void> {
    again = true;
    running ??= run()
      .catch((error: unknown) => {
        if (closed) return;
        log.error({ error: String(error) }, 'what is for the archive could not be read');
        arm(ARCHIVE_RETRY_MS);
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  function arm(delayMs: number): void {
    if (closed) return;
    cancelTimer ??= wall.after(delayMs, () => {
      cancelTimer = undefined;
      void start();
    });
  }

  return {
    nudge() {
      if (!closed && failures === 0) void start();
    },
    async backlog() {
      const { waiting, oldest, refused } = await db
        .selectFrom('archive_entry')
        .select(({ fn }) => [
          fn.countAll<string>().filterWhere('refused_at', 'is', null).as('waiting'),
          fn.min('created_at').filterWhere('refused_at', 'is', null).as('oldest'),
          fn.count<string>('refused_at').as('refused'),
        ])
        .where('archived_at', 'is', null)
        .executeTakeFirstOrThrow();
      const oldestAgeMs = oldest === null ? 0 : Math.max(0, wall.nowMs() - (oldest as Date).getTime());
      return { waiting: Number(waiting), oldestAgeMs, refused: Number(refused) };
    },
    flush: start,
    close() {
      closed = true;
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
