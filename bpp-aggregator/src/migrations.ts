import { makeHypertable } from '@flexder/runtime/engines/database/time-series.ts';
import { type Kysely, type Migration, sql } from 'kysely';
import { enrolmentMigration } from './enrolment/tables.ts';
import { DER_READINGS, HALF_HOUR_ENERGIES } from './metering/series.ts';

const initial: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of TABLES) await sql.raw(statement).execute(db);
  },
};

const TABLES = [
  `create table der (
    der_no integer generated always as identity primary key,
    der_id text not null unique,
    device_type text not null check (device_type in ('battery','ev-charger','heat-pump')),
    feeder_id text not null,
    rated_kw double precision not null check (rated_kw > 0),
    import_msid text not null,
    export_msid text,
    consent_from timestamptz not null,
    consent_until timestamptz not null,
    essential boolean not null,
    sequence integer not null default 0,
    asked integer not null default 0,
    accepted integer not null default 0,
    opted_out_until timestamptz)`,
  `create table flex_order (
    order_no integer generated always as identity primary key,
    bap_id text not null,
    transaction_id text not null,
    order_id text unique,
    state text not null,
    feeder_id text not null,
    window_start_at timestamptz not null,
    window_end_at timestamptz not null check (window_end_at > window_start_at),
    selection jsonb not null,
    quote jsonb not null,
    quote_until_wall_at timestamptz not null,
    order_references jsonb,
    committed_kw double precision not null check (committed_kw >= 0),
    confirmed_at timestamptz,
    answers_due_at timestamptz,
    first_sent_wall_at timestamptz,
    last_sent_wall_at timestamptz,
    fan_out_reported boolean not null default false,
    answers_closed boolean not null default false,
    is_short boolean not null default false,
    performance jsonb,
    meter_document text,
    meter_sha256 text,
    meter_rows integer,
    cancellation jsonb,
    created_wall_at timestamptz not null,
    updated_wall_at timestamptz not null,
    unique (bap_id, transaction_id))`,
  'create index flex_order_by_state on flex_order (state)',
  `create table reservation (
    order_no integer not null references flex_order,
    der_no integer not null references der,
    item_id text not null,
    shed_kw double precision not null check (shed_kw > 0),
    expected_kw double precision not null check (expected_kw > 0),
    span int8range not null,
    active boolean not null default true,
    committed boolean not null default false,
    event_date text not null,
    primary key (order_no, der_no),
    constraint reservation_one_order_per_window exclude using gist (span with &&) where (active))`,
  'create index reservation_by_day on reservation (event_date)',
  `create table command (
    command_id text primary key,
    order_no integer not null references flex_order,
    der_no integer not null references der,
    der_id text not null,
    sequence integer not null,
    command_type text not null,
    target_kw double precision not null,
    shed_kw double precision not null,
    baseline_kw double precision not null,
    start_at timestamptz not null,
    stop_at timestamptz not null,
    valid_until timestamptz not null,
    release_delay_s integer not null check (release_delay_s between 0 and 900),
    issued_at timestamptz not null,
    state text not null default 'PENDING' check (state in ('PENDING','SENT','VOID')),
    sent_wall_at timestamptz,
    answer text check (answer in ('ACCEPTED','REJECTED','OPTED_OUT','EXPIRED')),
    answered_at timestamptz,
    life_cycle text,
    unique (der_no, sequence))`,
  'create index command_by_order on command (order_no)',
  `create index command_pending on command (order_no) where state = 'PENDING'`,
  `create table der_reading (
    der_no integer not null references der,
    read_at timestamptz not null,
    power_kw double precision not null,
    import_kwh double precision not null,
    export_kwh double precision not null,
    available_down_kw double precision not null,
    primary key (der_no, read_at))`,
  `create table half_hour (
    der_no integer not null references der,
    start_at timestamptz not null,
    kwh double precision not null,
    quality text not null,
    primary key (der_no, start_at))`,
];

const timeSeries: Migration = {
  async up(db: Kysely<unknown>) {
    for (const series of [DER_READINGS, HALF_HOUR_ENERGIES]) await makeHypertable(db, series);
  },
};

/** Who publishes a command, and until when nobody else does (time of the database). */
const sharedWork: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table command add column claimed_by text, add column claimed_until timestamptz`.execute(db);
    // A batch is claimed in the order of its devices: without looking at, and sorting, all that are left.
    await sql`drop index command_pending`.execute(db);
    await sql`create index command_pending on command (order_no, der_id) where state = 'PENDING'`.execute(db);
  },
};

/** Every one of these rows is updated several times within seconds of its insertion: the new version finds room beside it. */
const roomForUpdates: Migration = {
  async up(db: Kysely<unknown>) {
    for (const table of ['der', 'reservation', 'command'])
      await sql.raw(`alter table ${table} set (fillfactor = 50)`).execute(db);
  },
};

/**
 * A device serves one order per window, and the database says so. An exclusion constraint over ranges would, at 0.2 ms a
 * device; this is one look at an index for each. The trigger sees what others have committed because it looks after it
 * has the feeder to itself: a device is on one feeder.
 */
const oneOrderPerWindow: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of ONE_ORDER_PER_WINDOW) await sql.raw(statement).execute(db);
  },
};

const ONE_ORDER_PER_WINDOW = [
  'alter table reservation add column start_at timestamptz, add column end_at timestamptz',
  `update reservation r set start_at = o.window_start_at, end_at = o.window_end_at
    from flex_order o where o.order_no = r.order_no`,
  `alter table reservation drop constraint reservation_one_order_per_window, drop column span,
    alter column start_at set not null, alter column end_at set not null`,
  'create index reservation_by_device on reservation (der_no, end_at)',
  `create function one_order_per_window() returns trigger language plpgsql as $$
    declare device integer;
    begin
      perform pg_advisory_xact_lock(hashtext(current_schema()), hashtext(feeder_id)) from (
        select distinct o.feeder_id from added a join flex_order o on o.order_no = a.order_no order by 1) f;
      select a.der_no into device from added a join reservation r on r.der_no = a.der_no
        where a.active and r.active and r.order_no <> a.order_no and r.start_at < a.end_at and r.end_at > a.start_at
        limit 1;
      if found then
        raise exclusion_violation using message = format('device %s is held by another order in that window', device);
      end if;
      return null;
    end $$`,
  `create trigger reservation_one_order_per_window after insert on reservation referencing new table as added
    for each statement execute function one_order_per_window()`,
];

/**
 * A fan-out writes thousands of rows three times over. References are checked row by row, at the cost of the row itself:
 * these rows are written by the statement that has just read, or holds, what they refer to. And an index over the state
 * moves with each change of it: the commands of an order are few enough to look through.
 */
const lighterFanOut: Migration = {
  async up(db: Kysely<unknown>) {
    for (const table of ['reservation', 'command'])
      await sql
        .raw(`alter table ${table} drop constraint ${table}_order_no_fkey, drop constraint ${table}_der_no_fkey`)
        .execute(db);
    for (const index of ['command_pending', 'command_by_order']) await sql.raw(`drop index ${index}`).execute(db);
    await sql`create index command_by_order on command (order_no, der_id)`.execute(db);
    await sql`create index flex_order_by_end on flex_order (window_end_at)`.execute(db);
  },
};

/** Meter rows come by the thousand, too, of devices that the process knows by number and that are never deleted. */
const lighterIngest: Migration = {
  async up(db: Kysely<unknown>) {
    for (const table of ['der_reading', 'half_hour'])
      await sql.raw(`alter table ${table} drop constraint ${table}_der_no_fkey`).execute(db);
  },
};

const peers: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`create table process (process_id text primary key, seen_at timestamptz not null)`.execute(db);
  },
};

const rating: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table flex_order add column rating double precision`.execute(db);
  },
};

const chargePoints: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table der add column password_hash text`.execute(db);
    await sql`create table charge_point (der_no integer primary key references der, process_id text)`.execute(db);
    await sql`create index charge_point_by_process on charge_point (process_id)`.execute(db);
  },
};

/** An order is changed and not overwritten: what was agreed before is what its half hours before are measured by. */
const orderRevisions: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table flex_order add column revision integer not null default 0,
      add column answers_revision integer not null default 0, add column changed jsonb`.execute(db);
    await sql`alter table command add column revision integer not null default 0, add column ended_at timestamptz`.execute(
      db,
    );
    await sql`create table order_revision (
      order_no integer not null, revision integer not null, from_at timestamptz not null,
      committed_kw double precision not null, window_start_at timestamptz not null, window_end_at timestamptz not null,
      price_gbp_per_kwh text not null, written_wall_at timestamptz not null, primary key (order_no, revision))`.execute(
      db,
    );
  },
};

/** Keys sort after the participant's own. */
export const AGGREGATOR_MIGRATIONS: Record<string, Migration> = {
  'aggregator-001-initial': initial,
  'aggregator-002-time-series': timeSeries,
  'aggregator-003-shared-work': sharedWork,
  'aggregator-004-room-for-updates': roomForUpdates,
  'aggregator-005-one-order-per-window': oneOrderPerWindow,
  'aggregator-006-lighter-fan-out': lighterFanOut,
  'aggregator-007-lighter-ingest': lighterIngest,
  'aggregator-008-peers': peers,
  'aggregator-009-rating': rating,
  'aggregator-010-charge-points': chargePoints,
  'aggregator-011-enrolment': enrolmentMigration,
  'aggregator-012-order-revisions': orderRevisions,
};
