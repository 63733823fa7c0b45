/**
 * Two regressions of one shape that err differently, so their mean is better than either. The near one is fitted at
 * every reading on few features and on the hours around the target's time of day; the wide one once a day on all
 * features and all hours. Old examples fade.
 */
import { FIT_MINIMUM_ROWS } from '../../limits.ts';
import { DAY_MS } from './calendar.ts';
import { expected, type FeatureSource, NEAR_WIDTH, originAt, WIDE_WIDTH, writeFeatures } from './features.ts';
import type { LoadHistory } from './history.ts';
import { widthOf } from './inputs.ts';
import { type Examples, fitRobust, type RidgeModel } from './ridge.ts';

const NEAR_PENALTY = 1;
const WIDE_PENALTY = 3;
const HALF_LIFE_DAYS = 60;
/** Deviation of the weight by time of day around the target, and where it ends. */
const NEAR_MS = 3_600_000;
const NEAR_REACH_MS = 2.5 * NEAR_MS;
/** Examples nearer than this tell the same story twice. */
const EXAMPLES_APART_MS = 30 * 60_000;
const NEAR_MINIMUM_ROWS = 60;
/** Neighbouring half hours tell nearly the same: of three weeks and more, one in two is enough for a day. */
const QUICK_EVERY = 2;
const QUICK_FROM_ROWS = 3 * FIT_MINIMUM_ROWS;

export interface NearFit {
  readonly model: RidgeModel;
  /** Mean absolute residual of the fit around this time of day, in units of the level. */
  readonly spread: number;
}

/** The regression for `ahead` slots at the time of day of the slot `target`; undefined when examples are too few. */
export function fitNear(source: FeatureSource, ahead: number, target: number): NearFit | undefined {
  const { history } = source;
  const { perDay, stepMs } = history.calendar;
  const reach = Math.round(NEAR_REACH_MS / stepMs);
  const apart = strideOf(history);
  const deviation = NEAR_MS / stepMs;
  const slots: number[] = [];
  const kernel: number[] = [];
  // Today's readings up to now belong to it; `same` is the target's London clock time on earlier days.
  let same = target;
  for (let days = 0; days <= history.capacity / perDay; days++) {
    for (let off = -Math.floor(reach / apart) * apart; off <= reach; off += apart) {
      if (same + off > history.last) break;
      slots.push(same + off);
      kernel.push(Math.exp(-0.5 * (off / deviation) ** 2));
    }
    same -= history.calendar.at(same).dayBack;
  }
  const examples = collect(source, ahead, slots, kernel, false);
  return examples.count < NEAR_MINIMUM_ROWS ? undefined : fitRobust(examples, NEAR_PENALTY);
}

export interface WideOptions {
  /** The fit of the day before, from whose errors this one starts. */
  readonly before?: RidgeModel | undefined;
  /** A first fit of a long history is made from a part of its examples, at half the cost: the next day's has all. */
  readonly quick?: boolean;
}

/** The regression for `ahead` slots at any time of day; undefined when examples are too few. */
export function fitWide(
  source: FeatureSource,
  ahead: number,
  { before, quick = false }: WideOptions = {},
): RidgeModel | undefined {
  const { history } = source;
  const stride = strideOf(history);
  const long = history.last - history.first >= QUICK_FROM_ROWS * stride;
  const every = quick && long && !before ? QUICK_EVERY : 1;
  const slots: number[] = [];
  for (let slot = history.last; slot > history.last - history.capacity; slot -= every * stride) slots.push(slot);
  const examples = collect(source, ahead, slots, undefined, true);
  if (examples.count * every < FIT_MINIMUM_ROWS) return undefined;
  return fitRobust(examples, WIDE_PENALTY / every, { before, every }).model;
}

function strideOf(history: LoadHistory): number {
  return Math.max(1, Math.round(EXAMPLES_APART_MS / history.stepMs));
}

/** Reused by every fit: one runs at a time. */
let scratch = new Float64Array(0);

function collect(
  source: FeatureSource,
  ahead: number,
  slots: readonly number[],
  kernel: readonly number[] | undefined,
  wide: boolean,
): Examples {
  const { history } = source;
  const width = (wide ? WIDE_WIDTH : NEAR_WIDTH) + widthOf(source.inputs);
  if (scratch.length < width * slots.length) scratch = new Float64Array(width * slots.length);
  const targets = new Float64Array(slots.length + 3);
  const weights = new Float64Array(slots.length);
  const fadeSlots = (HALF_LIFE_DAYS * DAY_MS) / history.stepMs;
  let count = 0;
  slots.forEach((slot, i) => {
    if (!history.isPresent(slot) || !history.isPresent(slot - ahead)) return;
    const origin = originAt(history, slot - ahead);
    if (!writeFeatures(source, origin, ahead, wide, scratch, count * width)) return;
    targets[count] = (history.load(slot) - expected(history, origin, ahead)) / origin.level;
    weights[count] = (kernel?.[i] ?? 1) * 0.5 ** ((history.last - slot) / fadeSlots);
    count++;
  });
  return { width, count, features: scratch, targets, weights };
}
