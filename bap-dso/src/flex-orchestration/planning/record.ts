/** A plan in the record: what was chosen, what was left out and why. */
import { recordable } from '@flexder/runtime/participant/facts.ts';
import { PLAN_NAMED, PLAN_NAMED_TEXT, RULE_INPUT_TEXT } from '../../limits.ts';
import { CHEAPEST_SUFFICIENT } from '../../rules.ts';
import type { Desk, Work } from '../desk.ts';
import type { NotOffered } from '../discovery/gather.ts';
import { toldText } from '../discovery/told-left-out.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { planCosts } from '../events/outside.ts';
import { blockKey } from './eligibility.ts';
import type { JointPart } from './joint.ts';
import type { Plan } from './plan.ts';

export async function recordPlan(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  plan: Plan,
  needKw: number,
  purchase: Purchase,
  { leftOut, silent }: NotOffered,
  joint?: JointPart,
): Promise<void> {
  const costs = planCosts(desk);
  const chosen = plan.blocks.map(
    ({ offer, kw, reach }) =>
      `${blockKey(offer)} ${kw} kW at ${offer.priceGbpPerKwh} GBP/kWh${reach < 1 ? `, of which ${percent(reach)} reach ${event.feederId}` : ''}`,
  );
  const excluded = plan.excluded.map(
    ({ bppId, itemId, availableKw, reason }) => `${bppId}/${itemId} ${availableKw} kW: ${reason}`,
  );
  const limited = plan.limited.map(
    ({ bppId, leftKw }) => `${bppId}: ${leftKw} of ${desk.config.maxBppKw} kW, the rest is committed`,
  );
  const told = named(leftOut.map((one) => toldText(one, event.feederId)));
  const without = silent.map((bppId) => `${bppId}: no catalogue in time`);
  await work.audit({
    event_type: 'plan.chosen',
    event_id: event.eventId,
    feeder_id: event.feederId,
    intervention_class: event.interventionClass,
    ...(purchase.transactionId ? { transaction_id: purchase.transactionId } : {}),
    rule_id: CHEAPEST_SUFFICIENT.id,
    rule_version: CHEAPEST_SUFFICIENT.version,
    rule_inputs: {
      requested_kw: Math.round(needKw * 1_000) / 1_000,
      eligible_blocks: plan.eligible,
      expected_kw: plan.expectedKw,
      cost_gbp_per_hour: plan.costGbpPerHour,
      sufficient: plan.sufficient,
      method: plan.method,
      gap: plan.gap,
      max_price_gbp_per_kwh: desk.config.maxPriceGbpPerKwh,
      min_reliability: desk.config.minReliability,
      round: purchase.replans,
      ...(desk.config.maxBppKw === undefined ? {} : { party_max_kw: desk.config.maxBppKw }),
      ...(joint ? sharedInputs(joint, plan) : {}),
      ...(leftOut.length > 0 && { left_out_by_aggregators: recordable(told, RULE_INPUT_TEXT) }),
      ...costs?.inputs,
    },
    ...(costs ? { data_sources: costs.sources } : {}),
    requested_kw: plan.askedKw,
    decision: decisionText([
      `chosen: ${named(chosen)}`,
      `excluded: ${named([...excluded, ...without])}`,
      ...(limited.length > 0 ? [`limited: ${named(limited)}`] : []),
      ...(joint ? [jointText(joint, plan)] : []),
    ]),
  });
}

/** A record has room for some dozens of offers. What was chosen has orders of its own; what was not is with the decision, by reason. */
const decisionText = (parts: readonly string[]): string => recordable(parts.join('; '), RULE_INPUT_TEXT);

function sharedInputs({ plannedWith, shared }: JointPart, { reliedKw }: Plan) {
  return {
    planned_with: plannedWith.map(({ eventId }) => eventId).join(' '),
    joint_needed_kw: shared.neededKw,
    joint_asked_kw: shared.askedKw,
    joint_cost_gbp: shared.costGbp,
    joint_method: shared.method,
    joint_gap: shared.gap,
    relied_kw: reliedKw,
  };
}

/** Which orders of which event it counts on, and why it is short. */
function jointText({ plannedWith, lends, shortBecause }: JointPart, { relied }: Plan): string {
  const counted = relied.map(
    ({ eventId, offer, expectedKw }) => `${expectedKw} kW of ${blockKey(offer)} for ${eventId}`,
  );
  const lent = lends.map(({ eventId, kw }) => `${kw} kW to ${eventId}`);
  return [
    `planned with: ${named(plannedWith.map(({ eventId, feederId }) => `${eventId} on ${feederId}`))}`,
    ...(counted.length > 0 ? [`counts on: ${named(counted)}`] : []),
    ...(lent.length > 0 ? [`gives: ${named(lent)}`] : []),
    ...(shortBecause === undefined ? [] : [`short: ${shortBecause}`]),
  ].join('; ');
}

/** As many of them as have room, and how many more there are. */
function named(parts: readonly string[]): string {
  if (parts.length === 0) return 'none';
  let shown = parts.slice(0, PLAN_NAMED);
  while (shown.length > 1 && shown.join(', ').length > PLAN_NAMED_TEXT) shown = shown.slice(0, -1);
  const more = parts.length - shown.length;
  return shown.join(', ') + (more > 0 ? `, and ${more} more` : '');
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
