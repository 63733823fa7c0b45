import type { PortfolioMix } from '@flexder/der-simulators/portfolio/manifest.ts';
import type { ScenarioAggregator } from './types.ts';

export interface ScenarioPortfolio {
  readonly aggregator: ScenarioAggregator;
  readonly mix: PortfolioMix;
}

const NAMES = ['Northgate Flex', 'Southbank Charge', 'Westmoor Energy', 'Easton Home Power'];
/** Of one sandbox. */
export const MAX_AGGREGATORS = 32;

/**
 * Aggregators with different portfolios and prices. The first has more batteries and stands by its offers; the second has
 * more chargers, is cheaper where they compete, and is firm on 80 % of what it offered, so a plan that relies on it is
 * made again. Further ones lie between the two. Batteries are the cheapest of each: they shed without a rebound in the
 * same evening.
 */
export function scenarioAggregators(count: number): ScenarioPortfolio[] {
  if (!Number.isInteger(count) || count < 0 || count > MAX_AGGREGATORS) {
    throw new RangeError(`bpps must be a whole number from 0 to ${MAX_AGGREGATORS}, not ${count}`);
  }
  return Array.from({ length: count }, (_, i) => {
    const charging = i % 2 === 1;
    const dearer = Math.floor(i / 2) * 0.01;
    const price = (gbp: number) => Number((gbp + dearer).toFixed(2));
    return {
      mix: charging
        ? { battery: 0.4, 'ev-charger': 0.4, 'heat-pump': 0.2 }
        : { battery: 0.55, 'ev-charger': 0.2, 'heat-pump': 0.25 },
      aggregator: {
        subscriberId: `aggregator-${i + 1}`,
        name: NAMES[i] ?? `Aggregator ${i + 1}`,
        providerId: `provider-${i + 1}`,
        priceGbpPerKwh: charging
          ? { battery: price(0.34), 'ev-charger': price(0.46), 'heat-pump': price(0.43) }
          : { battery: price(0.36), 'ev-charger': price(0.49), 'heat-pump': price(0.41) },
        quoteShare: charging ? 0.8 : 1,
        reliability: charging ? 0.86 : 0.94,
        eventsCompleted: charging ? 23 : 41,
        maxEventsPerDay: 4,
      },
    };
  });
}
