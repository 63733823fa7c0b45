/** From offers to selected orders: plan, number, select side by side. */
import type { ObpId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeSelect } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexNeed } from '@flexder/protocol/flexibility/model.ts';
import { LEAST_REACH } from '../../network-model/limits.ts';
import type { Desk, Work } from '../desk.ts';
import type { NotOffered } from '../discovery/gather.ts';
import { needOf } from '../discovery/need.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { stagger } from '../events/window.ts';
import { orderRow } from '../orders/orders.ts';
import { blockKey } from '../planning/eligibility.ts';
import { lastsFor } from '../planning/joint-columns.ts';
import { choosePlan, type Plan, type PlannedOrder, type PlanOptions, reliabilityDerate } from '../planning/plan.ts';
import { recordPlan } from '../planning/record.ts';
import { committedKwByBpp } from './committed.ts';
import { insertReaches } from './lent.ts';
import type { Placement, Seat } from './together.ts';

interface PlacedSelection {
  readonly obpId: ObpId;
  readonly transactionId: TransactionId;
  readonly planned: PlannedOrder;
}

/** A plan that was made before, and what is written with it. */
export interface Decided {
  readonly plan: Plan;
  readonly joint?: Placement | undefined;
  record?(work: Work): Promise<void>;
}

/** What holds for every plan of this purchase. */
export async function planConditions(desk: Desk, event: OpenEvent, purchase: Purchase): Promise<PlanOptions> {
  const { reach, config, counterparties, context, solver, restrictions, participant } = desk;
  const limited = config.maxBppKw !== undefined;
  return {
    derate: reliabilityDerate,
    nowMs: context.grid.nowMs(),
    unresponsive: counterparties.unresponsive('order'),
    declined: purchase.declined,
    heldBack: (bppId) => restrictions.has('exclude-bpp', bppId),
    partyMaxKw: config.maxBppKw,
    ...(limited && { partyCommittedKw: await committedKwByBpp(participant.database, purchase.window) }),
    solver,
    solveMs: config.planSolveMs,
    ...(reach ? { reach: (offer) => reach(offer.bppId, offer.feederId, event.feederId) } : {}),
  };
}

/** Plans `needKw` from the offers left and selects. Orders nothing when nothing is to be had. */
export async function place(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  needKw: number,
  notOffered: NotOffered = { leftOut: [], silent: [] },
  decided?: Decided,
): Promise<void> {
  if (desk.restrictions.stopped) {
    purchase.spent = true;
    return;
  }
  const need = needOf(desk, event, purchase, needKw);
  const plan =
    decided?.plan ?? (await choosePlan(need, purchase.offers ?? [], await planConditions(desk, event, purchase)));
  const selections = numbered(
    desk,
    purchase,
    stagger(plan.orders, desk.config.releaseStaggerSeconds, purchase.obpIds.size),
  );
  await desk.participant.transact(async (work) => {
    await decided?.record?.(work);
    await recordPlan(desk, work, event, plan, needKw, purchase, notOffered, decided?.joint?.part);
    if (selections.length > 0) await select(desk, work, event, purchase, selections);
    if (decided?.joint) await lend(desk, work, event, need, selections, decided.joint.borrowers);
  });
  take(purchase, plan, decided?.joint?.part.othersKw);
  if (selections.length === 0 && plan.reliedKw === 0) purchase.spent = true;
  for (const { obpId, planned } of selections) {
    purchase.obpIds.add(obpId);
    event.endMs = Math.max(event.endMs, planned.selection.window.endMs);
  }
}

/** One order a BPP and transaction: a further one with the same BPP goes under a transaction of its own. */
function numbered(desk: Desk, purchase: Purchase, orders: readonly PlannedOrder[]): PlacedSelection[] {
  const { ids } = desk.context;
  return orders.map((planned) => {
    const fresh = purchase.placedUnder.has(planned.bppId) || !purchase.transactionId;
    if (!fresh) purchase.placedUnder.add(planned.bppId);
    const transactionId = (fresh ? ids.uuid() : purchase.transactionId) as TransactionId;
    return { obpId: `obp-${ids.uuid()}` as ObpId, transactionId, planned };
  });
}

async function select(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  purchase: Purchase,
  selections: readonly PlacedSelection[],
): Promise<void> {
  const { answerTimeoutMs } = desk.config;
  const rows = selections.map((selection) =>
    orderRow(desk, {
      ...selection,
      eventId: event.eventId,
      isTopUp: purchase.isTopUp,
      triggerWallMs: purchase.triggerWallMs,
      answerTimeoutMs,
    }),
  );
  await work.db.insertInto('flex_order').values(rows).execute();
  for (const { obpId, transactionId, planned } of selections) {
    await work.send({
      action: 'select',
      to: planned.bppId,
      toType: 'BPP',
      transactionId,
      ttlMs: answerTimeoutMs,
      message: encodeSelect(
        planned.selection,
        desk.restrictions.excludedDers(planned.selection.feederId, planned.bppId),
      ),
      audit: { obp_id: obpId, event_id: event.eventId, feeder_id: event.feederId, requested_kw: planned.requestedKw },
    });
    const value = { eventId: event.eventId, feederId: event.feederId, bppId: planned.bppId, isTopUp: purchase.isTopUp };
    await work.emit({
      topic: 'bap',
      key: obpId,
      value: {
        type: 'order.changed',
        obpId,
        ...value,
        state: 'SELECTING',
        requestedKw: planned.requestedKw,
        committedKw: 0,
        wallAtMs: desk.context.wall.nowMs(),
      },
    });
  }
  work.afterCommit(() => {
    for (const { obpId } of selections) desk.deadlines.expect(obpId, answerTimeoutMs);
  });
}

/** Orders that are felt at the feeders of events planned with this one, and last for them, count there as well. */
async function lend(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  need: FlexNeed,
  selections: readonly PlacedSelection[],
  borrowers: readonly Seat[],
): Promise<void> {
  const { reach } = desk;
  if (!reach) return;
  const lent = selections.flatMap(({ obpId, planned: { bppId, selection } }) =>
    borrowers.flatMap((seat) => {
      const feltShare = reach(bppId, selection.feederId, seat.event.feederId);
      const lasts = lastsFor(need.window, needOf(desk, seat.event, seat.purchase, seat.needKw).window);
      return lasts && feltShare >= LEAST_REACH ? [{ obpId, seat, eventId: seat.event.eventId, feltShare }] : [];
    }),
  );
  await insertReaches(work, lent);
  work.afterCommit(() => {
    for (const { obpId, seat } of lent) {
      seat.event.lent.set(obpId, event.eventId);
      seat.purchase.obpIds.add(obpId);
    }
  });
}

/** What was asked of a block, here or for an event planned with this one, is not on offer any more. */
function take(purchase: Purchase, plan: Plan, othersKw: ReadonlyMap<string, number> = new Map()): void {
  const taken = new Map(othersKw);
  for (const { offer, kw } of plan.blocks) taken.set(blockKey(offer), (taken.get(blockKey(offer)) ?? 0) + kw);
  purchase.offers = (purchase.offers ?? []).map((offer) => {
    const kw = taken.get(blockKey(offer));
    return kw === undefined ? offer : { ...offer, availableKw: Math.round((offer.availableKw - kw) * 1_000) / 1_000 };
  });
}
