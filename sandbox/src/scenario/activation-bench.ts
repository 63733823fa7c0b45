import { counterfactual } from '@flexder/der-simulators/counterfactual.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { meterRows, simulateHistory } from '@flexder/der-simulators/portfolio/history.ts';
import { makeFleet, type PortfolioMix } from '@flexder/der-simulators/portfolio/manifest.ts';
import { scenarioAggregators } from './aggregators.ts';
import type { Scenario, ScenarioOptions } from './types.ts';

export interface ActivationBench {
  readonly scenario: Scenario;
  /** Lifts the base load so that the feeder crosses its limit at the next reading; `shareOfLimit` is the crossing, default 1.05. */
  push(shareOfLimit?: number): void;
  /** Lowers it again, well below the level at which relief is released. */
  relax(): void;
}

export interface ActivationBenchOptions extends ScenarioOptions {
  /** Shares of the device types; default four batteries to each heat pump. */
  readonly mix?: PortfolioMix;
}

/** A mid-morning of January, unless another start is given. */
const START_MS = Date.parse('2026-01-14T09:00:00Z');
const DAY_MS = 86_400_000;
const FEEDER_ID = 'feeder-1';
const CALM_SHARE = 0.75;
const DEFAULT_DERS = 300;
const DEFAULT_HISTORY_DAYS = 14;
/** Batteries large enough that hundreds of activations in a row find them charged; nothing else is unlike a home's. */
const BENCH_CAPACITY_KWH = 400;

function enduring(der: DerManifest): DerManifest {
  const { params } = der;
  return params.kind === 'battery' ? { ...der, params: { ...params, capacityKwh: BENCH_CAPACITY_KWH } } : der;
}

/**
 * One feeder whose load is raised over its limit and lowered again at will, with devices that all answer at once: for
 * figures over many activations. Behaviours are all normal unless given.
 */
export function activationBench(options: ActivationBenchOptions = {}): ActivationBench {
  const seed = options.seed ?? 1;
  const startMs = options.startMs ?? START_MS;
  const portfolios = scenarioAggregators(options.bpps ?? 2);
  const size = portfolios.length === 0 ? 0 : (options.ders ?? DEFAULT_DERS);
  const limitKw = Math.max(50, Math.round((size || DEFAULT_DERS) * 4));
  const ders = makeFleet({
    seed,
    ders: size,
    feeders: [FEEDER_ID],
    aggregators: portfolios.map(({ aggregator }) => ({
      id: aggregator.subscriberId,
      mix: options.mix ?? { battery: 0.8, 'ev-charger': 0, 'heat-pump': 0.2 },
    })),
    atMs: startMs,
    behaviours: options.behaviours ?? {},
    essentialShare: 0,
    lapsedConsentShare: 0,
  }).map(enduring);
  let level = CALM_SHARE;
  const base = () => limitKw * level;
  const endMs = startMs + DAY_MS;
  const days = options.historyDays ?? DEFAULT_HISTORY_DAYS;
  const history = simulateHistory({ seed, ders, untilMs: startMs, days });
  const scenario: Scenario = {
    name: 'activation-bench',
    seed,
    startMs,
    endMs,
    stepMs: 60_000,
    feeders: [
      {
        feederId: FEEDER_ID,
        name: 'Bench feeder',
        limitKw,
        role: 'bench',
        base,
        history: history.halfHours.map((half) => ({ atMs: half.startMs, kw: limitKw * CALM_SHARE })),
      },
    ],
    aggregators: portfolios.map(({ aggregator }) => ({
      ...aggregator,
      quoteShare: 1,
      // One event takes at least half an hour, so a day holds 48: the bench activates the same devices all day.
      maxEventsPerDay: 48,
    })),
    ders,
    undispatched: () =>
      counterfactual({
        seed,
        ders,
        feeders: [{ feederId: FEEDER_ID, base }],
        startMs,
        endMs,
        stepMs: 1_800_000,
      }),
    meterHistory: () => meterRows(history),
  };
  return {
    scenario,
    push(shareOfLimit = 1.05) {
      level = shareOfLimit;
    },
    relax() {
      level = CALM_SHARE;
    },
  };
}
