/** The table of audit records: append-only, sealed once. */
import type { AuditEntry, AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { ColumnType, Generated } from 'kysely';

export interface AuditRecordTable {
  id: Generated<string>;
  record: ColumnType<AuditEntry | AuditRecord, string, string>;
  /** Place in the chain; null until sealed. */
  seq: string | null;
  prev_hash: string | null;
  hash: string | null;
}

export const AUDIT_RECORD_STATEMENTS: readonly string[] = [
  `create table audit_record (
     id bigint generated always as identity primary key, record jsonb not null,
     seq bigint unique, prev_hash text, hash text)`,
  'create index audit_record_open on audit_record (id) where seq is null',
  `create index audit_record_obp on audit_record ((record->>'obp_id'))`,
  `create index audit_record_event on audit_record ((record->>'event_id'))`,
  `create index audit_record_transaction on audit_record ((record->>'transaction_id'))`,
  // The one permitted change of a row is its sealing, once; what was recorded stays as it was.
  `create function audit_record_guard() returns trigger language plpgsql as $guard$
   begin
     if tg_op = 'UPDATE' and old.seq is null and new.seq is not null and new.id = old.id
        and (new.record - 'seq' - 'prev_hash' - 'hash') = old.record then
       return new;
     end if;
     raise exception 'audit_record is append-only: % refused', tg_op;
   end $guard$`,
  `create trigger audit_record_append_only before update or delete on audit_record
     for each row execute function audit_record_guard()`,
  `create trigger audit_record_no_truncate before truncate on audit_record
     for each statement execute function audit_record_guard()`,
];
