/** Consumers who want to be asked before each use: what they were asked, and what they said. */
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { type Kysely, sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Eligibility } from '../portfolio/eligibility.ts';
import type { AggregatorTables } from '../tables.ts';
import { type Decider, EnrolmentError } from './changes.ts';

/** A yes is to the half hours that the use lies in: a search for nearly the same window asks nobody again. */
const SPAN_MS = 1_800_000;

/**
 * Asks those who were left out of a search for nothing but this. Who says yes in time is offered from then on; a no, and
 * no answer, keep the device out.
 */
export async function askConsumers(
  work: Work,
  rooms: Rooms,
  excluded: Eligibility['excluded'],
  window: TimeWindow,
): Promise<void> {
  const asked = excluded.filter(({ reason }) => reason === 'consent-not-asked').map(({ derId }) => derId);
  if (asked.length === 0) return;
  const { context, config } = rooms;
  const nowMs = context.grid.nowMs();
  const start = new Date(Math.floor(window.startMs / SPAN_MS) * SPAN_MS);
  const endMs = Math.ceil(window.endMs / SPAN_MS) * SPAN_MS;
  const answerBy = new Date(Math.min(endMs, nowMs + config.consentAnswerSeconds * 1000));
  const { rows } = await sql`
    insert into consent_question (question_id, der_no, start_at, end_at, asked_at, answer_by)
    select g.question_id, d.der_no, ${start}::timestamptz, ${new Date(endMs)}::timestamptz,
      ${new Date(nowMs)}::timestamptz, ${answerBy}::timestamptz
    from unnest(${asked.map(() => context.ids.uuid())}::text[], ${asked}::text[]) as g(question_id, der_id)
    join der d on d.der_id = g.der_id
    on conflict (der_no, start_at, end_at) do nothing returning question_id`.execute(work.db);
  context.metrics.count('consent_questions', {}, rows.length);
}

export interface Question {
  readonly answer: 'yes' | 'no' | null;
  readonly answerByMs: number;
}

/** By device of a feeder, what its consumer was asked of `window`; of several the newest. */
export async function questionsOn(
  db: Kysely<AggregatorTables>,
  feederId: string,
  { startMs, endMs }: TimeWindow,
): Promise<Map<number, Question>> {
  const { rows } = await sql<{ der_no: number; answer: 'yes' | 'no' | null; answer_by: Date }>`
    select q.der_no, a.answer, q.answer_by
    from der d join consent_question q on q.der_no = d.der_no left join consent_answer a on a.question_id = q.question_id
    where d.feeder_id = ${feederId} and d.consent_mode = 'ask'
      and q.start_at <= ${new Date(startMs)} and q.end_at >= ${new Date(endMs)}
    order by q.asked_at, q.question_id`.execute(db);
  return new Map(rows.map((row) => [row.der_no, { answer: row.answer, answerByMs: row.answer_by.getTime() }]));
}

/** What waits for an answer, the most urgent first. */
export async function openQuestions({ database, context }: Rooms) {
  const { rows } = await sql<
    Record<'question_id' | 'der_id' | 'consumer_id', string> & Record<'start_at' | 'end_at' | 'answer_by', Date>
  >`
    select q.question_id, d.der_id, d.consumer_id, q.start_at, q.end_at, q.answer_by
    from consent_question q join der d on d.der_no = q.der_no
    where q.answer_by > ${new Date(context.grid.nowMs())} and d.consent_mode = 'ask'
      and not exists (select from consent_answer a where a.question_id = q.question_id)
    order by q.answer_by, q.question_id limit ${LIMITS.maxRowsShown}`.execute(database);
  return rows.map((row) => ({
    questionId: row.question_id,
    derId: row.der_id,
    consumerId: row.consumer_id,
    from: row.start_at,
    until: row.end_at,
    answerBy: row.answer_by,
  }));
}

/** Once, and in time; who changes their mind withdraws consent. */
export async function answerQuestion(
  rooms: Rooms,
  questionId: string,
  answer: 'yes' | 'no',
  { actor }: Pick<Decider, 'actor'>,
): Promise<void> {
  const now = new Date(rooms.context.grid.nowMs());
  await rooms.transact(async (work) => {
    const question = await work.db
      .selectFrom('consent_question')
      .innerJoin('der', 'der.der_no', 'consent_question.der_no')
      .select(['der.der_id', 'consent_question.answer_by'])
      .where('question_id', '=', questionId)
      .executeTakeFirst();
    if (!question) throw new EnrolmentError('UNKNOWN', 'nobody was asked that');
    if (question.answer_by <= now) throw new EnrolmentError('CONFLICT', 'the time to answer is over');
    const { rows } = await sql`
      insert into consent_answer (question_id, answer, actor, answered_at) values (${questionId}, ${answer}, ${actor}, ${now})
      on conflict (question_id) do nothing returning question_id`.execute(work.db);
    if (rows.length === 0)
      throw new EnrolmentError('CONFLICT', 'that was answered already: to change a yes, withdraw consent');
    await work.audit({
      event_type: 'consent.answered',
      actor_id: actor,
      actor_role: 'OPERATOR',
      der_id: question.der_id,
      decision: answer,
    });
  });
  rooms.context.metrics.count('consent_answers', { answer });
}
