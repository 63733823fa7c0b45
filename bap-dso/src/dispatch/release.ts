/** The end of an event, and the completions that come after it. */
import { isFinal } from '@flexder/protocol/flexibility/order-machine.ts';
import { raiseAlarm } from '../flex-orchestration/alarms/alarms.ts';
import { lapseTiers } from '../flex-orchestration/buying/fallback.ts';
import type { Desk, OrderRow } from '../flex-orchestration/desk.ts';
import type { OpenEvent } from '../flex-orchestration/events/event.ts';
import { moveOverload } from '../flex-orchestration/events/overloads.ts';
import { askStatus } from '../flex-orchestration/orders/ask-status.ts';
import { BOUGHT } from '../flex-orchestration/orders/orders.ts';
import { EVENT_RELEASED, ruleOf } from '../rules.ts';

/** The event is over: nothing of it runs any more. Returns false while something still does. */
export async function release(desk: Desk, event: OpenEvent, orders: readonly OrderRow[]): Promise<boolean> {
  const nowMs = desk.context.grid.nowMs();
  const running = orders.filter((order) => !isFinal(order.state) && order.selection.window.endMs > nowMs);
  if (event.purchase || nowMs < event.window.endMs || running.length > 0) return false;
  const bought = orders.filter((order) => BOUGHT.includes(order.state)).length;
  await desk.participant.transact(async (work) => {
    await lapseTiers(work, event);
    await moveOverload(desk, work, event, {
      state: 'RELEASED',
      changes: { released_at: new Date(nowMs) },
      audit: {
        event_type: 'event.released',
        ...ruleOf(EVENT_RELEASED),
        committed_kw: event.committedKw,
        ...(event.measuredKw === null ? {} : { delivered_kw: event.measuredKw }),
        decision: `the windows of ${bought} orders have ended; peak since the relief was due ${event.peakKw ?? 'unknown'} kW, limit ${event.limitKw} kW`,
      },
    });
  });
  return true;
}

/** Asks the BPPs of orders whose completion was never told. */
export async function askCompletion(desk: Desk, orders: readonly OrderRow[]): Promise<void> {
  const open = orders.filter((order) => !isFinal(order.state) && order.order_id);
  if (open.length === 0) return;
  await desk.participant.transact(async (work) => {
    for (const order of open) await askStatus(work, order);
  });
}

export async function alarmIncomplete(desk: Desk, event: OpenEvent, orders: readonly OrderRow[]): Promise<void> {
  const open = orders.filter((order) => !isFinal(order.state));
  if (open.length === 0) return;
  await desk.participant.transact(async (work) => {
    for (const order of open) {
      const text = `${order.bpp_id} never reported the end of order ${order.order_id ?? order.obp_id}: it is ${order.state}`;
      const names = { eventId: event.eventId, feederId: event.feederId, obpId: order.obp_id };
      await raiseAlarm(desk, work, { kind: 'completion-missing', ...names, text });
    }
  });
}
