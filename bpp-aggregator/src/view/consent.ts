/** Which consumers were asked before a use of their devices and what they said, and who took consent back. No names. */
import { type RawBuilder, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';

export interface AskedView {
  readonly questionId: string;
  readonly derId: string;
  readonly feederId: string;
  /** A pseudonym. */
  readonly consumerId: string | null;
  /** Of the use; all instants grid time. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly askedAtMs: number;
  readonly answerByMs: number;
  /** `moot`: the device needs no asking any more. */
  readonly state: 'open' | 'yes' | 'no' | 'unanswered' | 'moot';
  readonly answeredBy: string | null;
  readonly answeredAtMs: number | null;
}

export interface WithdrawalView {
  readonly changeNo: number;
  readonly derId: string;
  readonly feederId: string;
  readonly by: string;
  /** Grid time. */
  readonly atMs: number;
}

export interface ConsentView {
  /** The most urgent first; `openInAll` counts also those that are not listed. */
  readonly open: readonly AskedView[];
  readonly openInAll: number;
  /** Newest first. */
  readonly over: readonly AskedView[];
  readonly withdrawals: readonly WithdrawalView[];
  /** Devices by how they consent now. */
  readonly devices: Readonly<Record<'automatic' | 'ask' | 'none', number>>;
}

export async function consentView(rooms: Rooms): Promise<ConsentView> {
  const isOpen = openNow(rooms);
  return {
    open: await asked(rooms, isOpen, sql`q.answer_by, q.question_id`, LIMITS.maxRowsShown),
    openInAll: await openCount(rooms),
    over: await asked(rooms, sql`not (${isOpen})`, sql`q.answer_by desc, q.question_id`, LIMITS.answersShown),
    withdrawals: await withdrawals(rooms),
    devices: devicesBy(rooms),
  };
}

/** Questions that wait for an answer. */
export async function openCount(rooms: Rooms): Promise<number> {
  const counted = sql<{ count: number }>`select count(*)::int as count from ${ASKED} where ${openNow(rooms)}`;
  return (await counted.execute(rooms.database)).rows[0]?.count ?? 0;
}

function openNow({ context }: Rooms): RawBuilder<unknown> {
  const now = new Date(context.grid.nowMs());
  return sql`a.question_id is null and q.answer_by > ${now} and d.consent_mode = 'ask'`;
}

const ASKED = sql`consent_question q join der d on d.der_no = q.der_no
  left join consent_answer a on a.question_id = q.question_id`;

interface Row {
  readonly question_id: string;
  readonly der_id: string;
  readonly feeder_id: string;
  readonly consumer_id: string | null;
  readonly start_at: Date;
  readonly end_at: Date;
  readonly asked_at: Date;
  readonly answer_by: Date;
  readonly consent_mode: 'automatic' | 'ask';
  readonly answer: 'yes' | 'no' | null;
  readonly actor: string | null;
  readonly answered_at: Date | null;
}

async function asked(
  { database, context }: Rooms,
  which: RawBuilder<unknown>,
  order: RawBuilder<unknown>,
  most: number,
): Promise<AskedView[]> {
  const { rows } = await sql<Row>`
    select q.question_id, d.der_id, d.feeder_id, d.consumer_id, q.start_at, q.end_at, q.asked_at, q.answer_by,
      d.consent_mode, a.answer, a.actor, a.answered_at
    from ${ASKED} where ${which} order by ${order} limit ${sql.lit(most)}`.execute(database);
  const nowMs = context.grid.nowMs();
  return rows.map((row) => ({
    ...{ questionId: row.question_id, derId: row.der_id, feederId: row.feeder_id, consumerId: row.consumer_id },
    ...{ fromMs: row.start_at.getTime(), untilMs: row.end_at.getTime() },
    ...{ askedAtMs: row.asked_at.getTime(), answerByMs: row.answer_by.getTime() },
    state: stateOf(row, nowMs),
    answeredBy: row.actor,
    answeredAtMs: row.answered_at?.getTime() ?? null,
  }));
}

function stateOf({ answer, answer_by, consent_mode }: Row, nowMs: number): AskedView['state'] {
  if (answer !== null) return answer;
  if (answer_by.getTime() <= nowMs) return 'unanswered';
  return consent_mode === 'ask' ? 'open' : 'moot';
}

/** Of the newest decisions alone: they have no index by what they say. Why somebody withdrew stays in the tables. */
async function withdrawals({ database }: Rooms): Promise<WithdrawalView[]> {
  const { rows } = await sql<{ change_no: number; der_id: string; feeder_id: string; actor: string; changed_at: Date }>`
    select e.change_no, d.der_id, d.feeder_id, e.actor, e.changed_at from (
      select * from enrolment_change order by change_no desc limit ${sql.lit(LIMITS.changesSearched)}) e
    join der d on d.der_no = e.der_no
    where e.subject = 'consent' and e.value @> '{"withdrawn":true}'
    order by e.change_no desc limit ${sql.lit(LIMITS.withdrawalsShown)}`.execute(database);
  return rows.map(({ change_no, der_id, feeder_id, actor, changed_at }) => ({
    ...{ changeNo: change_no, derId: der_id, feederId: feeder_id, by: actor, atMs: changed_at.getTime() },
  }));
}

function devicesBy({ fleet, context }: Rooms): ConsentView['devices'] {
  const nowMs = context.grid.nowMs();
  const devices = { automatic: 0, ask: 0, none: 0 };
  for (const { consent } of fleet.all())
    devices[consent.fromMs <= nowMs && nowMs < consent.untilMs ? consent.mode : 'none']++;
  return devices;
}
