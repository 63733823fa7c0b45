/** Top-ups: what is still missing of an event, bought as a need of its own under the same event. */
import type { Desk, OrderRow } from '../flex-orchestration/desk.ts';
import { newPurchase, type OpenEvent, type Purchase } from '../flex-orchestration/events/event.ts';
import { feltKw } from '../flex-orchestration/orders/orders.ts';
import { rounded } from '../grid-monitoring/detection/detection.ts';
import { ACKNOWLEDGED_TOP_UPS, WINDOW_MIN_MINUTES } from '../limits.ts';
import { ACKNOWLEDGED_SHORT, RESPONSE_VERIFIED, type Rule, ruleOf } from '../rules.ts';
import { acknowledgedGapKw } from './verification.ts';

/** When every device has answered, or should have: what they did not accept is bought before it shows at the feeder. */
export async function acknowledgedTopUp(
  desk: Desk,
  event: OpenEvent,
  orders: readonly OrderRow[],
): Promise<Purchase | undefined> {
  const running = orders.filter((order) => order.state === 'SCHEDULED' || order.state === 'IN_PROGRESS');
  const counted = ({ obp_id, revision }: OrderRow) => (revision === 0 ? obp_id : `${obp_id}/${revision}`);
  const key = `answers of ${running.map(counted).join(' ')}`;
  if (event.handled.has(key) || event.topUps >= ACKNOWLEDGED_TOP_UPS) return undefined;
  const nowMs = desk.context.grid.nowMs();
  const overdue = event.answersDueMs !== null && nowMs >= event.answersDueMs;
  const gapKw = acknowledgedGapKw(
    event.targetKw,
    running.map((order) => ({
      committedKw: feltKw(order, order.committed_kw),
      acknowledgedKw: feltKw(order, order.dispatch?.acknowledgedKw ?? 0),
      closed: overdue || order.dispatch?.closed === true,
    })),
  );
  if (gapKw === undefined) return undefined;
  event.handled.add(key);
  if (gapKw === 0) return undefined;
  return recordedTopUp(
    desk,
    event,
    gapKw,
    desk.context.wall.nowMs(),
    ACKNOWLEDGED_SHORT,
    `${gapKw} kW of what was promised were not accepted by devices${overdue ? ' in time' : ''}`,
    new Set(running.filter(isShort).map((order) => order.bpp_id)),
  );
}

/** Less than half of what it promised was accepted: there is no point in asking it for more. */
function isShort({ dispatch, committed_kw }: OrderRow): boolean {
  return (dispatch?.acknowledgedKw ?? 0) < committed_kw / 2;
}

/** Orders that their BPPs gave up after confirming them: their kW are bought again. */
export async function lostTopUp(
  desk: Desk,
  event: OpenEvent,
  orders: readonly OrderRow[],
): Promise<Purchase | undefined> {
  const lost = orders.filter(
    (order) => order.state === 'CANCELLED' && order.committed_kw > 0 && !event.handled.has(lossOf(order)),
  );
  if (lost.length === 0) return undefined;
  for (const order of lost) event.handled.add(lossOf(order));
  const gapKw = rounded(lost.reduce((sum, order) => sum + order.expected_kw, 0));
  return recordedTopUp(
    desk,
    event,
    gapKw,
    desk.context.wall.nowMs(),
    RESPONSE_VERIFIED,
    `${lost.length} confirmed orders were cancelled`,
    new Set(lost.map((order) => order.bpp_id)),
  );
}

/** After a restart: losses that a top-up came after are made good, and not bought again. */
export function rememberLosses(event: Pick<OpenEvent, 'handled' | 'state'>, orders: readonly OrderRow[]): void {
  for (const order of orders) {
    const madeGood = orders.some((other) => other.is_top_up && other.created_wall_at >= order.updated_wall_at);
    // What is short is judged at the feeder, with all that was lost.
    if (order.state === 'CANCELLED' && (madeGood || event.state === 'SHORT')) event.handled.add(lossOf(order));
  }
}

/** Apart from the answers of an event that has one order alone. */
const lossOf = (order: OrderRow) => `loss of ${order.obp_id}`;

async function recordedTopUp(
  desk: Desk,
  event: OpenEvent,
  gapKw: number,
  triggerWallMs: number,
  rule: Rule,
  because: string,
  failed: ReadonlySet<string>,
): Promise<Purchase | undefined> {
  const startMs = Math.max(desk.context.grid.nowMs(), event.window.startMs);
  const topUp = topUpOf(desk, event, gapKw, triggerWallMs, startMs, failed);
  if (!topUp) return undefined;
  await desk.participant.transact((work) => work.audit(topUpRecord(event, topUp, rule, because)));
  event.topUps++;
  return topUp;
}

export function topUpOf(
  desk: Desk,
  event: OpenEvent,
  gapKw: number,
  triggerWallMs: number,
  startMs: number,
  failed?: ReadonlySet<string>,
): Purchase | undefined {
  if (event.handsOff || desk.restrictions.stopped || event.topUps >= desk.config.maxTopUps) return undefined;
  // Near the end of its window a load that is still too high needs relief beyond it.
  const endMs = Math.max(event.window.endMs, startMs + WINDOW_MIN_MINUTES * 60_000);
  return newPurchase('top-up', gapKw, { startMs, endMs }, triggerWallMs, failed);
}

export function topUpRecord(event: OpenEvent, topUp: Purchase, rule: Rule, because: string) {
  return {
    event_type: 'topup.requested',
    event_id: event.eventId,
    feeder_id: event.feederId,
    intervention_class: event.interventionClass,
    ...ruleOf(rule),
    requested_kw: topUp.needKw,
    decision: `${because}: top-up ${event.topUps + 1} of ${topUp.needKw} kW`,
  };
}
