/** How long a plan takes, and how far it is from the cheapest, with more and more offers. */

import {
  type Market,
  marketOf,
  type Plan,
  planOf,
  reliabilityDerate,
} from '@flexder/bap-dso/flex-orchestration/planning/plan.ts';
import { type CoverSolver, createSolver } from '@flexder/bap-dso/flex-orchestration/planning/solver.ts';
import { PLAN_SOLVE_MS } from '@flexder/bap-dso/limits.ts';
import type { EventId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexNeed, FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { seededRandom } from '@flexder/runtime/random.ts';
import { roundedPercentiles } from './report.ts';

export interface PlanBenchOptions {
  readonly sizes: readonly number[];
  /** Plans of each size. */
  readonly rounds: number;
  readonly seed: number;
}

export const START_MS = Date.parse('2026-01-15T17:00:00Z');
const HOUR_MS = 3_600_000;
/** Of all that is offered. */
const NEED_SHARE = 0.3;
/** A wait that nobody would have, to know how cheap it could be. */
export const PATIENT_MS = 30_000;
export const PARTIES = 20;

/** Three ways to the same needs: without a solver, with it in the time a service gives it, and with all the time it wants. */
export async function benchPlan(
  { sizes, rounds, seed }: PlanBenchOptions,
  say: (line: string) => void,
): Promise<object> {
  const wall = systemWallClock();
  const solver = createSolver({ wall, log: createLogger('bench', 'error') });
  try {
    const results = [];
    for (const offers of sizes) {
      results.push(await ofSize(offers, rounds, seed, solver, wall.monotonicMs));
      say(`${offers} offers: ${JSON.stringify(results.at(-1))}`);
    }
    return {
      bench: 'plan',
      rounds,
      needShareOfOffers: NEED_SHARE,
      aggregators: PARTIES,
      solveMs: PLAN_SOLVE_MS,
      results,
    };
  } finally {
    await solver.close();
  }
}

async function ofSize(count: number, rounds: number, seed: number, solver: CoverSolver, nowMs: () => number) {
  const ways: Record<string, { solver?: CoverSolver; solveMs?: number }> = {
    withoutSolver: {},
    asConfigured: { solver, solveMs: PLAN_SOLVE_MS },
    patient: { solver, solveMs: PATIENT_MS },
  };
  const taken: Record<string, { ms: number[]; plans: Plan[] }> = {};
  for (let round = 0; round < rounds; round++) {
    const { need, offers } = marketplace(count, `${seed}-${round}`);
    for (const [way, options] of Object.entries(ways)) {
      const begunMs = nowMs();
      const market: Market = marketOf(need, offers, {
        ...{ derate: reliabilityDerate, nowMs: START_MS, unresponsive: new Set<string>(), declined: new Set<string>() },
        ...options,
      });
      const plan = await planOf(market, need.requestedKw);
      taken[way] ??= { ms: [], plans: [] };
      taken[way].ms.push(nowMs() - begunMs);
      taken[way].plans.push(plan);
    }
  }
  const cheapest = taken.patient!.plans.map(({ costGbpPerHour }) => costGbpPerHour);
  const figures = Object.entries(taken).map(([way, { ms, plans }]) => [
    way,
    {
      ms: roundedPercentiles(ms),
      methods: counted(plans.map(({ method }) => method)),
      /** What a plan says of itself, at most. */
      gapToldPercent: percent(Math.max(...plans.map(({ gap }) => gap))),
      /** Against the best that was found in all the time it wanted. */
      abovePatientPercent: percent(
        Math.max(...plans.map(({ costGbpPerHour }, i) => costGbpPerHour / cheapest[i]! - 1)),
      ),
    },
  ]);
  return { offers: count, ...Object.fromEntries(figures) };
}

export const percent = (share: number) => Math.round(share * 100_000) / 1_000;

export function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Offers unlike each other in price, size, step, minimum and reliability, of twenty aggregators. */
function marketplace(count: number, seed: string): { need: FlexNeed; offers: FlexOffer[] } {
  const offers = unlikeOffers(count, seed, () => 'feeder-1');
  const offeredKw = offers.reduce((sum, offer) => sum + offer.availableKw * offer.reliability, 0);
  return { need: needOf('feeder-1', Math.round(NEED_SHARE * offeredKw)), offers };
}

export function unlikeOffers(count: number, seed: string, placeOf: (i: number) => string): FlexOffer[] {
  const random = seededRandom(seed);
  const between = (low: number, high: number) => low + random.next() * (high - low);
  return Array.from({ length: count }, (_, i): FlexOffer => {
    const stepKw = [0.5, 1, 3, 7][i % 4]!;
    const steps = Math.round(between(2, 40));
    return {
      bppId: `aggregator-${i % PARTIES}` as SubscriberId,
      providerId: `provider-${i % PARTIES}`,
      itemId: `block-${i}`,
      fulfillmentId: `window.${placeOf(i)}`,
      feederId: placeOf(i) as FeederId,
      direction: 'TURN_DOWN',
      deviceType: 'battery',
      ...{ stepKw, availableKw: stepKw * steps, minimumKw: i % 3 === 0 ? stepKw * Math.ceil(steps / 2) : stepKw },
      priceGbpPerKwh: Math.round(between(0.1, 0.9) * 1e5) / 1e5,
      ...{ responseSeconds: 5, minimumNoticeSeconds: 0, maxDurationSeconds: 14_400, maxEventsPerDay: 4 },
      ...{ rampKwPerMinute: 100, baselineMethod: 'mean-5-minutes-before', baselineKw: 40, eventsCompleted: 12 },
      reliability: Math.round(between(0.6, 1) * 1_000) / 1_000,
      availability: { startMs: START_MS, endMs: START_MS + 3 * HOUR_MS },
    };
  });
}

export function needOf(feederId: string, requestedKw: number): FlexNeed {
  const window = { startMs: START_MS + 60_000, endMs: START_MS + 60_000 + HOUR_MS };
  return {
    ...{ eventId: `event-${feederId}` as EventId, feederId: feederId as FeederId, direction: 'TURN_DOWN' },
    ...{ requestedKw, window, maxPriceGbpPerKwh: 1, minReliability: 0.5, maxResponseSeconds: 300 },
    interventionClass: 'INCENTIVE',
  };
}
