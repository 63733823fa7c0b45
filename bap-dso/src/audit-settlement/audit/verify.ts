/** Recomputes the audit chain from the database, in bounded batches, and names the first record that does not hold. */
import { type ChainStart, FIRST_SEQ, GENESIS_HASH, verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { CheckpointFault } from '@flexder/protocol/audit/series.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import type { Kysely } from 'kysely';
import { AUDIT_BATCH } from '../limits.ts';
import type { Disagreement, Witness } from './witness.ts';

/** What the archive added to a verdict; absent when it was not asked. */
interface Witnessed {
  /** Checkpoints that hold, and the last record that one of them is of. */
  readonly checkpoints?: { readonly verified: number; readonly toSeq: number };
  /** Checkpoints that are missing or altered, the first of them. */
  readonly checkpointFaults?: readonly CheckpointFault[];
}

export type AuditVerdict =
  | (Witnessed & {
      readonly valid: true;
      readonly records: number;
      readonly headHash: string;
      readonly unsealed: number;
    })
  | (Witnessed & {
      readonly valid: false;
      /** The first altered record; when only checkpoints are at fault, the first record of the first of these. */
      readonly seq: number;
      readonly reason: string;
      readonly detail: string;
      /** The key of the checkpoint that says so, or that is at fault itself. */
      readonly checkpoint?: string | null;
      /** The record's own words, as found; absent when it is gone. */
      readonly found?: { readonly event_type: unknown; readonly ts_utc: unknown; readonly obp_id: unknown };
    });

/**
 * The whole chain from its first record. Records rewritten with all that follows them, and a tail that was cut off,
 * leave a valid chain: only the checkpoints in the archive show that, which is what `archive` is for.
 */
export async function verifyAudit(db: Kysely<ParticipantTables>, archive?: Witness): Promise<AuditVerdict> {
  const verdict = await walk(db, archive);
  if (!archive) return verdict;
  const { verified, toSeq, faults } = archive;
  const [fault] = faults;
  const witnessed = { checkpoints: { verified, toSeq }, checkpointFaults: faults };
  if (!verdict.valid || !fault) return { ...verdict, ...witnessed };
  const { key: checkpoint, seq, detail, problem } = fault;
  return { valid: false, seq, reason: `checkpoint-${problem}`, checkpoint, detail, ...witnessed };
}

/** In bounded batches. */
async function walk(db: Kysely<ParticipantTables>, archive: Witness | undefined): Promise<AuditVerdict> {
  let from: ChainStart = { seq: FIRST_SEQ, prevHash: GENESIS_HASH };
  for (;;) {
    const rows = await sealedRows(db, from.seq);
    const misplaced = rows.findIndex((row) => columnFault(row) !== undefined);
    const placed = misplaced < 0 ? rows : rows.slice(0, misplaced);
    const records = placed.map((row) => row.record as AuditRecord);
    const verdict = verifyChain(records, from);
    const whole = verdict.valid ? records : records.slice(0, verdict.seq - from.seq);
    const other = await archive?.compare(whole);
    if (other) return rewritten(other, whole[other.seq - from.seq]);
    if (!verdict.valid) {
      const found = records.find((record) => Number(record.seq) === verdict.seq);
      return {
        valid: false,
        seq: verdict.seq,
        reason: verdict.reason,
        detail: verdict.detail,
        ...(found && quoted(found)),
      };
    }
    const row = rows[misplaced];
    if (row) return broken(from.seq + misplaced, row, columnFault(row) ?? '');
    from = { seq: from.seq + records.length, prevHash: verdict.headHash };
    if (rows.length < AUDIT_BATCH) return complete(db, from, archive);
  }
}

type SealedRow = { record: unknown; seq: string | number | null; hash: string | null };

function sealedRows(db: Kysely<ParticipantTables>, fromSeq: number): Promise<SealedRow[]> {
  return db
    .selectFrom('audit_record')
    .select(['record', 'seq', 'hash'])
    .where('seq', '>=', String(fromSeq))
    .orderBy('seq')
    .limit(AUDIT_BATCH)
    .execute();
}

async function complete(
  db: Kysely<ParticipantTables>,
  end: ChainStart,
  archive: Witness | undefined,
): Promise<AuditVerdict> {
  const records = end.seq - FIRST_SEQ;
  const more = await archive?.beyond(records);
  if (more) {
    const detail = `the archive has a checkpoint of record ${more.seq}, the chain ends at ${records}`;
    return { valid: false, ...more, reason: 'truncated', detail };
  }
  const { unsealed } = await db
    .selectFrom('audit_record')
    .select(({ fn }) => fn.countAll<string>().as('unsealed'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow();
  return { valid: true, records, headHash: end.prevHash, unsealed: Number(unsealed) };
}

/** The columns the record is found by must say what the record says. */
function columnFault(row: SealedRow): string | undefined {
  const record = row.record as Partial<AuditRecord> | null;
  if (record === null || typeof record !== 'object') return 'its record is not an object';
  if (Number(row.seq) !== record.seq) return `its column seq is ${row.seq}, its record says ${record.seq}`;
  if (row.hash !== record.hash) return `its column hash is ${row.hash}, its record says ${record.hash}`;
  return undefined;
}

function broken(expected: number, row: SealedRow, what: string): AuditVerdict {
  const seq = Number(row.seq) || expected;
  return {
    valid: false,
    seq,
    reason: 'columns',
    detail: `record ${seq}: ${what}`,
    ...quoted(row.record as AuditRecord),
  };
}

function rewritten({ seq, checkpoint }: Disagreement, record: AuditRecord | undefined): AuditVerdict {
  const detail = `record ${seq} hashes to ${record?.hash}, the checkpoint in the archive says otherwise: it was rewritten`;
  return { valid: false, seq, reason: 'checkpoint', checkpoint, detail, ...(record && quoted(record)) };
}

function quoted(record: AuditRecord | null) {
  return { found: { event_type: record?.event_type, ts_utc: record?.ts_utc, obp_id: record?.obp_id ?? null } };
}
