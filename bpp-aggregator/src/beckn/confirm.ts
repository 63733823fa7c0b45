import type { OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeConfirm, encodeOnConfirm } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { OrderReferences } from '@flexder/protocol/flexibility/model.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { writeActivations } from '../dispatch/commands.ts';
import { differenceFromPrice, differenceFromQuote, quotedSelection } from '../orders/agreed.ts';
import { armAnswers, armCompletion } from '../orders/deadlines.ts';
import { withoutExcluded } from '../orders/exclusions.ts';
import { roundKw } from '../orders/quantity.ts';
import { expireDueQuotes } from '../orders/quote-expiry.ts';
import { advance, auditOrder, lockByTransaction, type OrderRow } from '../orders/store.ts';
import { answer, read, readExcluded, refuse, UNKNOWN_ORDER } from './answer.ts';
import { quoteRanOut } from './init.ts';

/**
 * Binds this aggregator to the order. What was held becomes committed, and the command of every device is written in
 * the same transaction: after it, the activation happens or is told to have failed, whatever crashes.
 */
export function confirm(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const wanted = await read(work, request, decodeConfirm);
    const excluded = wanted && (await readExcluded(work, request));
    if (!wanted || !excluded) return;
    const { bap_id, transaction_id } = request.body.context;
    await expireDueQuotes(work, rooms);
    const row = await lockByTransaction(work.db, bap_id, transaction_id);
    if (!row || (wanted.orderId !== undefined && row.order_id !== null && wanted.orderId !== row.order_id))
      return void (await refuse(work, request, UNKNOWN_ORDER));
    if (row.state === 'EXPIRED') return void (await refuse(work, request, quoteRanOut(row)));
    const move = advance(row.state, 'confirm', 'on_confirm');
    if (!move.ok) return void (await refuse(work, request, { code: move.code, message: move.message }));
    const references = row.order_references;
    const difference = differenceFromQuote(row, wanted.selection) ?? differenceFromPrice(row, wanted);
    if (difference) return void (await refuse(work, request, difference));
    if (row.order_id === null || references === null) throw new Error(`order ${row.order_no} has no id after init`);
    if (references.eventId !== wanted.references.eventId || references.obpId !== wanted.references.obpId) {
      const message = 'event-id and obp-id were fixed by init and cannot change';
      return void (await refuse(work, request, { code: '30000', message, paths: '/message/order/tags' }));
    }
    if (move.applied && row.window_end_at.getTime() <= rooms.context.grid.nowMs())
      return void (await refuse(work, request, { code: '30008', message: 'the window has passed' }));

    const broken = move.applied ? await withoutExcluded(work, rooms, row, excluded) : undefined;
    if (broken) return void (await refuse(work, request, broken));
    const baselineKw = move.applied ? await commit(work, rooms, row, references) : await baselineOf(work, row.order_no);
    const order = {
      orderId: row.order_id as OrderId,
      selection: quotedSelection(row),
      references,
      quote: row.quote,
      commitment: { committedKw: row.committed_kw, baselineKw },
    };
    await answer(work, request, encodeOnConfirm(order, rooms.context.wall.nowMs()));
  };
}

/** Returns the baseline of the committed devices, kW. */
async function commit(work: Work, rooms: Rooms, row: OrderRow, references: OrderReferences): Promise<number> {
  const { context, config, dispatcher, timers } = rooms;
  const nowMs = context.grid.nowMs();
  const dueMs = nowMs + config.answerDeadlineS * 1000;
  await rooms.refresh.feeder(work.db, row.feeder_id);
  const { fanOut, baselineKw } = await writeActivations(work, rooms, row, references, dueMs);
  const confirmed = await work.db
    .updateTable('flex_order')
    .set({
      state: 'SCHEDULED',
      selection: JSON.stringify(quotedSelection(row)),
      confirmed_at: new Date(nowMs),
      answers_due_at: new Date(dueMs),
      updated_wall_at: new Date(context.wall.nowMs()),
    })
    .where('order_no', '=', row.order_no)
    .returningAll()
    .executeTakeFirstOrThrow();
  await auditOrder(work, confirmed, `committed with ${fanOut.commands.length} devices`);
  work.afterCommit(() => {
    timers.disarm('quote', row.order_no);
    armAnswers(rooms, row.order_no, dueMs);
    armCompletion(rooms, confirmed);
    void dispatcher.fanOut(row.order_no, fanOut);
  });
  return baselineKw;
}

/** What the devices that serve the order drew before it, kW. */
export async function baselineOf(work: Work, orderNo: number): Promise<number> {
  const { rows } = await sql<{ kw: number }>`
    select coalesce(sum(baseline_kw), 0) as kw from command
    where order_no = ${orderNo} and command_type <> 'RELEASE' and ended_at is null`.execute(work.db);
  return roundKw(rows[0]?.kw ?? 0);
}
