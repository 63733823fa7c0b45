import type { CheckpointObject } from '@flexder/protocol/audit/series.ts';
import type { Kysely } from 'kysely';
import type { Archive } from '../engines/archive/port.ts';
import type { ParticipantTables } from '../participant/tables.ts';
import { CHECKPOINT_FOLDER } from './checkpoints.ts';
import { CHECKPOINTS_READ_AT_ONCE } from './limits.ts';

const LAST_SEQ = /(\d{15})\.json$/;

/**
 * What the archive holds of a subscriber's checkpoints, in the order of the chain, and without bytes those that the
 * database knows to have been put there.
 */
export async function* archivedCheckpoints(
  db: Kysely<ParticipantTables>,
  archive: Pick<Archive, 'get' | 'list'>,
  subscriberId: string,
): AsyncGenerator<CheckpointObject> {
  // Before the listing: what arrives in between is no missing one.
  const known = await db
    .selectFrom('audit_checkpoint as c')
    .innerJoin('archive_entry as e', 'e.key', 'c.key')
    .select('c.key')
    .where('e.archived_at', 'is not', null)
    .execute();
  const listed = await archive.list(`${subscriberId}/${CHECKPOINT_FOLDER}`);
  const keys = [...new Set([...known.map(({ key }) => key), ...listed])].filter((key) => LAST_SEQ.test(key)).sort();
  for (let start = 0; start < keys.length; start += CHECKPOINTS_READ_AT_ONCE) {
    const some = keys.slice(start, start + CHECKPOINTS_READ_AT_ONCE);
    yield* await Promise.all(
      some.map(async (key) => ({ key, lastSeq: Number(LAST_SEQ.exec(key)?.[1]), bytes: await archive.get(key) })),
    );
  }
}
