/** What the world outside looked like, in the record: with an event when it opens, and with each plan what power costs. */
import type { EventContext, Known, Price } from '../../open-data/event-context.ts';
import { TEXT_SHOWN } from '../../open-data/limits.ts';
import type { Desk, Work } from '../desk.ts';
import type { OpenEvent } from './event.ts';

const NO_PLACE = { postcodes: [], operatingZone: null, constraintIds: [] };

/** Kept beside the event for the operator, and in the record with the sources. Nothing while open data are off. */
export async function recordContext(desk: Desk, work: Work, event: OpenEvent): Promise<void> {
  if (!desk.openData) return;
  const feeder = desk.config.network?.feeders.get(event.feederId);
  const context = desk.openData.eventContext(feeder?.place ?? NO_PLACE);
  await work.db
    .insertInto('overload_context')
    .values({ event_id: event.eventId, context: JSON.stringify(context) })
    .execute();
  await work.audit({
    event_type: 'event.context',
    event_id: event.eventId,
    feeder_id: event.feederId,
    rule_inputs: { ...inputsOf(context), ...costInputs(context) },
    data_sources: context.sources,
    decision: sentenceOf(context),
  });
}

/** What a plan's price is to be seen against; nothing while open data are off. */
export function planCosts(desk: Desk) {
  if (!desk.openData) return undefined;
  const { sources, ...costs } = desk.openData.costContext();
  return { inputs: costInputs(costs), sources };
}

function inputsOf({ faults, constraints, carbon }: EventContext) {
  return {
    faults_open: faults.value?.total ?? null,
    faults_near: faults.value?.near.length ?? null,
    faults_quality: faults.quality,
    faults_age_s: seconds(faults),
    constraints_read: constraints.value?.total ?? null,
    constraints_breached: constraints.value?.breached.length ?? null,
    constraints_quality: constraints.quality,
    constraints_age_s: seconds(constraints),
    carbon_gco2_per_kwh: carbon.value?.gco2PerKwh ?? null,
    carbon_quality: carbon.quality,
    carbon_age_s: seconds(carbon),
  };
}

function costInputs({ systemPrice, marketIndex }: Pick<EventContext, 'systemPrice' | 'marketIndex'>) {
  return { ...priceInputs('system_price', systemPrice), ...priceInputs('market_index', marketIndex) };
}

function priceInputs(name: string, price: Known<Price>) {
  return {
    [`${name}_gbp_per_mwh`]: price.value?.gbpPerMwh ?? null,
    [`${name}_from`]: price.value?.from ?? null,
    [`${name}_quality`]: price.quality,
    [`${name}_age_s`]: seconds(price),
  };
}

function seconds({ ageMs }: Known<unknown>): number | null {
  return ageMs === null ? null : Math.round(ageMs / 1_000);
}

function sentenceOf({ faults, constraints }: EventContext): string {
  const near = faults.value?.near.map((fault) => `${fault.type ?? 'fault'} ${fault.reference}`) ?? [];
  const breached = constraints.value?.breached.map((one) => one.constraintId) ?? [];
  const told = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', ').slice(0, TEXT_SHOWN));
  const of = (part: Known<unknown>) => (part.quality === 'fresh' ? '' : ` (${part.quality})`);
  return `faults near: ${told(near)}${of(faults)}; constraints breached: ${told(breached)}${of(constraints)}`;
}
