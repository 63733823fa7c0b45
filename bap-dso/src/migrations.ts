/** The DSO's tables, forward only: a release adds a migration and never changes one. */
import { makeHypertable } from '@flexder/runtime/engines/database/time-series.ts';
import { type Kysely, type Migration, sql } from 'kysely';
import { FEEDER_READINGS } from './grid-monitoring/telemetry/retention.ts';

const READING = `create table feeder_reading (
     feeder_id text not null, read_at timestamptz not null, power_kw double precision not null,
     quality text not null check (quality in ('GOOD', 'ESTIMATED')),
     primary key (feeder_id, read_at))`;

const INITIAL = [
  READING,
  `create table overload (
     event_id text primary key, feeder_id text not null,
     detected_by text not null check (detected_by in ('measured', 'forecast')),
     detected_at timestamptz not null, detected_wall_at timestamptz not null,
     rule_id text not null, rule_version text not null, rule_inputs jsonb not null,
     intervention_class text not null check (intervention_class in ('INCENTIVE', 'EMERGENCY')),
     state text not null check (state in ('BUYING', 'DISPATCHED', 'RELIEVED', 'SHORT', 'RELEASED')),
     limit_kw double precision not null, release_kw double precision not null,
     requested_kw double precision not null, baseline_kw double precision not null,
     window_start_at timestamptz not null, window_end_at timestamptz not null,
     peak_during_kw double precision, measured_kw double precision,
     topped_up boolean not null default false, released_at timestamptz,
     check (window_end_at > window_start_at))`,
  // However many processes there are, a feeder has one open event.
  `create unique index overload_open on overload (feeder_id) where state <> 'RELEASED'`,
  'create index overload_detected on overload (detected_at)',
  `create table flex_search (
     transaction_id text primary key, event_id text not null references overload,
     purpose text not null check (purpose in ('need', 'top-up', 'resume')),
     requested_kw double precision not null, sent_wall_at timestamptz not null)`,
  'create index flex_search_event on flex_search (event_id)',
  `create table flex_order (
     obp_id text primary key, event_id text not null references overload, feeder_id text not null,
     bap_id text not null, bpp_id text not null, transaction_id text not null, order_id text,
     state text not null, state_reason text, is_top_up boolean not null,
     trigger_wall_at timestamptz not null, selection jsonb not null,
     quote jsonb, dispatch jsonb, performance jsonb, meter_reference jsonb,
     requested_kw double precision not null, expected_kw double precision not null,
     committed_kw double precision not null,
     detection_to_dispatch_ms double precision, detection_to_ack_ms double precision,
     answer_due_wall_at timestamptz,
     created_wall_at timestamptz not null, updated_wall_at timestamptz not null,
     unique (transaction_id, bpp_id))`,
  'create index flex_order_event on flex_order (event_id)',
  'create index flex_order_created on flex_order (created_wall_at)',
  `create table settlement_row (
     obp_id text not null, import_msid text not null, settlement_date text not null,
     settlement_period integer not null, revision integer not null, row jsonb not null,
     primary key (obp_id, import_msid, settlement_date, settlement_period, revision))`,
  'create index settlement_row_date on settlement_row (settlement_date, settlement_period)',
  `create table meter_document (
     obp_id text not null, sha256 text not null, document jsonb not null, fetched_wall_at timestamptz not null,
     primary key (obp_id, sha256))`,
];

const OPEN_DATA = [
  `create table open_data_snapshot (
     dataset_id text primary key, url text not null, retrieved_wall_at timestamptz not null,
     observed_at timestamptz not null, sha256 text not null, rows jsonb not null)`,
  `create table overload_context (
     event_id text primary key references overload on delete cascade, context jsonb not null)`,
  'alter table flex_order add column felt_share double precision not null default 1',
];

const FINDING = `create table finding (
  event_id text primary key, feeder_id text not null, monitor_id text not null,
  outcome text not null check (outcome in ('stale', 'event-open', 'unknown-feeder', 'unknown-rule', 'future')),
  detected_at timestamptz not null, received_wall_at timestamptz not null)`;

const FORECAST_STATE = `create table forecast_state (
  feeder_id text primary key, version text not null, fitted_at timestamptz, taken_at timestamptz not null,
  written_wall_at timestamptz not null, state bytea not null)`;

const DECISION = [
  `create table decision (
     decision_id text primary key, event_id text not null references overload on delete cascade,
     feeder_id text not null, mode text not null check (mode in ('automatic', 'supervised', 'manual')),
     because text not null, state text not null check (state in ('OPEN', 'APPROVED', 'DECLINED', 'LAPSED')),
     offered jsonb not null, due_wall_at timestamptz, on_due text not null check (on_due in ('approve', 'let-pass')),
     made_wall_at timestamptz not null, chosen text check (chosen in ('low', 'sufficient', 'everything')),
     decided_by text, decided_role text check (decided_role in ('OPERATOR', 'RULE')), reason text,
     decided_wall_at timestamptz)`,
  `create table restriction (
     kind text not null check (kind in ('exclude-bpp', 'stop')), subject text not null, made_by text not null,
     reason text not null, made_wall_at timestamptz not null, primary key (kind, subject))`,
  'create index decision_of_event on decision (event_id, made_wall_at)',
  "create index decision_open on decision (made_wall_at) where state = 'OPEN'",
];

const ALARM = [
  `create table alarm (
     alarm_id integer generated always as identity primary key, kind text not null, text text not null,
     event_id text, feeder_id text, obp_id text, substation_id text, raised_wall_at timestamptz not null, cleared_wall_at timestamptz,
     acked_by text, acked_wall_at timestamptz, check ((acked_by is null) = (acked_wall_at is null)))`,
  'create index alarm_standing on alarm (kind, feeder_id) where cleared_wall_at is null',
];

/** Of an alarm and of those like it that follow: the same kind, at the same place. */
const SHELVING = [
  `create table shelving (
     shelving_id integer generated always as identity primary key, kind text not null,
     event_id text, feeder_id text, obp_id text, substation_id text, shelved_by text not null, reason text not null,
     shelved_wall_at timestamptz not null, until_wall_at timestamptz not null, ended_by text, ended_wall_at timestamptz,
     check (until_wall_at > shelved_wall_at), check ((ended_by is null) = (ended_wall_at is null)))`,
  'create index shelving_in_force on shelving (kind, until_wall_at) where ended_wall_at is null',
];

const SHIFT_NOTE = `create table shift_note (
  note_id integer generated always as identity primary key, written_by text not null,
  text text not null, written_wall_at timestamptz not null)`;

const ORDER_CHANGE = [
  'alter table flex_order add column revision integer not null default 0',
  `create table order_revision (
     obp_id text not null references flex_order on delete cascade, revision integer not null, from_at timestamptz not null,
     committed_kw double precision not null, window_start_at timestamptz not null, window_end_at timestamptz not null,
     price_gbp_per_kwh text not null, written_wall_at timestamptz not null, primary key (obp_id, revision))`,
  `create table order_change (
     change_id text primary key, obp_id text not null references flex_order on delete cascade, asked jsonb not null,
     state text not null check (state in ('ASKED', 'AGREED', 'REFUSED', 'UNANSWERED')),
     asked_by text not null, reason text not null, answer text, asked_at timestamptz not null,
     asked_wall_at timestamptz not null, answered_wall_at timestamptz)`,
  "create unique index order_change_asked on order_change (obp_id) where state = 'ASKED'",
  'create index order_change_of on order_change (obp_id, asked_wall_at)',
];

const FALLBACK_TIER = `create table fallback_tier (
  event_id text not null references overload on delete cascade, plan_no integer not null,
  tier integer not null check (tier in (1, 2)),
  state text not null check (state in ('ARMED', 'STAGED', 'RELEASED', 'LAPSED')), offers jsonb not null,
  gap_kw double precision not null, expected_kw double precision not null, cost_gbp_per_hour double precision not null,
  made_at timestamptz not null, made_wall_at timestamptz not null, released_at timestamptz, reason text,
  primary key (event_id, plan_no, tier))`;

const ORDER_REACH = [
  `create table order_reach (
  obp_id text not null references flex_order on delete cascade,
  event_id text not null references overload on delete cascade, felt_share double precision not null,
  primary key (obp_id, event_id))`,
  'create index order_reach_event on order_reach (event_id)',
];

const forecastState: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw(FORECAST_STATE).execute(db);
  },
};

/** Single devices, and their exclusion. */
const DER = [
  `create table der (
     der_id text not null, bpp_id text not null, feeder_id text not null, device_type text, rated_kw double precision,
     import_msid text, essential boolean not null default false, last_obp_id text, last_answer text,
     recent jsonb not null default '[]', heard_wall_at timestamptz, primary key (der_id, bpp_id))`,
  'create index der_of_feeder on der (feeder_id, der_id)',
  'create index der_of_aggregator on der (bpp_id, der_id)',
  `alter table restriction drop constraint restriction_kind_check, drop constraint restriction_pkey,
     add column bpp_id text not null default '', add column feeder_id text,
     add check (kind in ('exclude-bpp', 'exclude-der', 'stop')), add primary key (kind, subject, bpp_id)`,
  'alter table flex_order add column excluded_der_ids jsonb',
];

/** Of Grid Monitoring alone at the edge. */
export const readingMigrations: Record<string, Migration> = {
  '0001-reading': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql.raw(READING).execute(db);
    },
  },
  '0002-forecast-state': forecastState,
};

export const migrations: Record<string, Migration> = {
  '0001-initial': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of INITIAL) await sql.raw(statement).execute(db);
    },
  },
  '0002-time-series': { up: (db: Kysely<unknown>) => makeHypertable(db, FEEDER_READINGS) },
  '0003-open-data': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of OPEN_DATA) await sql.raw(statement).execute(db);
    },
  },
  '0004-finding': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql.raw(FINDING).execute(db);
    },
  },
  '0005-forecast-state': forecastState,
  '0006-decision': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of DECISION) await sql.raw(statement).execute(db);
    },
  },
  '0007-after-sales': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql`alter table flex_order add column live_url text, add column contact jsonb,
        add column rating double precision, add column rated_wall_at timestamptz`.execute(db);
    },
  },
  '0008-alarm': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of ALARM) await sql.raw(statement).execute(db);
    },
  },
  '0009-order-change': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of ORDER_CHANGE) await sql.raw(statement).execute(db);
    },
  },
  '0010-fallback-tier': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql.raw(FALLBACK_TIER).execute(db);
    },
  },
  '0011-alarm-shelving': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of SHELVING) await sql.raw(statement).execute(db);
    },
  },
  '0012-der': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of DER) await sql.raw(statement).execute(db);
    },
  },
  '0014-shift-note': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql.raw(SHIFT_NOTE).execute(db);
    },
  },
  '0015-order-reach': {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of ORDER_REACH) await sql.raw(statement).execute(db);
    },
  },
};
