import type { AuditEntry, AuditRecord } from '@flexder/protocol/audit/record.ts';
import { type Kysely, sql } from 'kysely';
import type { ParticipantTables } from '../participant/tables.ts';
import type { Checkpoints } from './checkpoints.ts';
import { READ_RECORDS } from './limits.ts';
import type { Sealer } from './sealer.ts';

/** The read side of a participant's audit records, and its sealer. Records are written by `UnitOfWork.audit`. */
export interface AuditLog {
  /** Sealed records from `fromSeq` on, in order; at most 5 000 at a time. */
  read(options: { fromSeq?: number; limit?: number }): Promise<AuditRecord[]>;
  /** Sealed and unsealed records that carry this OBP id, oldest first; at most 5 000. */
  byObp(obpId: string): Promise<(AuditEntry | AuditRecord)[]>;
  /** The same for the id of an event (one need of one feeder). */
  byEvent(eventId: string): Promise<(AuditEntry | AuditRecord)[]>;
  byTransaction(transactionId: string): Promise<(AuditEntry | AuditRecord)[]>;
  /** Every sealed record in order, read in pages: what `verifyChain` takes. */
  pages(fromSeq?: number): AsyncGenerator<AuditRecord[]>;
  /** Seals what waits; resolves when nothing written before the call is unsealed. */
  sealNow(): Promise<void>;
  /** Seals what waits and writes a checkpoint of it; that is in the archive some time later. */
  checkpointNow(): Promise<void>;
  /** Age of the oldest record not yet in the chain, milliseconds; 0 when there is none. */
  oldestUnsealedAgeMs(): number;
}

export function createAuditLog(db: Kysely<ParticipantTables>, sealer: Sealer, checkpoints: Checkpoints): AuditLog {
  const read = async ({ fromSeq = 0, limit = READ_RECORDS }: { fromSeq?: number; limit?: number }) => {
    const rows = await db
      .selectFrom('audit_record')
      .select('record')
      .where('seq', '>=', String(fromSeq))
      .orderBy('seq')
      .limit(Math.min(limit, READ_RECORDS))
      .execute();
    return rows.map((row) => row.record as AuditRecord);
  };
  const by = async (member: 'obp_id' | 'event_id' | 'transaction_id', value: string) => {
    const rows = await db
      .selectFrom('audit_record')
      .select('record')
      .where(sql`record->>${sql.lit(member)}`, '=', value)
      .orderBy('id')
      .limit(READ_RECORDS)
      .execute();
    return rows.map((row) => row.record);
  };
  return {
    read,
    byObp: (obpId) => by('obp_id', obpId),
    byEvent: (eventId) => by('event_id', eventId),
    byTransaction: (transactionId) => by('transaction_id', transactionId),
    async *pages(fromSeq = 0) {
      let next = fromSeq;
      for (;;) {
        const page = await read({ fromSeq: next });
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (!last || page.length < READ_RECORDS) return;
        next = last.seq + 1;
      }
    },
    sealNow: () => sealer.sealNow(),
    async checkpointNow() {
      await sealer.sealNow();
      await checkpoints.now();
    },
    oldestUnsealedAgeMs: () => sealer.oldestUnsealedAgeMs(),
  };
}
