/** Feeders that are pushed over their limits once each, and two aggregators with a few devices of every temper behind them. */
import type { FeederModel } from '@flexder/der-simulators/feeder.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { makeFleet } from '@flexder/der-simulators/portfolio/manifest.ts';
import type { Random } from '@flexder/runtime/random.ts';
import { scenarioAggregators } from '@flexder/sandbox/scenario/aggregators.ts';
import type { ScenarioAggregator } from '@flexder/sandbox/scenario/types.ts';

export const START_MS = Date.parse('2026-01-14T09:26:00Z');
const MINUTE_MS = 60_000;
const LIMIT_KW = 50;
const CALM_SHARE = 0.75;
const DERS_EACH = 3;
const AGGREGATORS = 2;

export interface SimFeeder extends FeederModel {
  readonly limitKw: number;
}

export interface SimScenario {
  readonly feeders: readonly SimFeeder[];
  readonly aggregators: readonly ScenarioAggregator[];
  readonly ders: readonly DerManifest[];
}

/** One overload a feeder, each answered by an order or more: `orders` is what an undisturbed network buys. */
export function scenarioOf(seed: number, orders: number, random: Random): SimScenario {
  const portfolios = scenarioAggregators(AGGREGATORS);
  const feeders = Array.from({ length: Math.ceil(orders / AGGREGATORS) }, (_, index): SimFeeder => {
    const fromMs = START_MS + random.integer(2 * MINUTE_MS, 5 * MINUTE_MS);
    const untilMs = fromMs + random.integer(MINUTE_MS, 20 * MINUTE_MS);
    const height = random.between(1.02, 1.12);
    const base = (atMs: number) => LIMIT_KW * (atMs >= fromMs && atMs < untilMs ? height : CALM_SHARE);
    return { feederId: `feeder-${index + 1}`, limitKw: LIMIT_KW, base };
  });
  const tempers = random.chance(0.5) ? { silent: 0.1, refusing: 0.1, slow: 0.1, late: 0.1, dropout: 0.1 } : {};
  const ders = makeFleet({
    seed,
    ders: feeders.length * AGGREGATORS * DERS_EACH,
    feeders: feeders.map(({ feederId }) => feederId),
    aggregators: portfolios.map(({ aggregator, mix }) => ({ id: aggregator.subscriberId, mix })),
    atMs: START_MS,
    behaviours: tempers,
    essentialShare: 0,
    lapsedConsentShare: 0,
  });
  return { feeders, ders, aggregators: portfolios.map(({ aggregator }) => aggregator) };
}
