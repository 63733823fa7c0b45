import { counterfactual, type FeederSeries, withBase } from '@flexder/der-simulators/counterfactual.ts';
import { feederNoiseKw } from '@flexder/der-simulators/feeder.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { londonMidnight } from '@flexder/der-simulators/portfolio/half-hour.ts';
import {
  devicesKwByFeeder,
  type FleetHistory,
  meterRows,
  simulateHistory,
} from '@flexder/der-simulators/portfolio/history.ts';
import { makeFleet } from '@flexder/der-simulators/portfolio/manifest.ts';
import { seededRandom } from '@flexder/runtime/random.ts';
import { scenarioAggregators } from './aggregators.ts';
import type { Scenario, ScenarioFeeder, ScenarioOptions } from './types.ts';
import { weybridgeShape } from './weybridge-profile.ts';

const START_MS = Date.parse('2026-01-15T15:30:00Z');
/** The overload that grows is there by then, and the sudden one minutes away. */
export const OVERLOADS_DUE_MS = Date.parse('2026-01-15T17:00:00Z');
const END_MS = Date.parse('2026-01-15T20:30:00Z');
const STEP_MS = 60_000;
const DAY_MS = 86_400_000;
/** A feeder of this rating goes with this many devices of ours; other portfolio sizes scale it. */
const LIMIT_KW = 1_200;
const DEVICES_PER_FEEDER = 110;
const MIN_DEVICES_PER_FEEDER = 6;
const MAX_FEEDERS = 100;
const DEFAULT_HISTORY_DAYS = 28;
/** Days of device meters an aggregator brings: ten working days and four others lie in them. */
const METER_HISTORY_DAYS = 16;

/** Undispatched evening peaks as shares of the limit; what the story needs, whatever the seed. */
const FORECAST_PEAK = 1.07;
const BEFORE_STEP_PEAK = 0.9;
const STEP_PEAK = 1.06;
const QUIET_PEAK = 0.85;
/** Load of the days before, against that of the cold day. */
const MILD_SHARE = 0.84;
/** A neighbouring ring is fed from feeder 2 between these, after a switching action. */
const TRANSFER_FROM_MS = Date.parse('2026-01-15T17:20:00Z');
const TRANSFER_UNTIL_MS = Date.parse('2026-01-15T18:10:00Z');

interface Sketch {
  readonly feederId: string;
  readonly name: string;
  readonly role: ScenarioFeeder['role'];
  readonly limitKw: number;
}

const NAMES = ['Heath Road', 'Station Approach', 'Mill Lane'];
const ROLES: readonly ScenarioFeeder['role'][] = ['forecast-overload', 'measured-overload', 'quiet'];

function sketches(feeders: number, ders: number): Sketch[] {
  if (!Number.isInteger(feeders) || feeders < ROLES.length || feeders > MAX_FEEDERS) {
    throw new RangeError(`feeders must be a whole number from ${ROLES.length} to ${MAX_FEEDERS}, not ${feeders}`);
  }
  if (ders > 0 && ders < feeders * MIN_DEVICES_PER_FEEDER) {
    throw new RangeError(`${feeders} feeders need at least ${feeders * MIN_DEVICES_PER_FEEDER} ders, not ${ders}`);
  }
  const devices = ders === 0 ? DEVICES_PER_FEEDER : ders / feeders;
  const limitKw = Math.round((LIMIT_KW * devices) / DEVICES_PER_FEEDER);
  return Array.from({ length: feeders }, (_, i) => ({
    feederId: `feeder-${i + 1}`,
    name: NAMES[i] ?? `Quiet copy ${i - ROLES.length + 1}`,
    role: ROLES[i] ?? 'quiet',
    limitKw,
  }));
}

/**
 * Days differ by a percent or two, and one passes into the next at midday. The day of the story is the first of a cold
 * spell: without that, a feeder that is overloaded today would have been so every evening of its history.
 */
function shapeOf(seed: number, feederId: string): (atMs: number) => number {
  const factorOf = (day: number) => {
    const mild = day < Math.floor(START_MS / DAY_MS) ? MILD_SHARE : 1;
    return mild * seededRandom(`${seed}/${feederId}/day/${day}`).between(0.985, 1.015);
  };
  let known = { day: Number.NaN, from: 1, to: 1 };
  return (atMs) => {
    const noon = atMs / DAY_MS - 0.5;
    const day = Math.floor(noon);
    if (day !== known.day) known = { day, from: factorOf(day), to: factorOf(day + 1) };
    return weybridgeShape(atMs) * (known.from + (known.to - known.from) * (noon - day));
  };
}

/** The scale at which the undispatched load of the evening just touches `peakKw`: noise and devices of this seed included. */
function scaleFor(
  peakKw: number,
  shape: (atMs: number) => number,
  seed: number,
  series: FeederSeries,
  within: (atMs: number) => boolean = () => true,
): number {
  const scales = series.atMs.map((atMs, i) => {
    if (!within(atMs)) return Number.POSITIVE_INFINITY;
    const noisy = 1 + feederNoiseKw(seed, series.feederId, atMs, 1);
    return (peakKw - (series.devicesKw[i] ?? 0)) / (shape(atMs) * noisy);
  });
  return Math.min(...scales);
}

function whileTransferred(atMs: number): boolean {
  return atMs >= TRANSFER_FROM_MS && atMs < TRANSFER_UNTIL_MS;
}

/** Base load of one feeder, scaled so that the story holds for this seed and portfolio. */
function baseOf(sketch: Sketch, seed: number, series: FeederSeries): (atMs: number) => number {
  const shape = shapeOf(seed, sketch.feederId);
  const share = {
    'forecast-overload': FORECAST_PEAK,
    'measured-overload': BEFORE_STEP_PEAK,
    quiet: QUIET_PEAK,
    bench: 0.8,
  };
  const scale = scaleFor(sketch.limitKw * share[sketch.role], shape, seed, series);
  if (sketch.role !== 'measured-overload') return (atMs) => scale * shape(atMs);
  const higher = scaleFor(sketch.limitKw * STEP_PEAK, shape, seed, series, whileTransferred);
  return (atMs) => (whileTransferred(atMs) ? higher : scale) * shape(atMs);
}

function feederHistory(
  feederId: string,
  base: (atMs: number) => number,
  seed: number,
  history: FleetHistory,
): ScenarioFeeder['history'] {
  const devices = devicesKwByFeeder(history).get(feederId);
  return history.halfHours.map(({ startMs }, i) => {
    const middleMs = startMs + 900_000;
    const baseKw = base(middleMs);
    const kw = baseKw + feederNoiseKw(seed, feederId, middleMs, baseKw) + (devices?.[i] ?? 0);
    return { atMs: startMs, kw: Number(kw.toFixed(2)) };
  });
}

/**
 * A winter evening on three feeders: the first runs into an overload that can be forecast from its ramp, the second
 * meets a sudden one when a neighbouring ring is switched to it, the third stays below its limit; further feeders are
 * quiet copies. Portfolio, noise and behaviours follow the seed; limits follow the size of the portfolio; the base
 * load is scaled so that the story holds for every seed. Throws a RangeError that names a bad option.
 */
export function eveningPeak(options: ScenarioOptions = {}): Scenario {
  const { seed = 1, startMs = START_MS } = options;
  const portfolios = scenarioAggregators(options.bpps ?? 2);
  const ders = portfolios.length === 0 ? 0 : (options.ders ?? 330);
  const plans = sketches(options.feeders ?? ROLES.length, ders);
  const fleet: DerManifest[] = makeFleet({
    seed,
    ders,
    feeders: plans.map(({ feederId }) => feederId),
    aggregators: portfolios.map(({ aggregator, mix }) => ({ id: aggregator.subscriberId, mix })),
    atMs: startMs,
    behaviours: options.behaviours,
  });
  const unloaded = counterfactual({
    seed,
    ders: fleet,
    feeders: plans.map(({ feederId }) => ({ feederId, base: () => 0 })),
    startMs,
    endMs: END_MS,
    stepMs: STEP_MS,
  });
  const history = simulateHistory({
    seed,
    ders: fleet,
    untilMs: startMs,
    days: options.historyDays ?? DEFAULT_HISTORY_DAYS,
  });
  const bases = plans.map((sketch, i) => baseOf(sketch, seed, unloaded[i]!));
  return {
    name: 'evening-peak',
    seed,
    startMs,
    endMs: END_MS,
    stepMs: STEP_MS,
    feeders: plans.map((sketch, i) => {
      const base = bases[i]!;
      return { ...sketch, base, history: feederHistory(sketch.feederId, base, seed, history) };
    }),
    aggregators: portfolios.map(({ aggregator }) => aggregator),
    ders: fleet,
    undispatched: () => plans.map(({ feederId }, i) => withBase(unloaded[i]!, { feederId, base: bases[i]! }, seed)),
    meterHistory: () => meterRows(history, londonMidnight(startMs, METER_HISTORY_DAYS)),
  };
}
