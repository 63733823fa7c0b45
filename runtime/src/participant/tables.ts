/** The tables every participant has beside those of its service. Instants are wall time. */
import type { Action } from '@flexder/protocol/beckn/actions.ts';
import { type ColumnType, type Generated, type Kysely, type Migration, sql } from 'kysely';
import { AUDIT_RECORD_STATEMENTS, type AuditRecordTable } from '../audit/tables.ts';
import type { StreamEvent } from '../engines/events/port.ts';
import type { Job } from '../engines/queue/port.ts';
import { type ArchiveEntryTable, type AuditCheckpointTable, archiveMigration } from './archive/tables.ts';
import { type OwnKeyTable, ownKeyMigration } from './own-keys.ts';

type Instant = ColumnType<Date, Date | string, Date | string>;
type NullableInstant = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
type Json<T> = ColumnType<T, string, string>;

/** What passed the inbound pipeline; keyed so that every aggregator's answer to one search has a row of its own. */
export interface InboundMessageTable {
  signer: string;
  action: Action;
  message_id: string;
  /** Order of arrival. */
  seq: Generated<string>;
  /** Lower-case hex SHA-256 of the raw bytes. */
  sha256: string;
  transaction_id: string;
  /** The raw bytes as UTF-8 text. */
  body: string;
  /** The Authorization header as it came: the proof of who said it. */
  signature: string;
  /** The other headers that have to do with it. */
  headers: ColumnType<WireHeaders | null, string | null | undefined, string | null>;
  /** The signer's key as the registry gave it, base64: what the signature was verified with. */
  public_key: ColumnType<string | null, string | null | undefined, string | null>;
  received_at: Instant;
  state: 'stored' | 'handled' | 'failed';
  attempts: Generated<number>;
  handled_at: NullableInstant;
  error: string | null;
}

/** An effect that left with a transaction and is delivered after it. */
export interface OutboxTable {
  id: string;
  /** Order of writing. */
  seq: Generated<string>;
  kind: 'message' | 'job' | 'event';
  payload: Json<OutboxMessage | Job | StreamEvent | SealedBatch>;
  created: Instant;
  /** After this a message is not sent any more; null for jobs and events. */
  deliver_before: NullableInstant;
  attempts: Generated<number>;
  next_attempt: NullableInstant;
  /** The process that delivers it, and until when nobody else may (time of the database). */
  leased_by: string | null;
  leased_until: NullableInstant;
  done_at: NullableInstant;
  failed_at: NullableInstant;
  error: string | null;
  /** Of a message that was posted, the headers of its last attempt, and when that began. */
  headers: ColumnType<WireHeaders | null, string | null | undefined, string | null>;
  sent_at: NullableInstant;
}

/** Headers of a message that its signatures are checked by, as they were on the wire. */
export interface WireHeaders {
  readonly authorization?: string;
  readonly digest?: string;
  readonly 'x-gateway-authorization'?: string;
}

/** A message that was refused and names a transaction of this participant: kept as it came, a few of each transaction. */
export interface RefusedMessageTable {
  /** Lower-case hex SHA-256 of the raw bytes. */
  sha256: string;
  /** That of its audit record, to the millisecond. */
  received_at: Instant;
  transaction_id: string;
  body: Buffer;
  headers: Json<WireHeaders>;
}

/** Payload of an outbox row of kind `message`. `text` is the body as sent: a retry sends the same bytes. */
export interface OutboxMessage {
  readonly to: string;
  readonly action: Action;
  readonly transactionId: string;
  readonly text: string;
  /** Context member still to be filled from the registry before the first attempt. */
  readonly missingUri?: 'bap_uri' | 'bpp_uri';
  /** The original Authorization of a message that a gateway passes on. */
  readonly forwarded?: string;
}

/** Payload of an outbox row of kind `event` that stands for audit records: those sealed together. */
export interface SealedBatch {
  readonly sealed: { readonly fromSeq: number; readonly toSeq: number };
}

/** A subscription under way: its challenge may reach another process than the one that asked for it. */
export interface SubscribingTable {
  key_id: string;
  registry_key: string;
  until: Instant;
}

export interface ParticipantTables {
  subscribing: SubscribingTable;
  inbound_message: InboundMessageTable;
  refused_message: RefusedMessageTable;
  outbox: OutboxTable;
  audit_record: AuditRecordTable;
  own_key: OwnKeyTable;
  archive_entry: ArchiveEntryTable;
  audit_checkpoint: AuditCheckpointTable;
}

const STATEMENTS = [
  `create table inbound_message (
     signer text not null, action text not null, message_id text not null,
     seq bigint generated always as identity,
     sha256 text not null, transaction_id text not null, body text not null, signature text not null,
     received_at timestamptz not null, state text not null check (state in ('stored','handled','failed')),
     attempts integer not null default 0, handled_at timestamptz, error text,
     primary key (signer, action, message_id))`,
  `create index inbound_message_open on inbound_message (seq) where state = 'stored'`,
  'create index inbound_message_transaction on inbound_message (transaction_id)',
  'create index inbound_message_received on inbound_message (received_at)',
  `create table outbox (
     id text primary key, seq bigint generated always as identity,
     kind text not null check (kind in ('message','job','event')), payload jsonb not null,
     created timestamptz not null, deliver_before timestamptz,
     attempts integer not null default 0, next_attempt timestamptz,
     done_at timestamptz, failed_at timestamptz, error text)`,
  'create index outbox_open on outbox (seq) where done_at is null and failed_at is null',
  'create index outbox_done on outbox (done_at) where done_at is not null',
  ...AUDIT_RECORD_STATEMENTS,
];

/** What several processes of one participant need to share its tables. */
const SHARED_WORK = [
  'alter table outbox add column leased_by text, add column leased_until timestamptz',
  'create table subscribing (key_id text primary key, registry_key text not null, until timestamptz not null)',
];

/** Messages as they were on the wire, found by their transaction. */
const WIRE = [
  'alter table inbound_message add column headers jsonb, add column public_key text',
  'alter table outbox add column headers jsonb, add column sent_at timestamptz',
  `create index outbox_transaction on outbox ((payload->>'transactionId')) where kind = 'message'`,
  `create table refused_message (
     sha256 text not null, received_at timestamptz not null, transaction_id text not null, body bytea not null,
     headers jsonb not null, primary key (sha256, received_at))`,
  'create index refused_message_transaction on refused_message (transaction_id)',
];

/** Merged with the service's own. */
export const participantMigrations: Record<string, Migration> = {
  ...ownKeyMigration,
  ...archiveMigration,
  '0000-participant': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
    },
  },
  'participant-001-shared-work': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of SHARED_WORK) await sql.raw(statement).execute(db);
    },
  },
  'participant-002-wire': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of WIRE) await sql.raw(statement).execute(db);
    },
  },
};
