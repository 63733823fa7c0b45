import { FIRST_SEQ } from '@flexder/protocol/audit/chain.ts';
import { writeCheckpoint } from '@flexder/protocol/audit/checkpoint.ts';
import { CHECKPOINT_RECORDS } from '@flexder/protocol/audit/limits.ts';
import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import { leaveForArchive } from '../participant/archive/shipper.ts';
import type { ParticipantTables } from '../participant/tables.ts';
import type { ParticipantConfig } from '../participant/types.ts';
import { CHECKPOINT_AFTER_MS, CHECKPOINT_RETRY_MS, CHECKPOINTS_OF_A_RUN } from './limits.ts';

/**
 * Writes checkpoints of what is sealed: after every so many records or so much time, whichever is first. They are
 * left for the archive in the transaction that remembers them, so none is lost and none is written twice.
 */
export interface Checkpoints {
  /** Tells that so many records were sealed. */
  sealed(records: number): void;
  /** Resolves when all that is sealed has a checkpoint. */
  now(): Promise<void>;
  close(): Promise<void>;
}

interface CheckpointDeps {
  readonly context: Pick<Context, 'wall' | 'log' | 'metrics' | 'activity'>;
  readonly config: Pick<ParticipantConfig, 'subscriberId' | 'keys'>;
  readonly db: Kysely<ParticipantTables>;
  /** Called after each commit: there is something for the archive. */
  readonly written: () => void;
}

/** Below the subscriber's id; sorts in the order of the chain. */
export function checkpointKey(lastSeq: number): string {
  return `${CHECKPOINT_FOLDER}${String(lastSeq).padStart(15, '0')}.json`;
}
export const CHECKPOINT_FOLDER = 'audit/checkpoints/';

export function createCheckpoints({ context, config, db, written }: CheckpointDeps): Checkpoints {
  const { wall, metrics, activity } = context;
  const log = context.log.child({ subscriber: config.subscriberId });
  let waiting = 0;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  /** Returns how many records it is of. */
  async function writeOne(): Promise<number> {
    const count = await db.transaction().execute(async (trx) => {
      const last = await trx
        .selectFrom('audit_checkpoint')
        .select(['last_seq', 'sha256'])
        .orderBy('last_seq', 'desc')
        .limit(1)
        .executeTakeFirst();
      const firstSeq = last ? Number(last.last_seq) + 1 : FIRST_SEQ;
      const rows = await trx
        .selectFrom('audit_record')
        .select(['seq', 'hash'])
        .where('seq', '>=', String(firstSeq))
        .orderBy('seq')
        .limit(CHECKPOINT_RECORDS)
        .execute();
      if (rows.length === 0) return 0;
      const recordHashes = rows.map(({ seq, hash }, index) => {
        // To sign over a gap would make it look as if nothing had been there.
        if (Number(seq) !== firstSeq + index || hash === null)
          throw new Error(`record ${firstSeq + index} is missing from the audit chain: run \`flexder audit verify\``);
        return hash;
      });
      const { subscriberId, keys } = config;
      const previousSha256 = last?.sha256 ?? null;
      const bytes = writeCheckpoint({ subscriberId, firstSeq, recordHashes, previousSha256, atMs: wall.nowMs() }, keys);
      const lastSeq = firstSeq + rows.length - 1;
      const object = { key: checkpointKey(lastSeq), text: Buffer.from(bytes).toString() };
      const { key, sha256 } = await leaveForArchive(trx, subscriberId, object, wall.nowMs());
      await trx
        .insertInto('audit_checkpoint')
        .values({ last_seq: String(lastSeq), sha256, key })
        .execute();
      return rows.length;
    });
    if (count > 0) written();
    return count;
  }

  async function run(): Promise<void> {
    waiting = 0;
    for (let written = 0; written < CHECKPOINTS_OF_A_RUN; written++) {
      if ((await writeOne()) < CHECKPOINT_RECORDS) return;
    }
    arm(0);
  }

  function enqueueRun(): Promise<void> {
    const next = running.then(() => activity.track('audit.checkpoint', run));
    running = next.catch((error: unknown) => {
      metrics.count('audit_checkpoint_failures');
      log.error({ error: String(error) }, 'a checkpoint of the audit chain could not be written; will be tried again');
      arm(CHECKPOINT_RETRY_MS);
    });
    return next;
  }

  function disarm(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }

  function arm(delayMs: number): void {
    if (cancelTimer || closed) return;
    cancelTimer = wall.after(delayMs, () => {
      cancelTimer = undefined;
      void enqueueRun().catch(() => {});
    });
  }

  // Records that were sealed before a restart.
  arm(CHECKPOINT_AFTER_MS);

  return {
    sealed(records) {
      waiting += records;
      if (waiting >= CHECKPOINT_RECORDS) disarm();
      if (waiting > 0) arm(waiting >= CHECKPOINT_RECORDS ? 0 : CHECKPOINT_AFTER_MS);
    },
    now() {
      disarm();
      return enqueueRun();
    },
    async close() {
      closed = true;
      disarm();
      await running;
    },
  };
}
