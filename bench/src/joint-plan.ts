/** How long a plan of several coupled needs takes, and how far it is from the cheapest. */

import { planTogether } from '@flexder/bap-dso/flex-orchestration/planning/joint.ts';
import type { JointNeed } from '@flexder/bap-dso/flex-orchestration/planning/joint-columns.ts';
import { marketOf, reliabilityDerate } from '@flexder/bap-dso/flex-orchestration/planning/plan.ts';
import { type CoverSolver, createSolver } from '@flexder/bap-dso/flex-orchestration/planning/solver.ts';
import { PLAN_SOLVE_MS } from '@flexder/bap-dso/limits.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { counted, needOf, PARTIES, PATIENT_MS, percent, START_MS, unlikeOffers } from './plan.ts';
import { roundedPercentiles } from './report.ts';

export interface JointPlanBenchOptions {
  readonly needs: readonly number[];
  readonly offers: readonly number[];
  /** Plans of each size. */
  readonly rounds: number;
  readonly seed: number;
}

/** Of what is felt at a feeder. */
const NEED_SHARE = 0.2;
/** What of an offer at one feeder is felt at the next. */
const NEXT_REACH = 0.5;
/** Of what the needs ask of an aggregator on average: some of them are at their limit. */
const LIMIT_TIMES = 1.5;

/** Feeders in a row, each of which feels half of what is offered at the one before. */
export async function benchJointPlan(
  { needs, offers, rounds, seed }: JointPlanBenchOptions,
  say: (line: string) => void,
): Promise<object> {
  const wall = systemWallClock();
  const solver = createSolver({ wall, log: createLogger('bench', 'error') });
  try {
    const results = [];
    for (const count of offers) {
      for (const feeders of needs) {
        results.push(await ofSize(feeders, count, rounds, seed, solver, wall.monotonicMs));
        say(`${feeders} needs, ${count} offers: ${JSON.stringify(results.at(-1))}`);
      }
    }
    return { bench: 'joint-plan', rounds, aggregators: PARTIES, solveMs: PLAN_SOLVE_MS, results };
  } finally {
    await solver.close();
  }
}

async function ofSize(
  feeders: number,
  count: number,
  rounds: number,
  seed: number,
  solver: CoverSolver,
  nowMs: () => number,
) {
  const ways: Record<string, { solver?: CoverSolver; solveMs?: number }> = {
    withoutSolver: {},
    asConfigured: { solver, solveMs: PLAN_SOLVE_MS },
    patient: { solver, solveMs: PATIENT_MS },
  };
  const taken: Record<string, { ms: number[]; costs: number[]; gaps: number[]; methods: string[] }> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [way, options] of Object.entries(ways)) {
      const begunMs = nowMs();
      const parts = await planTogether(marketplace(feeders, count, `${seed}-${round}`), options);
      taken[way] ??= { ms: [], costs: [], gaps: [], methods: [] };
      const of = taken[way];
      of.ms.push(nowMs() - begunMs);
      of.costs.push(parts[0]!.shared.costGbp);
      of.gaps.push(parts[0]!.shared.gap);
      of.methods.push(parts[0]!.shared.method);
    }
  }
  const figures = Object.entries(taken).map(([way, { ms, costs, gaps, methods }]) => [
    way,
    {
      ms: roundedPercentiles(ms),
      methods: counted(methods),
      gapToldPercent: percent(Math.max(...gaps)),
      abovePatientPercent: percent(Math.max(...costs.map((cost, i) => cost / taken.patient!.costs[i]! - 1))),
    },
  ]);
  return { needs: feeders, offers: count, ...Object.fromEntries(figures) };
}

function marketplace(feeders: number, count: number, seed: string): JointNeed[] {
  const offers = unlikeOffers(count, seed, (i) => `feeder-${i % feeders}`);
  const reach = (place: string, feeder: number) =>
    place === `feeder-${feeder}` ? 1 : place === `feeder-${(feeder + feeders - 1) % feeders}` ? NEXT_REACH : 0;
  const offeredKw = offers.reduce((sum, offer) => sum + offer.availableKw * offer.reliability, 0);
  const needKw = Math.round((NEED_SHARE * offeredKw) / feeders);
  const partyMaxKw = Math.round((LIMIT_TIMES * NEED_SHARE * offeredKw) / PARTIES);
  return Array.from({ length: feeders }, (_, feeder): JointNeed => {
    const market = marketOf(needOf(`feeder-${feeder}`, needKw), offers, {
      ...{ derate: reliabilityDerate, nowMs: START_MS, unresponsive: new Set<string>(), declined: new Set<string>() },
      reach: (offer) => reach(offer.feederId, feeder),
      partyMaxKw,
    });
    return { market, needKw, lends: true, essentialKw: 0, severity: 0.01 };
  });
}
