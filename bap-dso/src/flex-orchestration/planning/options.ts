/** What a person chooses from for one event: how much relief, what it costs, and how likely it is to be enough. */
import { OPTION_UNIT_KW, PLAN_NAMED } from '../../limits.ts';
import type { ExclusionReason } from './eligibility.ts';
import type { JointPart } from './joint.ts';
import { type Market, type Plan, planOf } from './plan.ts';

export type OptionName = 'low' | 'sufficient' | 'everything';

export interface PlanOption {
  readonly name: OptionName;
  /** kW of relief it is planned for; null for all there is. */
  readonly needKw: number | null;
  readonly askedKw: number;
  /** kW that may be expected at the feeder. */
  readonly reliefKw: number;
  /** For the whole window, with full delivery. */
  readonly costGbp: number;
  /** Chance that the load stays at or above the limit, 0 to 1, by `riskOf`. */
  readonly risk: number;
  readonly sufficient: boolean;
  readonly method: Plan['method'];
  readonly gap: number;
  readonly orders: readonly { readonly bppId: string; readonly kw: number }[];
  readonly tradeOff: string;
}

export interface PlanOptions {
  readonly options: readonly PlanOption[];
  readonly recommended: OptionName;
  readonly reason: string;
  /** Events whose plans were made as one with this; absent in decisions of before there were such. */
  readonly plannedWith?: readonly string[];
  /** kW of the offers that were left out, by reason. */
  readonly excluded: readonly { readonly reason: ExclusionReason; readonly offers: number; readonly kw: number }[];
}

/** Relief needed at the feeder: to come to the release level, and to come below the limit. */
export interface Relief {
  readonly requestedKw: number;
  readonly belowLimitKw: number;
}

/**
 * Three plans, or fewer where they are the same; the plan of each by its name. Of an event that was planned together with
 * others `market` is what they leave, their relief counts, and `sufficient` is its part of the joint plan.
 */
export async function planOptions(
  market: Market,
  relief: Relief,
  joint?: JointPart,
): Promise<PlanOptions & { readonly plans: ReadonlyMap<OptionName, Plan> }> {
  const needs: [OptionName, number][] = [
    ['low', relief.belowLimitKw],
    ['sufficient', relief.requestedKw],
    ['everything', Number.POSITIVE_INFINITY],
  ];
  const plans = new Map<OptionName, Plan>();
  // The time of the solver is for what is recommended.
  const quick = { ...market, options: { ...market.options, solver: undefined } };
  for (const [name, kw] of needs) {
    const planned = name === 'sufficient' ? joint?.plan : undefined;
    plans.set(name, planned ?? (await counting(joint, kw, (ownKw) => planOf(name === 'low' ? quick : market, ownKw))));
  }
  const hours = (market.need.window.endMs - market.need.window.startMs) / 3_600_000;
  const drafts = needs.map(([name, kw]) => draftOf(name, kw, plans.get(name)!, relief, hours));
  const [low, sufficient, everything] = drafts as [PlanOption, PlanOption, PlanOption];
  const recommended = sufficient.sufficient ? 'sufficient' : 'everything';
  return {
    options: [
      { ...low, tradeOff: lowSays(low, sufficient) + lentSays(joint) },
      { ...sufficient, tradeOff: sufficientSays(sufficient, relief) },
      { ...everything, tradeOff: everythingSays(everything, sufficient, relief) },
    ],
    recommended,
    reason: reasonOf(low, sufficient, everything, relief) + jointSays(joint),
    plannedWith: joint?.plannedWith.map(({ eventId }) => eventId) ?? [],
    excluded: byReason(market),
    plans,
  };
}

/** A plan of what the others' relief leaves open. */
async function counting(
  joint: JointPart | undefined,
  needKw: number,
  plan: (ownKw: number) => Promise<Plan>,
): Promise<Plan> {
  const { relied = [], reliedKw = 0 } = joint?.plan ?? {};
  return { ...(await plan(Math.max(0, needKw - reliedKw))), relied, reliedKw };
}

function draftOf(name: OptionName, needKw: number, plan: Plan, relief: Relief, hours: number): PlanOption {
  return {
    name,
    needKw: Number.isFinite(needKw) ? needKw : null,
    askedKw: plan.askedKw,
    reliefKw: reliefOf(plan),
    costGbp: Math.round(plan.costGbpPerHour * hours * 100) / 100,
    risk: riskOf({ blocks: [...plan.blocks, ...plan.relied], expectedKw: reliefOf(plan) }, relief.belowLimitKw),
    sufficient: name === 'everything' ? reliefOf(plan) >= relief.requestedKw : plan.sufficient,
    method: plan.method,
    gap: plan.gap,
    orders: plan.orders.map(({ bppId, requestedKw }) => ({ bppId, kw: requestedKw })),
    tradeOff: '',
  };
}

/**
 * Chance that a plan delivers less than `neededKw`. Devices of `OPTION_UNIT_KW` each deliver all or nothing, one
 * independently of the other, with the reliability of their offer; their sum is taken as normal.
 */
export function riskOf(plan: Pick<Plan, 'blocks' | 'expectedKw'>, neededKw: number): number {
  const variance = plan.blocks.reduce((sum, { kw, expectedKw, reach }) => {
    const share = kw > 0 && reach > 0 ? Math.min(1, expectedKw / (kw * reach)) : 0;
    return sum + share * (1 - share) * OPTION_UNIT_KW * kw * reach * reach;
  }, 0);
  const missing = neededKw - plan.expectedKw;
  if (variance <= 0) return missing > 1e-9 ? 1 : 0;
  return Math.round(normalBelow(missing / Math.sqrt(variance)) * 1_000) / 1_000;
}

/** The standard normal distribution, by formula 26.2.17 of Abramowitz and Stegun: exact to seven digits. */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series.reduceRight((sum, c) => (sum + c) * t, 0);
  return z > 0 ? 1 - tail : tail;
}

const reliefOf = (plan: Plan) => Math.round((plan.expectedKw + plan.reliedKw) * 1_000) / 1_000;

const pounds = (gbp: number) => `£${gbp.toFixed(2)}`;
const percent = (share: number) => `${Math.round(share * 1_000) / 10} %`;
const kws = (kw: number) => `${Math.round(kw * 10) / 10} kW`;

function lowSays(low: PlanOption, sufficient: PlanOption): string {
  const saved = sufficient.costGbp - low.costGbp;
  return `Just below the limit, without reserve: ${pounds(Math.max(0, saved))} less than sufficient, ${percent(low.risk)} that it does not hold.`;
}

function sufficientSays(sufficient: PlanOption, { requestedKw }: Relief): string {
  if (sufficient.sufficient)
    return `Down to the release level: ${kws(requestedKw)} for ${pounds(sufficient.costGbp)}, ${percent(sufficient.risk)} that the limit does not hold.`;
  return `Not to be had: all offers together give ${kws(sufficient.reliefKw)} of ${kws(requestedKw)}.`;
}

function everythingSays(everything: PlanOption, sufficient: PlanOption, { requestedKw }: Relief): string {
  const over = everything.reliefKw - requestedKw;
  if (over < 0)
    return `All that is offered, ${kws(-over)} short of the release level; ${percent(everything.risk)} that the limit does not hold.`;
  return `${kws(over)} beyond the release level for ${pounds(everything.costGbp - sufficient.costGbp)} more, ${percent(everything.risk)} that the limit does not hold; nothing is left for another need.`;
}

const feeders = (named: readonly { readonly feederId: string }[]) => named.map(({ feederId }) => feederId).join(', ');

/** What low would take from the others. */
function lentSays(joint: JointPart | undefined): string {
  if (!joint || joint.lends.length === 0) return '';
  return ` Of sufficient ${feeders(joint.lends)} count on ${joint.lends.map(({ kw }) => kws(kw)).join(', ')}: what low leaves out is bought for them anew.`;
}

function jointSays(joint: JointPart | undefined): string {
  if (!joint) return '';
  const { plannedWith, plan, shared, shortBecause } = joint;
  return [
    ` Solved together with ${feeders(plannedWith)}: ${kws(shared.neededKw)} for all, £${shared.costGbp.toFixed(2)} in all, so one of them may pay more for another to have enough.`,
    ...(plan.reliedKw > 0 ? [`${kws(plan.reliedKw)} of its relief come from orders for them.`] : []),
    ...(shortBecause === undefined ? [] : [`It is short: ${shortBecause}.`]),
  ].join(' ');
}

function reasonOf(low: PlanOption, sufficient: PlanOption, everything: PlanOption, relief: Relief): string {
  if (sufficient.sufficient)
    return `Sufficient is the cheapest that reaches the release level; low would save ${pounds(Math.max(0, sufficient.costGbp - low.costGbp))} and hold the limit in ${percent(1 - low.risk)} of cases instead of ${percent(1 - sufficient.risk)}.`;
  if (everything.reliefKw <= 0) return 'Nothing that is offered may serve this need.';
  return `The offers that may serve give ${kws(everything.reliefKw)} of ${kws(relief.requestedKw)}: all of them are taken rather than none.`;
}

function byReason({ excluded }: Market): PlanOptions['excluded'] {
  const sums = new Map<ExclusionReason, { offers: number; kw: number }>();
  for (const { reason, availableKw } of excluded) {
    const sum = sums.get(reason) ?? { offers: 0, kw: 0 };
    sums.set(reason, { offers: sum.offers + 1, kw: sum.kw + Math.max(0, availableKw) });
  }
  return [...sums]
    .map(([reason, { offers, kw }]) => ({ reason, offers, kw: Math.round(kw * 1_000) / 1_000 }))
    .slice(0, PLAN_NAMED);
}
