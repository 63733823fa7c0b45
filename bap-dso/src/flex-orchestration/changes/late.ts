/** Changes that nobody answers: the order stands as it was here, and its aggregator is asked how it stands there. */
import { isFinal } from '@flexder/protocol/flexibility/order-machine.ts';
import { raiseAlarm } from '../alarms/alarms.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import { askStatus } from '../orders/ask-status.ts';
import { type ChangeRow, endChange, findChange, refuseChange } from './agree.ts';

/** The wait ran out. True when it stays open, for an answer that lies here. */
export async function closeLateChange(
  desk: Desk,
  work: Work,
  changeId: string,
  mayHaveCome: boolean,
  liesHere: (work: Work, order: OrderRow) => Promise<boolean>,
): Promise<boolean> {
  const order = await work.db
    .selectFrom('flex_order')
    .selectAll()
    .where('obp_id', '=', (where) =>
      where.selectFrom('order_change').select('obp_id').where('change_id', '=', changeId),
    )
    .forUpdate()
    .executeTakeFirst();
  const change = order && (await findChange(work, order.obp_id, changeId));
  if (!order || change?.state !== 'ASKED') return false;
  if (mayHaveCome && (await liesHere(work, order))) return true;
  if (isFinal(order.state)) await endChange(desk, work, order, change, 'REFUSED', `the order is ${order.state}`);
  else await unanswered(desk, work, order, change, `no answer within ${desk.config.answerTimeoutMs} ms`);
  return false;
}

/** It will not arrive any more; `certain` when it surely had no effect there. */
export async function closeUndeliveredChange(
  desk: Desk,
  work: Work,
  order: OrderRow,
  changeId: string,
  why: string,
  certain: boolean,
): Promise<void> {
  const change = await findChange(work, order.obp_id, changeId);
  if (change?.state !== 'ASKED') return;
  if (certain) await refuseChange(desk, work, order, change, why);
  else await unanswered(desk, work, order, change, why);
}

async function unanswered(desk: Desk, work: Work, order: OrderRow, change: ChangeRow, why: string): Promise<void> {
  await endChange(desk, work, order, change, 'UNANSWERED', why);
  desk.counterparties.silent(order.bpp_id, 'order');
  const names = { eventId: order.event_id, feederId: order.feeder_id, obpId: order.obp_id };
  const text = `${order.bpp_id} did not answer a change of its order: ${why}`;
  await raiseAlarm(desk, work, { kind: 'change-unanswered', ...names, text });
  await askStatus(work, order);
}

/** After a restart: changes of these orders that are awaited go on being awaited. */
export async function awaitChanges(desk: Desk, eventId: string): Promise<void> {
  const asked = await desk.participant.database
    .selectFrom('order_change')
    .innerJoin('flex_order', 'flex_order.obp_id', 'order_change.obp_id')
    .select('change_id')
    .where('flex_order.event_id', '=', eventId)
    .where('order_change.state', '=', 'ASKED')
    .execute();
  for (const { change_id } of asked) desk.deadlines.expect(change_id, desk.config.answerTimeoutMs);
}
