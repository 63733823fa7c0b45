/** The tables of enrolment. What people decided is only ever added to; rows of `der` hold what follows from it now. */
import type { ColumnType, Generated } from 'kysely';
import { type Kysely, type Migration, sql } from 'kysely';
import type { Programme } from './document.ts';

type Instant = ColumnType<Date, Date, Date>;

/** Published: never changed. Other terms are another programme. */
export interface ProgrammeTable {
  programme_id: string;
  programme: ColumnType<Programme, string, never>;
  published_wall_at: Instant;
}

/** The only place with a name: it can be erased without touching a record. */
export interface ConsumerTable {
  consumer_id: string;
  kind: 'home' | 'business';
  name: string | null;
}

export type Subject = 'subscription' | 'consent' | 'maintenance';

/** One decision about one device: who took it, when and why, and what holds since. */
export interface EnrolmentChangeTable {
  change_no: Generated<number>;
  der_no: number;
  subject: Subject;
  value: ColumnType<Record<string, unknown>, string, never>;
  actor: string;
  reason: string;
  /** Grid time. */
  changed_at: Instant;
  changed_wall_at: Instant;
}

/** May this device be used in that span? Of a consumer who wants to be asked each time. */
export interface ConsentQuestionTable {
  question_id: string;
  der_no: number;
  start_at: Instant;
  end_at: Instant;
  asked_at: Instant;
  answer_by: Instant;
}

export interface ConsentAnswerTable {
  question_id: string;
  answer: 'yes' | 'no';
  actor: string;
  answered_at: Instant;
}

export interface EnrolmentTables {
  programme: ProgrammeTable;
  consumer: ConsumerTable;
  enrolment_change: EnrolmentChangeTable;
  consent_question: ConsentQuestionTable;
  consent_answer: ConsentAnswerTable;
}

/** The programme of devices that were sold before there were programmes: they stay on offer. */
const BEFORE: Programme = {
  programmeId: 'before-programmes',
  title: 'Contracts from before programmes',
  terms: 'As in the contract of each device.',
  deviceTypes: ['battery', 'ev-charger', 'heat-pump'],
  reward: { kind: 'share', share: '1' },
  minimumNoticeSeconds: 0,
  maxEventsPerDay: 48,
};

const APPENDED = ['programme', 'enrolment_change', 'consent_question', 'consent_answer'];

const STATEMENTS = [
  'create table programme (programme_id text primary key, programme jsonb not null, published_wall_at timestamptz not null)',
  `create table consumer (consumer_id text primary key, kind text not null check (kind in ('home','business')), name text)`,
  `create table enrolment_change (
    change_no integer generated always as identity primary key,
    der_no integer not null references der,
    subject text not null check (subject in ('subscription','consent','maintenance')),
    value jsonb not null,
    actor text not null,
    reason text not null,
    changed_at timestamptz not null,
    changed_wall_at timestamptz not null)`,
  'create index enrolment_change_by_der on enrolment_change (der_no, subject, change_no)',
  `create table consent_question (
    question_id text primary key,
    der_no integer not null references der,
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    asked_at timestamptz not null,
    answer_by timestamptz not null,
    unique (der_no, start_at, end_at))`,
  'create index consent_question_by_deadline on consent_question (answer_by)',
  `create table consent_answer (
    question_id text primary key references consent_question,
    answer text not null check (answer in ('yes','no')),
    actor text not null,
    answered_at timestamptz not null)`,
  `create function only_added_to() returns trigger language plpgsql as $$
    begin raise exception 'rows of % are never changed or removed', tg_table_name; end $$`,
  ...APPENDED.map(
    (table) =>
      `create trigger only_added_to before update or delete or truncate on ${table} for each statement execute function only_added_to()`,
  ),
  `alter table der add column programme_id text references programme, add column consumer_id text references consumer,
    add column consent_mode text not null default 'automatic' check (consent_mode in ('automatic','ask')),
    add column given_from timestamptz, add column given_until timestamptz, add column given_mode text,
    add column unanswered integer not null default 0, add column maintenance_since timestamptz`,
  'alter table command add column withdrawn_at timestamptz',
  'update der set given_from = consent_from, given_until = consent_until, given_mode = consent_mode',
];

/** Devices known by now keep their place in the catalogue, each with a consumer of its own. */
async function takeOver(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`select from der limit 1`.execute(db);
  if (rows.length === 0) return;
  await sql`insert into programme values (${BEFORE.programmeId}, ${JSON.stringify(BEFORE)}::jsonb, clock_timestamp())`.execute(
    db,
  );
  await sql`insert into consumer select 'consumer.' || der_id, 'home' from der`.execute(db);
  await sql`update der set programme_id = ${BEFORE.programmeId}, consumer_id = 'consumer.' || der_id`.execute(db);
  await sql`
    insert into enrolment_change (der_no, subject, value, actor, reason, changed_at, changed_wall_at)
    select der_no, 'subscription', jsonb_build_object('programmeId', programme_id, 'consumerId', consumer_id), 'upgrade',
      'in the portfolio before there were programmes', consent_from, clock_timestamp() from der`.execute(db);
}

export const enrolmentMigration: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
    await takeOver(db);
  },
};
