/** What an aggregator said to a change: agreed it is a revision of the order, from an instant on. */
import type { UpdateAnswer } from '@flexder/protocol/flexibility/codec-v1.ts';
import { changedSelection } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { meanPrice } from '@flexder/protocol/settlement/payable.ts';
import type { Selectable } from 'kysely';
import { mergeDispatch } from '../../dispatch/report.ts';
import { CHANGES_LOOKED_AT } from '../../limits.ts';
import { raiseAlarm } from '../alarms/alarms.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import { moveOrder } from '../orders/orders.ts';
import type { OrderChangeTable } from '../tables.ts';
import { differenceFrom, quoteAt, totalKw, windowText } from './change.ts';

export type ChangeRow = Selectable<OrderChangeTable>;

/** What an on_update and a status after it have in common. */
export interface Answered extends Pick<UpdateAnswer, 'items' | 'changed' | 'window'> {
  readonly dispatch?: UpdateAnswer['dispatch'];
  readonly quote?: UpdateAnswer['quote'];
}

/** The change of this id, locked with its order by the caller. */
export function findChange(work: Work, obpId: string, changeId: string): Promise<ChangeRow | undefined> {
  return work.db
    .selectFrom('order_change')
    .selectAll()
    .where('obp_id', '=', obpId)
    .where('change_id', '=', changeId)
    .executeTakeFirst();
}

/**
 * Of the changes that were not agreed, as far as we know, the newest that this answer is one to: the aggregator may have
 * agreed without our hearing of it, also where we took it that the message had not arrived.
 */
export async function changeShownBy(work: Work, order: OrderRow, answer: Answered): Promise<ChangeRow | undefined> {
  const changes = await work.db
    .selectFrom('order_change')
    .selectAll()
    .where('obp_id', '=', order.obp_id)
    .where('state', '<>', 'AGREED')
    .orderBy('asked_wall_at', 'desc')
    .limit(CHANGES_LOOKED_AT)
    .execute();
  const { committedKw } = answer.changed;
  return changes.find(({ asked }) => differenceFrom(order, asked, { ...answer, committedKw }) === undefined);
}

/** Takes an answer that agrees. One that says something else than was asked leaves the order as it is, with an alarm. */
export async function agree(
  desk: Desk,
  work: Work,
  order: OrderRow,
  change: ChangeRow,
  answer: Answered,
): Promise<void> {
  const { changed } = answer;
  const { committedKw } = changed;
  const difference = differenceFrom(order, change.asked, { ...answer, committedKw });
  if (difference) return refuseChange(desk, work, order, change, `the answer is not what was asked: ${difference}`);
  const selection = changedSelection(order.selection, change.asked) as FlexSelection;
  const quote = quoteAt(order.quote as FlexQuote, selection, answer.quote);
  if (changed.revision <= order.revision) return endChange(desk, work, order, change, 'AGREED', 'it was so already');
  const fromMs = effectiveFrom(desk, change, selection.window, order.selection.window, changed.fromMs);
  await writeRevision(desk, work, order, { revision: changed.revision, fromMs, committedKw, selection, quote });
  const dispatch = mergeDispatch(order.dispatch, answer.dispatch);
  const was = `${order.committed_kw} kW, ${windowText(order.selection.window)}`;
  await moveOrder(desk, work, order, {
    state: order.state,
    reason: order.state_reason,
    changes: {
      revision: changed.revision,
      selection: JSON.stringify(selection),
      quote: JSON.stringify(quote),
      requested_kw: totalKw(selection.items),
      committed_kw: committedKw,
      excluded_der_ids: JSON.stringify(change.asked.excludedDerIds ?? []),
      expected_kw: (order.expected_kw * committedKw) / (order.committed_kw || committedKw),
      ...(dispatch ? { dispatch: JSON.stringify(dispatch) } : {}),
    },
    audit: {
      event_type: 'order.change-agreed',
      committed_kw: committedKw,
      rule_inputs: { revision: changed.revision, effective_from: new Date(fromMs).toISOString() },
      decision: `${was} → ${committedKw} kW, ${windowText(selection.window)}, from ${new Date(fromMs).toISOString()}`,
    },
  });
  await endChange(desk, work, order, change, 'AGREED', `from ${new Date(fromMs).toISOString()}`);
}

/** Not before it was asked and not after it was answered, whatever its aggregator says, and never before the window. */
function effectiveFrom(desk: Desk, change: ChangeRow, window: TimeWindow, before: TimeWindow, saidMs: number): number {
  const startMs = Math.min(window.startMs, before.startMs);
  const earliestMs = Math.max(startMs, change.asked_at.getTime());
  const latestMs = Math.max(startMs, desk.context.grid.nowMs());
  return Math.min(Math.max(saidMs, earliestMs), latestMs);
}

interface Revision {
  readonly revision: number;
  readonly fromMs: number;
  readonly committedKw: number;
  readonly selection: FlexSelection;
  readonly quote: FlexQuote;
}

/** The first also writes down what was confirmed. */
async function writeRevision(desk: Desk, work: Work, order: OrderRow, agreed: Revision): Promise<void> {
  const row = ({ revision, fromMs, committedKw, selection, quote }: Revision) => ({
    obp_id: order.obp_id,
    revision,
    from_at: new Date(fromMs),
    committed_kw: committedKw,
    window_start_at: new Date(selection.window.startMs),
    window_end_at: new Date(selection.window.endMs),
    price_gbp_per_kwh: meanPrice(quote.items),
    written_wall_at: new Date(desk.context.wall.nowMs()),
  });
  const { selection, committed_kw: committedKw } = order;
  const confirmed = { revision: 0, fromMs: selection.window.startMs, committedKw, selection };
  await work.db
    .insertInto('order_revision')
    .values([...(order.revision === 0 ? [row({ ...confirmed, quote: order.quote as FlexQuote })] : []), row(agreed)])
    .execute();
}

/** The order stands as it was. */
export async function refuseChange(
  desk: Desk,
  work: Work,
  order: OrderRow,
  change: ChangeRow,
  why: string,
): Promise<void> {
  await endChange(desk, work, order, change, 'REFUSED', why);
  const names = { eventId: order.event_id, feederId: order.feeder_id, obpId: order.obp_id };
  await raiseAlarm(desk, work, {
    kind: 'change-refused',
    ...names,
    text: `${order.bpp_id} does not change its order: ${why}`,
  });
}

export async function endChange(
  desk: Desk,
  work: Work,
  order: OrderRow,
  change: ChangeRow,
  state: Exclude<ChangeRow['state'], 'ASKED'>,
  answer: string,
): Promise<void> {
  await work.db
    .updateTable('order_change')
    .set({ state, answer, answered_wall_at: new Date(desk.context.wall.nowMs()) })
    .where('change_id', '=', change.change_id)
    .execute();
  if (state !== 'AGREED')
    await work.audit({
      event_type: `order.change-${state.toLowerCase()}`,
      obp_id: order.obp_id,
      event_id: order.event_id,
      feeder_id: order.feeder_id,
      transaction_id: order.transaction_id,
      counterparty_id: order.bpp_id,
      message_id: change.change_id,
      committed_kw: order.committed_kw,
      decision: `the order stands as it was: ${answer}`,
    });
  work.afterCommit(() => desk.deadlines.settle(change.change_id));
}
