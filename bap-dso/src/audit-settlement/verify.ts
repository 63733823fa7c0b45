/** Recomputes the audit chain from the database, in bounded batches, and names the first record that does not hold. */
import { type ChainStart, FIRST_SEQ, GENESIS_HASH, verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import type { Kysely } from 'kysely';
import { AUDIT_BATCH } from './limits.ts';

export type AuditVerdict =
  | { readonly valid: true; readonly records: number; readonly headHash: string; readonly unsealed: number }
  | {
      readonly valid: false;
      /** The first altered record. */
      readonly seq: number;
      readonly reason: string;
      readonly detail: string;
      /** The record's own words, as found; absent when it is gone. */
      readonly found?: { readonly event_type: unknown; readonly ts_utc: unknown; readonly obp_id: unknown };
    };

/**
 * The whole chain from its first record. A tail that was cut off leaves a valid chain: only a checkpoint in the
 * archive shows that, which is why `checkpoint` may name one.
 *
 * @param checkpoint a head the chain must still contain
 */
export async function verifyAudit(
  db: Kysely<ParticipantTables>,
  checkpoint?: { readonly seq: number; readonly hash: string },
): Promise<AuditVerdict> {
  let from: ChainStart = { seq: FIRST_SEQ, prevHash: GENESIS_HASH };
  for (;;) {
    const rows = await sealedRows(db, from.seq);
    for (const row of rows) {
      const moved = columnFault(row);
      if (moved) return broken(from.seq, row, moved);
    }
    const records = rows.map((row) => row.record as AuditRecord);
    const verdict = verifyChain(records, from);
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
    const last = records.at(-1);
    if (checkpoint && checkpoint.seq >= from.seq && last && checkpoint.seq <= last.seq) {
      const record = records[checkpoint.seq - from.seq];
      if (record && record.hash !== checkpoint.hash) return rewritten(checkpoint.seq, record);
    }
    from = { seq: from.seq + records.length, prevHash: verdict.headHash };
    if (rows.length < AUDIT_BATCH) return complete(db, from, checkpoint);
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
  checkpoint: { readonly seq: number; readonly hash: string } | undefined,
): Promise<AuditVerdict> {
  const records = end.seq - FIRST_SEQ;
  if (checkpoint && checkpoint.seq > records) {
    const detail = `the archived checkpoint names record ${checkpoint.seq}, the chain ends at ${records}`;
    return { valid: false, seq: records + 1, reason: 'truncated', detail };
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

function rewritten(seq: number, record: AuditRecord): AuditVerdict {
  const detail = `record ${seq} hashes to ${record.hash}, the archived checkpoint says otherwise: the chain was rewritten`;
  return { valid: false, seq, reason: 'checkpoint', detail, ...quoted(record) };
}

function quoted(record: AuditRecord | null) {
  return { found: { event_type: record?.event_type, ts_utc: record?.ts_utc, obp_id: record?.obp_id ?? null } };
}
