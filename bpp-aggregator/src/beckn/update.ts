import { decodeUpdate, encodeOnUpdate, type UpdatedOrder } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, OrderReferences } from '@flexder/protocol/flexibility/model.ts';
import type { BecknError, InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { writeChanges } from '../dispatch/changes.ts';
import { watchedOrder } from '../metering/delivery.ts';
import { devicesFor } from '../orders/change-devices.ts';
import { type Change, changeOf } from '../orders/change-terms.ts';
import { armAnswers, armCompletion } from '../orders/deadlines.ts';
import { servesWith } from '../orders/exclusions.ts';
import { quoteOf } from '../orders/firm.ts';
import { dropHolds } from '../orders/holds.ts';
import { expireDueQuotes } from '../orders/quote-expiry.ts';
import { writeRevision } from '../orders/revisions.ts';
import { advance, auditOrder, lockByOrderId, type OrderRow, statusReport } from '../orders/store.ts';
import { answer, read, readExcluded, refuse, UNKNOWN_ORDER } from './answer.ts';
import { baselineOf } from './confirm.ts';

/**
 * Changes the kW or the window of a confirmed order, all of it or nothing: a change that is refused leaves the order as
 * it is. A change of no kW may still take excluded devices out, others in their place. Asked again, the answer is the order
 * as it stands.
 */
export function update(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const asked = await read(work, request, decodeUpdate);
    const excluded = asked && (await readExcluded(work, request));
    if (!asked || !excluded) return;
    const { bap_id, transaction_id } = request.body.context;
    await expireDueQuotes(work, rooms);
    const row = await lockByOrderId(work.db, bap_id, transaction_id, asked.orderId);
    if (!row || row.order_references === null) return void (await refuse(work, request, UNKNOWN_ORDER));
    if (row.state === 'COMPLETED')
      return void (await refuse(work, request, { code: '50002', message: 'the order is completed' }));
    const move = advance(row.state, 'update');
    if (!move.ok) return void (await refuse(work, request, { code: move.code, message: move.message }));
    const loses = await servesWith(work, row.order_no, excluded);
    const change = changeOf(row, asked, rooms.context.grid.nowMs(), rooms.config, loses);
    const outcome = change === undefined || 'code' in change ? change : await apply(work, rooms, row, change, excluded);
    if (outcome && 'code' in outcome) {
      await auditOrder(work, row, `a change was refused: ${outcome.code} ${outcome.message}`, 'order.update-refused');
      return void (await refuse(work, request, outcome));
    }
    const order = await updatedOrder(work, rooms, outcome ?? row);
    await answer(work, request, encodeOnUpdate(order, rooms.context.wall.nowMs()));
  };
}

async function apply(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  change: Change,
  excluded: ReadonlySet<string>,
): Promise<OrderRow | BecknError> {
  const devices = await devicesFor(work, rooms, row, change, excluded);
  if (!devices.ok) {
    await dropHolds(work.db, row.order_no);
    return { code: '40002', message: devices.message, paths: '/message/order/items' };
  }
  const { context, config } = rooms;
  const nowMs = context.grid.nowMs();
  const dueMs = nowMs + config.answerDeadlineS * 1000;
  const commands = devices.added.length + (change.movesWindow ? devices.stay.length : 0);
  const fromMs = Math.max(nowMs, Math.min(change.selection.window.startMs, row.window_start_at.getTime()));
  const after = await store(work, rooms, row, change, fromMs, commands > 0 ? dueMs : undefined);
  const references = row.order_references as OrderReferences;
  const changes = await writeChanges(work, rooms, { before: row, after }, references, devices, dueMs);
  const baselineKw = await baselineOf(work, row.order_no);
  const changed = await work.db
    .updateTable('flex_order')
    .set({
      changed: JSON.stringify({ committedKw: after.committed_kw, baselineKw, revision: after.revision, fromMs }),
    })
    .where('order_no', '=', row.order_no)
    .returningAll()
    .executeTakeFirstOrThrow();
  await writeRevision(work, row, changed, fromMs, context.wall.nowMs());
  await auditOrder(
    work,
    changed,
    `changed from ${row.committed_kw} to ${changed.committed_kw} kW, ${windowText(row)} to ${windowText(changed)}: ` +
      `${devices.added.length} devices added, ${devices.go.length} let go, ${devices.stay.length} stay`,
    'order.updated',
  );
  const watched = changed.answers_closed ? await watchedOrder(work.db, changed) : undefined;
  work.afterCommit(() => {
    if (watched) rooms.delivery.watch(watched);
    else rooms.delivery.forget(row.order_no);
    if (commands > 0) armAnswers(rooms, row.order_no, dueMs);
    armCompletion(rooms, changed);
    void rooms.dispatcher.fanOut(row.order_no, changes.activations);
    void rooms.dispatcher.fanOut(row.order_no, changes.releases);
  });
  return changed;
}

/** `dueMs` when answers to new commands are awaited; they count from this revision on where all others are in. */
async function store(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  { selection }: Change,
  fromMs: number,
  dueMs: number | undefined,
): Promise<OrderRow> {
  const revision = row.revision + 1;
  const quote = quoteOfChange(rooms, row, selection, fromMs);
  return work.db
    .updateTable('flex_order')
    .set({
      revision,
      selection: JSON.stringify(selection),
      window_start_at: new Date(selection.window.startMs),
      window_end_at: new Date(selection.window.endMs),
      quote: JSON.stringify(quote),
      committed_kw: quote.totalKw,
      updated_wall_at: new Date(rooms.context.wall.nowMs()),
      ...(dueMs !== undefined && {
        answers_due_at: new Date(dueMs),
        answers_closed: false,
        answers_revision: row.answers_closed ? revision : row.answers_revision,
      }),
    })
    .where('order_no', '=', row.order_no)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The agreed prices for what is still to come: what ran before the change is settled as it was agreed then. */
function quoteOfChange(rooms: Rooms, row: OrderRow, selection: Change['selection'], fromMs: number): FlexQuote {
  const priceOf = new Map(row.quote.items.map(({ itemId, priceGbpPerKwh }) => [itemId, priceGbpPerKwh]));
  const items = selection.items.map((item) => ({ ...item, priceGbpPerKwh: priceOf.get(item.itemId) ?? 0 }));
  const left = { startMs: Math.max(fromMs, selection.window.startMs), endMs: selection.window.endMs };
  const untilMs = rooms.context.wall.nowMs() + rooms.config.quoteTtlMs;
  return quoteOf(rooms.context.ids.uuid(), items, left, untilMs);
}

async function updatedOrder(work: Work, rooms: Rooms, row: OrderRow): Promise<UpdatedOrder> {
  const report = await statusReport(work.db, row);
  if (!report) throw new Error(`order ${row.order_no} was changed in state ${row.state}`);
  const unchanged = {
    committedKw: row.committed_kw,
    baselineKw: await baselineOf(work, row.order_no),
    revision: 0,
    fromMs: row.window_start_at.getTime(),
  };
  const delivery = row.state === 'IN_PROGRESS' ? await rooms.delivery.measure(work.db, row) : undefined;
  return { ...report, changed: row.changed ?? unchanged, quote: row.quote, ...(delivery && { delivery }) };
}

function windowText({ window_start_at, window_end_at }: OrderRow): string {
  return `${window_start_at.toISOString()}/${window_end_at.toISOString()}`;
}
