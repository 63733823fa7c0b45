import { GENESIS_HASH, seal } from '@flexder/protocol/audit/chain.ts';
import type { AuditEntry, AuditRecord } from '@flexder/protocol/audit/record.ts';
import { type Kysely, sql } from 'kysely';
import type { ParticipantTables } from '../participant/tables.ts';

/** What the owner of a database can do to the audit records, triggers or not. */
export async function tamper(
  db: Kysely<ParticipantTables>,
  work: (db: Kysely<ParticipantTables>) => Promise<unknown>,
): Promise<void> {
  await sql`alter table audit_record disable trigger all`.execute(db);
  await work(db);
  await sql`alter table audit_record enable trigger all`.execute(db);
}

/** Changes a record and seals it and all after it anew: a chain that verifies. `undefined` takes the record out. */
export function rewriteChain(
  db: Kysely<ParticipantTables>,
  seq: number,
  change: (record: AuditRecord) => AuditRecord | undefined,
): Promise<void> {
  return tamper(db, async () => {
    const rows = await db
      .selectFrom('audit_record')
      .select('record')
      .where('seq', 'is not', null)
      .orderBy('seq')
      .execute();
    const records = rows.map(({ record }) => record as AuditRecord);
    const rest = records.slice(seq - 1).flatMap((record) => (record.seq === seq ? (change(record) ?? []) : record));
    let head = { seq: seq - 1, hash: records[seq - 2]?.hash ?? GENESIS_HASH };
    await db.deleteFrom('audit_record').where('seq', '>=', String(seq)).execute();
    for (const { seq: _seq, prev_hash: _prev, hash: _hash, ...entry } of rest) {
      const record = seal(entry as AuditEntry, head.seq + 1, head.hash);
      const { seq: place, prev_hash, hash } = record;
      const values = { record: JSON.stringify(record), seq: String(place), prev_hash, hash };
      await db.insertInto('audit_record').values(values).execute();
      head = record;
    }
  });
}
