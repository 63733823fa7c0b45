import { type Random, seededRandom } from '@flexder/runtime/random.ts';
import { MAX_FLEET } from '../limits.ts';
import { type Behaviour, DAY_MS, type DerManifest, type DerType } from '../model.ts';
import { PARAMS_OF } from './manifest-params.ts';
import { pseudonymousMsid } from './msid.ts';

/** Shares of the device types in an aggregator's portfolio; they need not add up to 1. */
export type PortfolioMix = Readonly<Record<DerType, number>>;

export interface FleetPlan {
  readonly seed: string | number;
  readonly ders: number;
  readonly feeders: readonly string[];
  readonly aggregators: readonly { readonly id: string; readonly mix: PortfolioMix }[];
  /** Grid instant around which consents are valid, or have run out. */
  readonly atMs: number;
  /** Share of each behaviour among the devices of a feeder; the rest is normal. */
  readonly behaviours?: Partial<Record<Behaviour, number>>;
  readonly essentialShare?: number;
  readonly lapsedConsentShare?: number;
}

export const DEFAULT_BEHAVIOURS: Partial<Record<Behaviour, number>> = {
  silent: 0.05,
  weak: 0.03,
  refusing: 0.05,
  'opted-out': 0.05,
  slow: 0.03,
  offline: 0.03,
  dropout: 0.01,
  late: 0.01,
};
export const DEFAULT_ESSENTIAL_SHARE = 0.02;
export const DEFAULT_LAPSED_CONSENT_SHARE = 0.02;

const TYPES: readonly DerType[] = ['battery', 'ev-charger', 'heat-pump'];
const BEHAVIOUR_ORDER: readonly Behaviour[] = [
  'silent',
  'weak',
  'refusing',
  'opted-out',
  'slow',
  'offline',
  'dropout',
  'late',
];

/** Whole numbers in the proportion of `weights` that add up to `total` (largest remainder, ties to the first). */
export function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  if (sum <= 0) throw new RangeError('apportion: the weights add up to nothing');
  const exact = weights.map((weight) => (total * weight) / sum);
  const counts = exact.map(Math.floor);
  const left = total - counts.reduce((all, count) => all + count, 0);
  const order = exact.map((value, i) => ({ i, rest: value - Math.floor(value) }));
  order.sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of order.slice(0, left)) counts[i] = (counts[i] ?? 0) + 1;
  return counts;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, rank: random.next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

interface Slot {
  readonly serial: number;
  readonly feederId: string;
  readonly aggregatorId: string;
  readonly type: DerType;
}

/** The devices of every feeder, shared out between the aggregators and then the types of each one's mix. */
function slotsOf(plan: FleetPlan): Slot[] {
  const slots: Slot[] = [];
  apportion(
    plan.ders,
    plan.feeders.map(() => 1),
  ).forEach((onFeeder, f) => {
    apportion(
      onFeeder,
      plan.aggregators.map(() => 1),
    ).forEach((ofAggregator, a) => {
      const { id, mix } = plan.aggregators[a]!;
      apportion(
        ofAggregator,
        TYPES.map((type) => mix[type]),
      ).forEach((count, t) => {
        for (let i = 0; i < count; i++) {
          slots.push({ serial: slots.length + 1, feederId: plan.feeders[f]!, aggregatorId: id, type: TYPES[t]! });
        }
      });
    });
  });
  return slots;
}

/**
 * Behaviours dealt over the device types in turn, so that every kind of block has its share of them whatever the seed;
 * the seed says which devices they are.
 */
function dealBehaviours(plan: FleetPlan, slots: readonly Slot[]): Map<number, Behaviour> {
  const shares = plan.behaviours ?? DEFAULT_BEHAVIOURS;
  const dealt = new Map<number, Behaviour>();
  for (const feederId of plan.feeders) {
    const here = slots.filter((slot) => slot.feederId === feederId);
    const random = seededRandom(`${plan.seed}/behaviours/${feederId}`);
    const piles = TYPES.map((type) =>
      shuffled(
        here.filter((slot) => slot.type === type),
        random,
      ),
    );
    for (const behaviour of BEHAVIOUR_ORDER) {
      const count = Math.round(here.length * (shares[behaviour] ?? 0));
      for (let i = 0; i < count; i++) {
        const pile = [i % TYPES.length, 0, 1, 2].map((p) => piles[p]!).find((candidate) => candidate.length > 0);
        const slot = pile?.pop();
        if (slot) dealt.set(slot.serial, behaviour);
      }
    }
  }
  return dealt;
}

function consentOf(random: Random, lapsed: boolean, atMs: number): DerManifest['consent'] {
  const validFromMs = atMs - random.integer(60, 300) * DAY_MS;
  return { validFromMs, validUntilMs: lapsed ? atMs - random.integer(2, 20) * DAY_MS : validFromMs + 730 * DAY_MS };
}

/** A portfolio from a seed: the same plan gives the same devices. Throws a RangeError that names what is wrong with the plan. */
export function makeFleet(plan: FleetPlan): DerManifest[] {
  if (!Number.isInteger(plan.ders) || plan.ders < 0 || plan.ders > MAX_FLEET) {
    throw new RangeError(`ders must be a whole number from 0 to ${MAX_FLEET}, not ${plan.ders}`);
  }
  if (plan.ders === 0) return [];
  if (plan.feeders.length === 0) throw new RangeError('a fleet needs at least one feeder');
  if (plan.aggregators.length === 0) throw new RangeError('a fleet needs at least one aggregator');
  const slots = slotsOf(plan);
  const behaviours = dealBehaviours(plan, slots);
  return slots.map((slot): DerManifest => {
    const derId = `der-${String(slot.serial).padStart(5, '0')}`;
    const random = seededRandom(`${plan.seed}/${derId}/manifest`);
    const params = PARAMS_OF[slot.type](random.fork('params'));
    const fate = random.next();
    const essentialShare = plan.essentialShare ?? DEFAULT_ESSENTIAL_SHARE;
    const essential = fate < essentialShare;
    const lapsed = !essential && fate < essentialShare + (plan.lapsedConsentShare ?? DEFAULT_LAPSED_CONSENT_SHARE);
    return {
      derId,
      aggregatorId: slot.aggregatorId,
      feederId: slot.feederId,
      type: slot.type,
      params,
      behaviour: behaviours.get(slot.serial) ?? 'normal',
      importMsid: pseudonymousMsid(slot.serial * 2),
      exportMsid: slot.type === 'battery' ? pseudonymousMsid(slot.serial * 2 + 1) : null,
      ratedKw: params.kind === 'battery' ? params.maxImportKw : params.ratedKw,
      essential,
      consent: consentOf(random.fork('consent'), lapsed, plan.atMs),
    };
  });
}
