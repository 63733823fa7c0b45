/** Load models of one feeder, best first: ridge on lags and calendar, the day's profile, persistence. */
import { FIT_MINIMUM_ROWS, FORECAST_STEPS } from '../limits.ts';
import { DAY_MS, featuresOf, type LoadAt } from './features.ts';
import { type Example, fitRidge, predict, type RidgeModel } from './ridge.ts';
import { HALF_HOUR_MS, type Reading } from './series.ts';

export type ModelKind = 'ridge' | 'profile' | 'persistence';

/** One ridge a horizon: index 0 is half an hour ahead. */
export type DirectModel = readonly RidgeModel[];

const PENALTY = 1;
/** How much of the present deviation from yesterday's profile is left after each half hour. */
const DEVIATION_KEPT = 0.9;

/** Fits one ridge a horizon on the slots whose lags are all there; undefined when they are too few. */
export function fitDirect(load: LoadAt, slots: readonly Reading[]): DirectModel | undefined {
  const models: RidgeModel[] = [];
  for (let step = 1; step <= FORECAST_STEPS; step++) {
    const examples = examplesOf(load, slots, step);
    if (examples.length < FIT_MINIMUM_ROWS) return undefined;
    models.push(fitRidge(examples, PENALTY));
  }
  return models;
}

function examplesOf(load: LoadAt, slots: readonly Reading[], step: number): Example[] {
  const examples: Example[] = [];
  for (const { atMs, powerKw } of slots) {
    const features = featuresOf(load, atMs - step * HALF_HOUR_MS, step);
    if (features) examples.push({ features, target: powerKw });
  }
  return examples;
}

/** The load `step` half hours after `originMs` and the model that said so; undefined when the present load is unknown. */
export function predictLoad(
  direct: DirectModel | undefined,
  load: LoadAt,
  originMs: number,
  step: number,
): { readonly powerKw: number; readonly model: ModelKind } | undefined {
  const ridge = direct?.[step - 1];
  const features = ridge && featuresOf(load, originMs, step);
  if (ridge && features) return { powerKw: predict(ridge, features), model: 'ridge' };
  const now = load(originMs);
  if (now === undefined) return undefined;
  const yesterday = load(originMs - DAY_MS);
  const then = load(originMs + step * HALF_HOUR_MS - DAY_MS);
  if (yesterday === undefined || then === undefined) return { powerKw: now, model: 'persistence' };
  return { powerKw: then + (now - yesterday) * DEVIATION_KEPT ** step, model: 'profile' };
}
