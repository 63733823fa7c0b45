import { type ColumnType, type Generated, type Kysely, type Migration, sql } from 'kysely';

type Instant = ColumnType<Date, Date | string, Date | string>;
type NullableInstant = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

/** An object on its way to the write-once archive, written with the state it is about. Instants are wall time. */
export interface ArchiveEntryTable {
  id: Generated<string>;
  /** As the archive has it: below the subscriber's id. */
  key: string;
  /** UTF-8 text; null once it is in the archive. */
  content: string | null;
  /** Lower-case hex, of the UTF-8 bytes. */
  sha256: string;
  created_at: Instant;
  archived_at: NullableInstant;
  /** When the archive said for good that it does not take it. */
  refused_at: NullableInstant;
  error: string | null;
}

/** What has a checkpoint, so that the next one goes on from there. */
export interface AuditCheckpointTable {
  /** Place in the chain of its last record. */
  last_seq: string;
  /** Of its bytes: the next one names it. */
  sha256: string;
  key: string;
}

export const archiveMigration: Record<string, Migration> = {
  // Sorts after the first migrations of every service, which older data has seen already.
  'participant-002-archive': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql`create table archive_entry (
        id bigint generated always as identity primary key, key text not null unique, content text,
        sha256 text not null, created_at timestamptz not null, archived_at timestamptz, refused_at timestamptz, error text,
        check (content is not null or archived_at is not null))`.execute(db);
      await sql`create index archive_entry_open on archive_entry (id)
        where archived_at is null and refused_at is null`.execute(db);
      await sql`create table audit_checkpoint (last_seq bigint primary key, sha256 text not null,
        key text not null references archive_entry (key))`.execute(db);
    },
  },
};
