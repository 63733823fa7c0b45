import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { type Kysely, sql, type Transaction } from 'kysely';
import { questionsOn } from '../enrolment/questions.ts';
import { shiftDate } from '../metering/days.ts';
import type { Usage } from '../portfolio/eligibility.ts';
import type { AggregatorTables } from '../tables.ts';
import type { Pick } from './allocation.ts';

const FREE: Usage = { held: false, eventsThatDay: 0 };

/** London settlement date of the window's start: what activations are counted by. */
export function eventDateOf(window: TimeWindow): string {
  return settlementPeriodOf(window.startMs).date;
}

/** What the devices of a feeder, or of all, are held for in `window`, how often they were committed that day, what was asked. */
export async function usageOn(
  db: Kysely<AggregatorTables>,
  feederId: string | undefined,
  window: TimeWindow,
): Promise<(derNo: number) => Usage> {
  const date = eventDateOf(window);
  // A window is at most a day long: whatever overlaps starts on the day before, on that day, or on the one after.
  const dates = [-1, 0, 1].map((days) => shiftDate(date, days));
  const { rows } = await sql<{ der_no: number; held: boolean; events: number }>`
    select r.der_no,
      bool_or(r.active and r.start_at < ${new Date(window.endMs)} and r.end_at > ${new Date(window.startMs)}) as held,
      (count(*) filter (where r.committed and r.event_date = ${date}))::int as events
    from reservation r join flex_order o on o.order_no = r.order_no
    where r.event_date = any(${dates}::text[]) ${feederId === undefined ? sql`` : sql`and o.feeder_id = ${feederId}`}
    group by r.der_no`.execute(db);
  const usage = new Map(rows.map((row) => [row.der_no, { held: row.held, eventsThatDay: row.events }]));
  const questions = await questionsOn(db, feederId, window);
  return (derNo) => ({ ...(usage.get(derNo) ?? FREE), question: questions.get(derNo) });
}

/** Until the transaction ends nobody else holds devices of the order's feeder; what was held before is seen from here on. */
export async function lockFeederOf(db: Transaction<AggregatorTables>, orderNo: number): Promise<void> {
  // A statement of its own: the next one sees what was committed while this one waited.
  await sql`
    select pg_advisory_xact_lock(hashtext(current_schema()), hashtext(feeder_id))
    from flex_order where order_no = ${orderNo}`.execute(db);
}

/**
 * Holds devices for an order and returns the numbers of those it got. A device that somebody else holds in an
 * overlapping window is left out: holds on one feeder wait for each other, so that no race sells it twice. The database
 * refuses whoever does not wait.
 */
export async function hold(
  db: Transaction<AggregatorTables>,
  orderNo: number,
  picks: readonly (Pick & { readonly itemId: string })[],
  window: TimeWindow,
): Promise<Set<number>> {
  if (picks.length === 0) return new Set();
  await lockFeederOf(db, orderNo);
  const [start, end] = [new Date(window.startMs), new Date(window.endMs)];
  const { rows } = await sql<{ der_no: number }>`
    insert into reservation (order_no, der_no, item_id, shed_kw, expected_kw, start_at, end_at, event_date)
    select ${orderNo}::int, p.der_no, p.item_id, p.shed_kw, p.expected_kw, ${start}, ${end}, ${eventDateOf(window)}
    from unnest(
      ${picks.map((pick) => pick.der.derNo)}::int[],
      ${picks.map((pick) => pick.itemId)}::text[],
      ${picks.map((pick) => pick.shedKw)}::float8[],
      ${picks.map((pick) => pick.expectedKw)}::float8[]
    ) as p(der_no, item_id, shed_kw, expected_kw)
    where not exists (
      select from reservation r
      where r.der_no = p.der_no and r.end_at > ${start} and r.start_at < ${end} and r.active)
    returning der_no`.execute(db);
  return new Set(rows.map((row) => row.der_no));
}

/** Frees what an order holds without having confirmed it. */
export async function dropHolds(db: Transaction<AggregatorTables>, orderNo: number): Promise<void> {
  await db.deleteFrom('reservation').where('order_no', '=', orderNo).where('committed', '=', false).execute();
}

/**
 * Lets quotes that ran out (wall time) expire and frees their devices; returns the orders that ended so. An order that
 * somebody else has locked is left to them: every handler expires quotes before it looks at its own.
 */
export async function expireQuotes(
  db: Transaction<AggregatorTables>,
  nowWallMs: number,
): Promise<{ order_no: number; transaction_id: string; order_id: string | null }[]> {
  const { rows } = await sql<{ order_no: number; transaction_id: string; order_id: string | null }>`
    with ended as (
      update flex_order set state = 'EXPIRED', updated_wall_at = ${new Date(nowWallMs)}
      where order_no in (
        select order_no from flex_order
        where state in ('QUOTED', 'INITIALISED') and quote_until_wall_at <= ${new Date(nowWallMs)}
        order by order_no for update skip locked)
      returning order_no, transaction_id, order_id),
    freed as (delete from reservation where order_no in (select order_no from ended) and not committed)
    select * from ended order by order_no`.execute(db);
  return rows;
}
