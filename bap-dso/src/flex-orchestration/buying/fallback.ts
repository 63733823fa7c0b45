/** What stands behind the orders of an event: the next offers, known and unpaid, bought when aggregators fail. */
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import type { Kysely } from 'kysely';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import { FALLBACK_FRESH_MS } from '../../limits.ts';
import { FALLBACK_ARMED, FALLBACK_RELEASED, ruleOf } from '../../rules.ts';
import type { BapTables } from '../../tables.ts';
import type { Desk, OrderRow, Work } from '../desk.ts';
import { needOf } from '../discovery/need.ts';
import type { OpenEvent, Purchase, Tier } from '../events/event.ts';
import { BOUGHT } from '../orders/orders.ts';
import { exclusionOf, reachOf } from '../planning/eligibility.ts';
import { type PlanOptions, partyLeftKw } from '../planning/plan.ts';
import { planConditions } from './placing.ts';

/**
 * Holds ready what would stand in for the aggregator that most is expected of: tier 1 from others than it, tier 2 from
 * others than these. Offers only, those that the purchase has left: nothing is asked of anybody. The tiers of a newer plan
 * take the place of an older one's; a purchase from a tier leaves those behind it.
 */
export async function armTiers(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  orders: readonly OrderRow[],
): Promise<void> {
  if (purchase.tier !== undefined || !purchase.offers) return;
  const conditions = await planConditions(desk, event, purchase);
  const expected = new Map<string, number>();
  for (const { bpp_id, expected_kw, state } of orders)
    if (BOUGHT.includes(state)) expected.set(bpp_id, (expected.get(bpp_id) ?? 0) + expected_kw);
  const [largest] = [...expected].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (!largest) return;
  const [bppId, gapKw] = [largest[0], rounded(largest[1])];
  const { offers } = purchase;
  const taken = new Set([bppId]);
  const madeAtMs = desk.context.grid.nowMs();
  const tiers = ([1, 2] as const).flatMap((tier): Tier[] => {
    const picked = nextCheapest(desk, event, purchase, conditions, offers, taken, gapKw);
    for (const offer of picked.offers) taken.add(offer.bppId);
    if (picked.offers.length === 0) return [];
    return [{ tier, planNo: event.plans + 1, state: tier === 1 ? 'ARMED' : 'STAGED', gapKw, madeAtMs, ...picked }];
  });
  event.plans++;
  await desk.participant.transact(async (work) => {
    await lapseTiers(work, event);
    await work.audit({
      ...namesOf(event),
      event_type: 'fallback.armed',
      ...ruleOf(FALLBACK_ARMED),
      rule_inputs: { gap_kw: gapKw, stands_in_for: bppId },
      requested_kw: gapKw,
      decision: tiers.map(textOf).join('; ') || 'nobody else offers anything',
    });
    if (tiers.length > 0)
      await work.db
        .insertInto('fallback_tier')
        .values(tiers.map((tier) => rowOf(desk, event, tier)))
        .execute();
    work.afterCommit(() => {
      event.tiers = tiers;
    });
  });
}

/** Eligible offers of others than `without`, by their price for each kW expected, until they cover the gap. */
function nextCheapest(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  conditions: PlanOptions,
  offers: readonly FlexOffer[],
  without: ReadonlySet<string>,
  gapKw: number,
): Pick<Tier, 'offers' | 'expectedKw' | 'costGbpPerHour'> {
  const need = needOf(desk, event, purchase, gapKw);
  const shareOf = (offer: FlexOffer) => conditions.derate(offer) * reachOf(need, offer, conditions);
  const ranked = offers
    .filter((offer) => !without.has(offer.bppId) && exclusionOf(need, offer, conditions) === undefined)
    .sort((a, b) => a.priceGbpPerKwh / shareOf(a) - b.priceGbpPerKwh / shareOf(b) || (a.bppId < b.bppId ? -1 : 1));
  const picked: FlexOffer[] = [];
  const leftKw = new Map<string, number>();
  let [expectedKw, costGbpPerHour] = [0, 0];
  for (const offer of ranked) {
    if (expectedKw >= gapKw) break;
    const partyKw = leftKw.get(offer.bppId) ?? partyLeftKw(conditions, offer.bppId);
    const kw = Math.min(offer.availableKw, partyKw, (gapKw - expectedKw) / shareOf(offer));
    if (kw < Math.max(offer.minimumKw, offer.stepKw) && kw < gapKw - expectedKw) continue;
    leftKw.set(offer.bppId, partyKw - kw);
    picked.push(offer);
    expectedKw += kw * shareOf(offer);
    costGbpPerHour += kw * offer.priceGbpPerKwh;
  }
  return { offers: picked, expectedKw: rounded(expectedKw), costGbpPerHour: Math.round(costGbpPerHour * 100) / 100 };
}

/**
 * Gives a purchase the offers of the tier that is armed, less those of aggregators that failed; the tier behind it is armed
 * in its place. False when there is none, or its offers are too old to be asked for without a search.
 */
export async function releaseTier(desk: Desk, event: OpenEvent, purchase: Purchase, because: string): Promise<boolean> {
  const nowMs = desk.context.grid.nowMs();
  for (;;) {
    const tier = event.tiers.find(({ state }) => state === 'ARMED');
    if (!tier) return false;
    const behind = event.tiers.find(({ state }) => state === 'STAGED');
    const offers = tier.offers.filter(({ bppId }) => !purchase.failed?.has(bppId));
    const stale = nowMs - tier.madeAtMs > FALLBACK_FRESH_MS;
    const usable = offers.length > 0 && !stale;
    const reason = usable ? because : stale ? 'its offers are too old' : 'its aggregators have failed themselves';
    await desk.participant.transact(async (work) => {
      await setState(work, event, tier, usable ? 'RELEASED' : 'LAPSED', reason, new Date(nowMs));
      if (behind) await setState(work, event, behind, 'ARMED');
      await work.audit({
        ...namesOf(event),
        event_type: usable ? 'fallback.released' : 'fallback.lapsed',
        ...ruleOf(FALLBACK_RELEASED),
        requested_kw: purchase.needKw,
        decision: `${reason}: ${textOf(tier)}${behind ? `; tier ${behind.tier} is armed` : ''}`,
      });
      work.afterCommit(() => {
        tier.state = usable ? 'RELEASED' : 'LAPSED';
        if (behind) behind.state = 'ARMED';
        if (usable) Object.assign(purchase, { offers, tier: tier.tier, spent: false });
      });
    });
    if (usable) return true;
  }
}

/** Tiers that nobody needed: the event is over, or there is a newer plan. */
export async function lapseTiers(work: Work, event: OpenEvent): Promise<void> {
  await work.db
    .updateTable('fallback_tier')
    .set({ state: 'LAPSED' })
    .where('event_id', '=', event.eventId)
    .where('state', 'in', ['ARMED', 'STAGED'])
    .execute();
  work.afterCommit(() => {
    event.tiers = [];
  });
}

/** After a restart: what was armed, and how many plans there were. */
export async function takeUpTiers(db: Kysely<BapTables>, event: OpenEvent): Promise<void> {
  const rows = await db
    .selectFrom('fallback_tier')
    .selectAll()
    .where('event_id', '=', event.eventId)
    .orderBy('plan_no')
    .orderBy('tier')
    .execute();
  event.plans = Math.max(0, ...rows.map((row) => row.plan_no));
  event.tiers = rows
    .filter(({ state }) => state === 'ARMED' || state === 'STAGED')
    .map((row) => ({
      tier: row.tier,
      planNo: row.plan_no,
      state: row.state,
      offers: row.offers,
      gapKw: row.gap_kw,
      expectedKw: row.expected_kw,
      costGbpPerHour: row.cost_gbp_per_hour,
      madeAtMs: row.made_at.getTime(),
    }));
}

function setState(
  work: Work,
  event: OpenEvent,
  { planNo, tier }: Tier,
  state: Tier['state'],
  reason: string | null = null,
  releasedAt: Date | null = null,
) {
  return work.db
    .updateTable('fallback_tier')
    .set({ state, reason, released_at: releasedAt })
    .where('event_id', '=', event.eventId)
    .where('plan_no', '=', planNo)
    .where('tier', '=', tier)
    .execute();
}

function rowOf(desk: Desk, event: OpenEvent, tier: Tier) {
  return {
    event_id: event.eventId,
    plan_no: tier.planNo,
    tier: tier.tier,
    state: tier.state,
    offers: JSON.stringify(tier.offers),
    gap_kw: tier.gapKw,
    expected_kw: tier.expectedKw,
    cost_gbp_per_hour: tier.costGbpPerHour,
    made_at: new Date(tier.madeAtMs),
    made_wall_at: new Date(desk.context.wall.nowMs()),
    released_at: null,
    reason: null,
  };
}

function namesOf(event: OpenEvent) {
  return { event_id: event.eventId, feeder_id: event.feederId, intervention_class: event.interventionClass };
}

function textOf({ tier, expectedKw, gapKw, costGbpPerHour, offers }: Tier): string {
  const bpps = [...new Set(offers.map(({ bppId }) => bppId))].join(', ');
  return `tier ${tier}: ${expectedKw} of ${gapKw} kW from ${bpps}, £${costGbpPerHour} an hour if bought`;
}
