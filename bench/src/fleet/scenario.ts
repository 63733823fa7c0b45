/** What the fleet bench runs on: one feeder with nearly all devices, and small ones before it that warm the services up. */

import { activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';
import type { Scenario, ScenarioFeeder } from '@flexder/sandbox/scenario/types.ts';

export interface FleetScenarioOptions {
  readonly seed: number;
  /** Devices of the feeder that is measured. */
  readonly ders: number;
  readonly bpps: number;
  readonly warmUpFeeders: number;
  /** Wall time, since nothing is stepped. */
  readonly startMs: number;
}

export interface FleetScenario {
  readonly scenario: Scenario;
  /** Of the feeders that warm up, in their turn. */
  readonly warmUp: readonly string[];
  readonly measured: string;
  /** Load of the other customers, as a share of the limit; null is the calm one. From the next reading on. */
  load(feederId: string, share: number | null): void;
}

export const WARM_UP_DERS = 500;
/** At night every battery may charge at once, beside the other customers: the limit holds then too. */
const CALM_SHARE = 0.5;
const KW_A_DEVICE = 12;
const LEAST_LIMIT_KW = 50;
/** All batteries: whoever is there can shed, so that one need takes every device. */
const MIX = { battery: 1, 'ev-charger': 0, 'heat-pump': 0 };

/** The same in every process that is given the same options. */
export function fleetScenario({ warmUpFeeders, ders, ...size }: FleetScenarioOptions): FleetScenario {
  const warmUp = Array.from({ length: warmUpFeeders }, (_, i) => `feeder-${i + 2}`);
  const total = ders + warmUpFeeders * WARM_UP_DERS;
  const { scenario: made } = activationBench({ ...size, ders: total, historyDays: 1, mix: MIX });
  const measured = made.feeders[0]!;
  const shares = new Map<string, number>();
  const feeder = (feederId: string, devices: number): ScenarioFeeder => {
    const limitKw = Math.max(LEAST_LIMIT_KW, devices * KW_A_DEVICE);
    return {
      ...measured,
      ...{ feederId, limitKw, name: feederId },
      base: () => limitKw * (shares.get(feederId) ?? CALM_SHARE),
      history: measured.history.map(({ atMs }) => ({ atMs, kw: limitKw * CALM_SHARE })),
    };
  };
  return {
    scenario: {
      ...made,
      name: 'fleet-bench',
      feeders: [feeder(measured.feederId, ders), ...warmUp.map((id) => feeder(id, WARM_UP_DERS))],
      ders: moved(made, warmUp),
      meterHistory: () => [],
    },
    warmUp,
    measured: measured.feederId,
    load(feederId, share) {
      if (share === null) shares.delete(feederId);
      else shares.set(feederId, share);
    },
  };
}

/** Of each aggregator the same number of devices goes to each feeder that warms up, and the rest stays. */
function moved({ ders, aggregators }: Scenario, warmUp: readonly string[]): Scenario['ders'] {
  const seen = new Map<string, number>();
  const each = Math.max(1, Math.floor(WARM_UP_DERS / aggregators.length));
  return ders.map((der) => {
    const index = seen.get(der.aggregatorId) ?? 0;
    seen.set(der.aggregatorId, index + 1);
    return { ...der, feederId: warmUp[Math.floor(index / each)] ?? der.feederId };
  });
}
