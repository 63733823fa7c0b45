/** Running orders that are changed by rule: less of them where the load falls of itself, longer ones where it does not. */
import type { OrderChange } from '@flexder/protocol/flexibility/model.ts';
import { meanPrice } from '@flexder/protocol/settlement/payable.ts';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import type { MonitoredFeeder } from '../../grid-monitoring/monitor.ts';
import {
  CHANGE_EVERY_MS,
  CHANGE_LEAST_KW,
  CHANGE_LEAST_SHARE,
  CHANGE_MARGIN_SHARE,
  PROLONG_BEFORE_MS,
  WINDOW_MAX_MINUTES,
  WINDOW_STEP_MINUTES,
} from '../../limits.ts';
import { ORDER_PROLONGED, type Rule, ruleOf, SURPLUS_RETURNED } from '../../rules.ts';
import { unlentOrders } from '../buying/lent.ts';
import { TooLateError } from '../decisions/too-late.ts';
import type { Desk, OrderRow } from '../desk.ts';
import type { OpenEvent } from '../events/event.ts';
import { feltKw, ordersOf } from '../orders/orders.ts';
import { askChange } from './ask.ts';
import { itemsAt, totalKw } from './change.ts';

const MINUTE_MS = 60_000;

export interface Wish {
  readonly rule: Rule;
  /** What can be given back at the feeder, kW; of a wish to prolong 0. */
  readonly surplusKw: number;
  readonly inputs: Readonly<Record<string, number>>;
}

/** What the rules make of a sample of a feeder whose relief holds; undefined when they leave the orders alone. Pure. */
export function wishOf(event: OpenEvent, feeder: MonitoredFeeder, nowMs: number): Wish | undefined {
  const { window, releaseKw, committedKw, state } = event;
  if (state !== 'RELIEVED' || event.purchase || event.handsOff || committedKw <= 0) return undefined;
  const leftMs = window.endMs - nowMs;
  if (nowMs < window.startMs + CHANGE_EVERY_MS || leftMs <= 0) return undefined;
  const aheadKw = loadAhead(feeder, nowMs, window.endMs);
  const inputs = { load_ahead_kw: rounded(aheadKw), release_kw: rounded(releaseKw), committed_kw: committedKw };
  // What the devices give back comes on top of the load.
  if (leftMs <= PROLONG_BEFORE_MS)
    return aheadKw + committedKw >= event.limitKw ? { rule: ORDER_PROLONGED, surplusKw: 0, inputs } : undefined;
  if (leftMs < CHANGE_EVERY_MS || nowMs - (event.changedAtMs ?? window.startMs) < CHANGE_EVERY_MS) return undefined;
  const surplusKw = rounded(releaseKw - aheadKw - CHANGE_MARGIN_SHARE * committedKw);
  const enough = surplusKw >= Math.max(CHANGE_LEAST_KW, CHANGE_LEAST_SHARE * committedKw);
  return enough ? { rule: SURPLUS_RETURNED, surplusKw, inputs } : undefined;
}

/** The highest of what was read lately and what is forecast until the end, kW. */
function loadAhead(feeder: MonitoredFeeder, nowMs: number, endMs: number): number {
  const lately = feeder.series.between(nowMs - CHANGE_EVERY_MS, nowMs + 1).map((reading) => reading.powerKw);
  const points = feeder.forecast?.points ?? [];
  const foreseen = points.filter((point) => point.atMs <= endMs).map((point) => point.powerKw);
  return Math.max(feeder.sample?.powerKw ?? Number.POSITIVE_INFINITY, ...lately, ...foreseen);
}

/** Asks for what a rule wishes; what is refused, or is being changed already, stays as it is. */
export async function askByRule(desk: Desk, event: OpenEvent, wish: Wish): Promise<void> {
  const { database } = desk.participant;
  // What another event counts on is not this one's to give back.
  const wanted =
    wish.rule === SURPLUS_RETURNED
      ? less((await unlentOrders(database, event.eventId)).filter(isRunning), wish.surplusKw)
      : longer(event, (await ordersOf(database, event.eventId)).filter(isRunning));
  for (const { order, change, reason } of wanted) {
    const record = {
      ...ruleOf(wish.rule),
      rule_inputs: { ...wish.inputs },
      intervention_class: event.interventionClass,
    };
    await desk.participant
      .transact((work) => askChange(desk, work, order, change, { by: wish.rule.id, reason }, record))
      .catch((error: unknown) => {
        if (!(error instanceof TooLateError)) throw error;
      });
  }
}

interface Wanted {
  readonly order: OrderRow;
  readonly change: OrderChange;
  readonly reason: string;
}

const isRunning = ({ state, quote }: OrderRow) => (state === 'SCHEDULED' || state === 'IN_PROGRESS') && quote !== null;

const priceOf = ({ quote }: OrderRow) => Number(meanPrice(quote!.items));

/** Of the dearest order: what is not delivered is not paid, and cancelling the whole of it would be charged. */
function less(orders: readonly OrderRow[], surplusKw: number): Wanted[] {
  const byPrice = [...orders].sort((a, b) => priceOf(b) - priceOf(a) || (a.obp_id < b.obp_id ? -1 : 1));
  for (const order of byPrice) {
    const { items } = order.selection;
    const leastKw = items.length * CHANGE_LEAST_KW;
    const kw = rounded(Math.max(leastKw, order.committed_kw - surplusKw / (order.felt_share || 1)));
    if (totalKw(items) - kw < CHANGE_LEAST_KW) continue;
    const reason = `${surplusKw} kW of ${rounded(feltKw(order, order.committed_kw))} kW are not needed any more`;
    return [{ order, change: { items: itemsAt(items, kw) }, reason }];
  }
  return [];
}

/** Each order once, at the price agreed, while its devices may hold on: the load would pass the limit without them. */
function longer(event: OpenEvent, orders: readonly OrderRow[]): Wanted[] {
  return orders.flatMap((order) => {
    const { window } = order.selection;
    const endMs = window.endMs + WINDOW_STEP_MINUTES * MINUTE_MS;
    const key = `prolonged ${order.obp_id}`;
    if (event.handled.has(key) || endMs - window.startMs > WINDOW_MAX_MINUTES * MINUTE_MS) return [];
    event.handled.add(key);
    const reason = `without it the load would pass ${event.limitKw} kW at the end of its window`;
    return [{ order, change: { items: [], window: { ...window, endMs } }, reason }];
  });
}
