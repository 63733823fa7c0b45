import { AUDIT_RECORD_STATEMENTS, type AuditRecordTable } from '@flexder/runtime/audit/tables.ts';
import { type OwnKeyTable, ownKeyMigration } from '@flexder/runtime/participant/own-keys.ts';
import { type ColumnType, type Kysely, type Migration, sql } from 'kysely';

type Instant = ColumnType<Date, Date | string, Date | string>;

export type Status = 'UNDER_SUBSCRIPTION' | 'SUBSCRIBED' | 'UNSUBSCRIBED';

/** One key of one subscriber. */
export interface SubscriptionTable {
  subscriber_id: string;
  key_id: string;
  type: 'BAP' | 'BPP' | 'BG';
  url: string;
  domain: string;
  country: string;
  city: string;
  signing_public_key: string;
  encr_public_key: string;
  valid_from: Instant;
  valid_until: Instant;
  status: Status;
  created: Instant;
  updated: Instant;
}

export interface RegistryTables {
  subscription: SubscriptionTable;
  own_key: OwnKeyTable;
  audit_record: AuditRecordTable;
}

const STATEMENTS = [
  `create table subscription (
     subscriber_id text not null, key_id text not null, type text not null, url text not null, domain text not null,
     country text not null, city text not null, signing_public_key text not null, encr_public_key text not null,
     valid_from timestamptz not null, valid_until timestamptz not null, status text not null,
     created timestamptz not null, updated timestamptz not null, primary key (subscriber_id, key_id))`,
  'create index subscription_find on subscription (type, domain, city)',
  'create index subscription_key on subscription (signing_public_key)',
  'create index subscription_url on subscription (url)',
];

export const registryMigrations: Record<string, Migration> = {
  ...ownKeyMigration,
  '0001-subscription': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
    },
  },
  '0002-audit-record': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of AUDIT_RECORD_STATEMENTS) await sql.raw(statement).execute(db);
    },
  },
};
