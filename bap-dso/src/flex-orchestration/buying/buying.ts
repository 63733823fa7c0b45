/** One need, from search to firm orders: gather, place, and place again for what is missing. */
import type { TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { GAP_MIN_KW, SHORTFALL_TOLERANCE } from '../../limits.ts';
import { raiseAlarm } from '../alarms/alarms.ts';
import { decide } from '../decisions/decide.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import { answersWithinMs, search } from '../discovery/need.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { moveOverload } from '../events/overloads.ts';
import { AWAITING, BOUGHT, feltKw, LIVE } from '../orders/orders.ts';
import { releaseTier } from './fallback.ts';
import { ordersFelt } from './lent.ts';
import { place } from './placing.ts';

/** Searches, waits for the catalogues and places the first orders. `open` writes what belongs to the same transaction. */
export async function buy(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  needKw: number,
  open: (work: Work) => Promise<void>,
): Promise<void> {
  const { gateway, bpps } = await desk.counterparties.known();
  const quiet = desk.counterparties.unresponsive('catalogue');
  const transactionId = desk.context.ids.uuid() as TransactionId;
  const gathering = desk.gathers.collect(
    transactionId,
    bpps.filter((bppId) => !quiet.has(bppId)),
    answersWithinMs(desk, purchase),
  );
  const seat = desk.together.enter(event, purchase, needKw);
  try {
    await desk.participant.transact(async (work) => {
      await open(work);
      await search(
        desk,
        work,
        event,
        purchase,
        needKw,
        transactionId,
        gateway ? [gateway] : bpps,
        gateway ? 'BG' : 'BPP',
      );
    });
  } catch (error) {
    desk.together.leave(seat);
    desk.gathers.abandon(transactionId);
    throw error;
  }
  purchase.transactionId = transactionId;
  purchase.placedUnder.clear();
  const gathered = await gathering;
  // When nobody answered it is the search that failed, and no single BPP.
  if (gathered.answered.length > 0) {
    for (const bppId of gathered.silent) desk.counterparties.silent(bppId, 'catalogue');
  } else if (bpps.length > 0 && !purchase.searchedAgain) {
    // The market is there and was slow, or the message lost: an overload does not wait for the next reading.
    purchase.searchedAgain = true;
    desk.together.leave(seat);
    return;
  }
  purchase.offers = [...gathered.offers];
  const joint = await desk.together.plan(seat, gathered.offers);
  try {
    if (!purchase.isTopUp && !purchase.decided) await decide(desk, event, purchase, needKw, gathered, joint);
    else await place(desk, event, purchase, needKw, gathered, joint && { plan: joint.part.plan, joint });
  } finally {
    joint?.placed();
  }
  // What may be counted on is known when all have placed their orders.
  await joint?.all;
}

/**
 * What a purchase makes of the moves of its orders. True when it is finished. Nothing is planned again before every
 * BPP has quoted or failed to: then the gap is known, and does not depend on who was first.
 */
export async function review(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  all: readonly OrderRow[],
): Promise<boolean> {
  if (purchase.asked !== undefined) return false;
  const orders = all.filter((order) => purchase.obpIds.has(order.obp_id));
  if (orders.some((order) => order.state === 'SELECTING')) return false;
  const missingKw =
    purchase.needKw -
    sum(
      orders.filter((order) => LIVE.includes(order.state)),
      (order) => order.expected_kw,
    );
  // What a tier could not give the next one gives, and when there is none a search.
  if (purchase.tier !== undefined && purchase.spent && missingKw > toleranceOf(purchase.needKw)) {
    const next = await releaseTier(desk, event, purchase, `tier ${purchase.tier} left ${missingKw} kW open`);
    if (!next) Object.assign(purchase, { offers: undefined, tier: undefined, spent: desk.restrictions.stopped });
  }
  const maxReplans = desk.config.maxReplans;
  if (missingKw > toleranceOf(purchase.needKw) && !purchase.spent && purchase.replans < maxReplans) {
    purchase.replans++;
    dropDisappointing(purchase, orders);
    if (purchase.offers) await place(desk, event, purchase, missingKw);
    else await buy(desk, event, purchase, missingKw, async () => {});
    return review(desk, event, purchase, await ordersFelt(desk.participant.database, event));
  }
  return !orders.some((order) => AWAITING.includes(order.state));
}

function toleranceOf(needKw: number): number {
  return Math.max(GAP_MIN_KW, needKw * SHORTFALL_TOLERANCE);
}

/** Who gave less than asked, or nothing, has no more to give. */
function dropDisappointing(purchase: Purchase, orders: readonly OrderRow[]): void {
  for (const order of orders) {
    const whole = LIVE.includes(order.state) && (!order.quote || order.quote.totalKw >= order.requested_kw);
    if (!whole) purchase.declined.add(order.bpp_id);
  }
}

/** The figures of a finished purchase, with an alarm when they fall short. */
export async function finish(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  all: readonly OrderRow[],
): Promise<void> {
  const bought = all.filter((order) => purchase.obpIds.has(order.obp_id) && BOUGHT.includes(order.state));
  const expectedKw = sum(bought, (order) => order.expected_kw);
  const missingKw = purchase.needKw - expectedKw;
  const anything = all.some((order) => BOUGHT.includes(order.state));
  const state = anything ? (event.state === 'BUYING' || bought.length > 0 ? 'DISPATCHED' : event.state) : 'SHORT';
  const what = purchase.isTopUp ? 'top-up' : 'relief';
  const committedKw = sum(bought, (order) => feltKw(order, order.committed_kw));
  if (bought.length > 0) event.window = { ...event.window, endMs: Math.max(event.window.endMs, purchase.window.endMs) };
  await desk.participant.transact(async (work) => {
    await moveOverload(desk, work, event, {
      state,
      changes: {
        window_end_at: new Date(event.window.endMs),
        ...(purchase.isTopUp && bought.length > 0 ? { topped_up: true } : {}),
      },
      audit: {
        event_type: 'purchase.finished',
        requested_kw: purchase.needKw,
        committed_kw: committedKw,
        decision: `${bought.length} orders hold ${committedKw} kW of ${purchase.needKw} kW ${what}, ${purchase.replans} re-plans`,
      },
    });
    if (missingKw <= toleranceOf(purchase.needKw)) return;
    const names = { eventId: event.eventId, feederId: event.feederId };
    const text = `${round(missingKw)} kW of ${purchase.needKw} kW ${what} could not be bought${desk.restrictions.stopped ? ': dispatch is stopped' : ''}`;
    await raiseAlarm(desk, work, {
      kind: bought.length === 0 ? 'nothing-to-buy' : 'plan-insufficient',
      ...names,
      text,
    });
  });
}

function sum(orders: readonly OrderRow[], of: (order: OrderRow) => number): number {
  return round(orders.reduce((total, order) => total + of(order), 0));
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
