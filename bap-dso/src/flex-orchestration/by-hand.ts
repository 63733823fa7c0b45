/** What a person decides against the plan. */
import { withdraw } from './closing.ts';
import type { Desk } from './desk.ts';

/**
 * Cancels a confirmed order for a person. What its event still needs is bought elsewhere by the rules that hold for any
 * lost order. Resolves with the state the order is in then; an order that has ended stays as it is.
 */
export function cancelByHand(
  desk: Desk,
  obpId: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<{ readonly state: string }> {
  return desk.participant.transact(async (work) => {
    const locked = () =>
      work.db.selectFrom('flex_order').selectAll().where('obp_id', '=', obpId).forUpdate().executeTakeFirst();
    const order = await locked();
    if (!order) throw new Error(`there is no order ${obpId}`);
    if (order.state === 'SCHEDULED' || order.state === 'IN_PROGRESS') {
      await work.audit({
        event_type: 'operator.cancelled',
        actor_id: by,
        actor_role: 'OPERATOR',
        obp_id: obpId,
        event_id: order.event_id,
        feeder_id: order.feeder_id,
        transaction_id: order.transaction_id,
        counterparty_id: order.bpp_id,
        ...(order.order_id !== null && { order_id: order.order_id }),
        committed_kw: order.committed_kw,
        decision: `cancelled by hand: ${reason}`,
      });
      await withdraw(desk, work, order, `cancelled by ${by}: ${reason}`);
    }
    return { state: (await locked())?.state ?? order.state };
  });
}
