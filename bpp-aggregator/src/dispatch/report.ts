import type { SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeOnStatus } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DeliveryReport } from '@flexder/protocol/flexibility/model.ts';
import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { type Closed, reviewAnswers } from '../enrolment/maintenance.ts';
import { watchedOrder } from '../metering/delivery.ts';
import { auditOrder, lockByNo, type OrderRow, statusReport } from '../orders/store.ts';

/** Unsolicited reports may arrive late and still be true, within reason. */
const STATUS_TTL_MS = 60_000;

/** Tells the order's BAP where it stands, with a message id of our own. */
export async function sendStatus(work: Work, rooms: Rooms, row: OrderRow, delivery?: DeliveryReport): Promise<void> {
  const report = await statusReport(work.db, row);
  if (report === undefined) return;
  await work.send({
    action: 'on_status',
    to: row.bap_id as SubscriberId,
    toType: 'BAP',
    transactionId: row.transaction_id as TransactionId,
    ttlMs: STATUS_TTL_MS,
    message: encodeOnStatus({ ...report, ...(delivery && { delivery }) }, rooms.context.wall.nowMs()),
  });
}

/** When the last command of a confirmed order has been handed to the broker: the order runs, and its BAP is told. */
export async function reportFanOut(work: Work, rooms: Rooms, orderNo: number): Promise<void> {
  const { rows } = await sql<{ order_no: number }>`
    update flex_order o set fan_out_reported = true, state = 'IN_PROGRESS',
      first_sent_wall_at = c.first_at, last_sent_wall_at = c.last_at,
      updated_wall_at = ${new Date(rooms.context.wall.nowMs())}
    from (select min(sent_wall_at) as first_at, max(sent_wall_at) as last_at, 
        bool_and(state = 'SENT' or withdrawn_at is not null) as complete
      from command where order_no = ${orderNo} and command_type <> 'RELEASE' and ended_at is null) c
    where o.order_no = ${orderNo} and o.state = 'SCHEDULED' and not o.fan_out_reported and c.complete
    returning o.order_no`.execute(work.db);
  if (rows.length === 0) return;
  const row = await lockByNo(work.db, orderNo);
  await auditOrder(work, row, 'the last command was handed to the broker');
  if (await allAnswered(work, orderNo)) return closeAnswers(work, rooms, orderNo, 'every device answered');
  await sendStatus(work, rooms, row);
}

export async function allAnswered(work: Work, orderNo: number): Promise<boolean> {
  const { rows } = await sql<{ open: boolean }>`
    select exists (
      select from command c join flex_order o on o.order_no = c.order_no
      where c.order_no = ${orderNo} and c.command_type <> 'RELEASE' and c.answer is null and c.ended_at is null
        and c.revision >= o.answers_revision) as open`.execute(work.db);
  return rows[0]?.open === false;
}

/** Closes the answers when they are due: an order that was changed since may await further ones. */
export async function closeDueAnswers(work: Work, rooms: Rooms, orderNo: number): Promise<void> {
  const { answers_due_at } = await lockByNo(work.db, orderNo);
  if (answers_due_at !== null && answers_due_at.getTime() > rooms.context.grid.nowMs()) return;
  await closeAnswers(work, rooms, orderNo, 'the answer deadline passed');
}

/**
 * Counts the answers for good: what is missing now is silent, what comes later is ignored. Commands that never left
 * are dead. Each device's record takes its answer; who opted out is left alone until the window ends, and who has been
 * silent again and again until somebody has looked.
 */
export async function closeAnswers(work: Work, rooms: Rooms, orderNo: number, why: string): Promise<void> {
  const before = await lockByNo(work.db, orderNo);
  if (before.answers_closed || (before.state !== 'SCHEDULED' && before.state !== 'IN_PROGRESS')) return;
  const { rows: records } = await sql<Closed & { accepted: number; opted_out: boolean }>`
    with closed as (
      update flex_order set answers_closed = true, fan_out_reported = true, state = 'IN_PROGRESS',
        updated_wall_at = ${new Date(rooms.context.wall.nowMs())}
      where order_no = ${orderNo} returning window_end_at, answers_revision),
    dead as (
      update command set state = 'VOID'
      where order_no = ${orderNo} and state = 'PENDING' and command_type <> 'RELEASE')
    update der set asked = asked + 1, accepted = accepted + (coalesce(c.answer, '') = 'ACCEPTED')::int,
      unanswered = case when c.answer is not null then 0 else unanswered + (c.state = 'SENT')::int end,
      opted_out_until = case when c.answer = 'OPTED_OUT' then greatest(opted_out_until, closed.window_end_at)
        else opted_out_until end
    from command c, closed
    where c.order_no = ${orderNo} and c.command_type <> 'RELEASE' and c.withdrawn_at is null and c.der_no = der.der_no
      and c.ended_at is null and c.revision >= closed.answers_revision
    returning der.der_no, der.unanswered, der.maintenance_since, c.answer is not null as answered,
      (coalesce(c.answer, '') = 'ACCEPTED')::int as accepted, coalesce(c.answer, '') = 'OPTED_OUT' as opted_out`.execute(
    work.db,
  );
  await reviewAnswers(work, rooms, records);
  const row = await lockByNo(work.db, orderNo);
  await auditOrder(work, row, why, 'dispatch.closed');
  await sendStatus(work, rooms, row);
  const watched = await watchedOrder(work.db, row);
  work.afterCommit(() => {
    rooms.delivery.watch(watched);
    rooms.timers.disarm('answers', orderNo);
    for (const record of records) {
      rooms.fleet.countAnswers(record.der_no, 1, record.accepted);
      if (record.opted_out) rooms.fleet.optOut(record.der_no, row.window_end_at.getTime());
    }
  });
}
