/** Finds the checkpoint that a record is in, and reads it from the archive or, before it got there, from the database. */
import { CHECKPOINT_FOLDER } from '@flexder/runtime/audit/checkpoints.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import type { AuditCheckpoint } from '@flexder/schemas/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import type { Kysely } from 'kysely';

const LAST_SEQ = /(\d{15})\.json$/;

export interface CheckpointReader {
  /** Its key in the archive; undefined when the record has none yet. */
  keyOf(seq: number): string | undefined;
  /** Undefined when it is not there or is none. */
  read(key: string): Promise<AuditCheckpoint | undefined>;
}

/** A database that forgot its checkpoints is helped by the archive, and the other way round. */
export async function checkpointReader(
  database: unknown,
  archive: Pick<Archive, 'get' | 'list'>,
  subscriberId: string,
): Promise<CheckpointReader> {
  const db = database as Kysely<ParticipantTables>;
  const known = await db.selectFrom('audit_checkpoint').select('key').execute();
  const listed = await archive.list(`${subscriberId}/${CHECKPOINT_FOLDER}`);
  const keys = [...new Set([...known.map(({ key }) => key), ...listed])].filter((key) => LAST_SEQ.test(key)).sort();
  const lastSeqs = keys.map((key) => Number(LAST_SEQ.exec(key)?.[1]));
  return {
    keyOf: (seq) => keys[firstAtLeast(lastSeqs, seq)],
    async read(key) {
      const bytes = (await archive.get(key)) ?? (await onItsWay(db, key));
      return bytes && parsed(bytes);
    },
  };
}

/** Index of the first of the rising numbers that is not below `least`. */
function firstAtLeast(rising: readonly number[], least: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function onItsWay(db: Kysely<ParticipantTables>, key: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('archive_entry').select('content').where('key', '=', key).executeTakeFirst();
  return row?.content == null ? undefined : Buffer.from(row.content);
}

function parsed(bytes: Uint8Array): AuditCheckpoint | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return validateRecord('audit-checkpoint', value).valid ? (value as AuditCheckpoint) : undefined;
  } catch {
    return undefined;
  }
}
