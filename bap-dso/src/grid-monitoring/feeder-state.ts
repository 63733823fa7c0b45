/** What a monitor holds of each feeder, and how it begins: from what was kept, or from what was read before. */
import type { WallClock } from '@flexder/runtime/clock.ts';
import { publishAllowance } from '@flexder/runtime/engines/bus/rate.ts';
import { engineLimits } from '@flexder/runtime/engines/limits.ts';
import type { BapConfig, FeederConfig } from '../config.ts';
import { WARMED_UP_FEEDERS } from '../limits.ts';
import { ARMED, type DetectorState } from './detection/detection.ts';
import type { ForecastInput } from './forecast/inputs.ts';
import type { Beginning } from './forecaster/forecast-restore.ts';
import { type Forecast, Forecaster } from './forecaster/forecaster.ts';
import { FeederSeries, type Reading } from './telemetry/series.ts';
import type { AdmittedSample } from './telemetry/telemetry.ts';

/** Feeders fit in turns, by half hours of the day. */
const FIT_TURNS = 48;

export interface FeederState {
  readonly config: FeederConfig;
  readonly series: FeederSeries;
  readonly forecaster: Forecaster;
  /** Not every broker holds a sender to a rate; true while this one keeps within it. */
  readonly mayHear: () => boolean;
  sample: AdmittedSample | undefined;
  forecast: Forecast | undefined;
  detector: DetectorState;
}

/** By feeder. `deferred`: their fits are left to a queue. */
export function openFeeders(
  wall: Pick<WallClock, 'monotonicMs'>,
  { feeders, history }: Pick<BapConfig, 'feeders' | 'history'>,
  { restored, histories }: Beginning,
  { inputs, deferred }: { readonly inputs: readonly ForecastInput[]; readonly deferred: boolean },
): ReadonlyMap<string, FeederState> {
  const given = new Map(history.map((entry) => [entry.feederId, entry.readings]));
  const warmUp = feeders.length <= WARMED_UP_FEEDERS;
  const begin = ({ feederId }: FeederConfig, phase: number): Pick<FeederState, 'series' | 'forecaster'> => {
    const kept = restored.get(feederId);
    if (kept) {
      kept.forecaster.settle({ phase, deferred });
      return kept;
    }
    const series = new FeederSeries(merged(given.get(feederId), histories.get(feederId)));
    return { series, forecaster: new Forecaster(series, { phase, warmUp, deferred, inputs }) };
  };
  return new Map(feeders.map((feeder, i) => [feeder.feederId, openFeeder(feeder, begin(feeder, i % FIT_TURNS), wall)]));
}

/** What was read in this network counts where the given history says something else. */
function merged(given: readonly Reading[] = [], read: readonly Reading[] = []): Reading[] {
  return [...new Map([...given, ...read].map((reading) => [reading.atMs, reading])).values()];
}

function openFeeder(
  config: FeederConfig,
  { series, forecaster }: Pick<FeederState, 'series' | 'forecaster'>,
  wall: Pick<WallClock, 'monotonicMs'>,
): FeederState {
  return {
    config,
    mayHear: publishAllowance(engineLimits.busPublishRate, engineLimits.busPublishBurst, () => wall.monotonicMs()),
    series,
    forecaster,
    sample: undefined,
    forecast: undefined,
    detector: ARMED,
  };
}
