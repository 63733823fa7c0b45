/**
 * What the forecast looks at, all of it known at the origin: the load now and before, the same clock time a day and a
 * week ago, the usual load at origin and target, the calendar of the target and, where given, inputs from outside.
 * Loads are deviations from the usual load, in units of the feeder's level, so that no feature has a size of its own.
 */
import { SUNDAY } from './calendar.ts';
import type { LoadHistory } from './history.ts';
import { type ForecastInput, inputFeatures, widthOf, writeInputs } from './inputs.ts';
import { HARMONICS, isQuiet } from './slots.ts';

const SLOPE_MS = 15 * 60_000;

/** Where a forecast starts. */
export interface Origin {
  /** In slots; between two slots for live telemetry. */
  readonly position: number;
  /** Load now, and one and two slopes before. */
  readonly recent: readonly [now: number, before: number, earlier: number];
  readonly ratio: number;
  readonly level: number;
}

export const NEAR_FEATURES = [
  'deviation from the usual load',
  'its slope',
  'its slope before',
  'deviation a day before the target',
  'deviation a day before the origin',
  'load a week before the target',
  'load a week before the origin',
  'load a day before the target',
  'load a day before the origin',
  'usual change from origin to target',
  'quiet day',
] as const;
const WIDE_OWN = ['slow usual load at the target', 'slow usual load at the origin'].concat([
  'last day of the kind, target',
  'last day of the kind, origin',
]);
const MODULATED = 8;

export const NEAR_WIDTH = NEAR_FEATURES.length;
export const WIDE_WIDTH = NEAR_WIDTH + WIDE_OWN.length + 2 + 4 * HARMONICS + 3 * MODULATED;
export function featureNames(inputs: readonly ForecastInput[]): readonly string[] {
  return [
    ...NEAR_FEATURES,
    ...WIDE_OWN,
    'Saturday, Sunday or bank holiday',
    'Sunday or bank holiday',
    `${HARMONICS} daily harmonics, also of quiet days`,
    `deviation, slope and usual change modulated by ${MODULATED / 2} harmonics`,
    ...inputFeatures(inputs),
  ];
}

/** Slots between the readings of a slope. */
export function slopeSlots(stepMs: number): number {
  return Math.max(1, Math.round(SLOPE_MS / stepMs));
}

/** An origin on the raster. */
export function originAt(history: LoadHistory, slot: number): Origin {
  const back = slopeSlots(history.stepMs);
  return {
    position: slot,
    recent: [history.load(slot), history.load(slot - back), history.load(slot - 2 * back)],
    ratio: history.ratio(slot),
    level: history.level(slot),
  };
}

/** What is known of a slot. At module level, since a closure a row costs more than the row. */
export type SlotValue = (history: LoadHistory, slot: number) => number;

export const usual: SlotValue = (history, slot) => history.profile(slot);
const slowApart: SlotValue = (history, slot) => history.slow(slot) - history.profile(slot);
const dayBefore: SlotValue = (history, slot) => history.load(slot - history.calendar.at(slot).dayBack);
const weekBefore: SlotValue = (history, slot) => history.load(slot - history.calendar.at(slot).weekBack);
const dayBeforeUsual: SlotValue = (history, slot) => history.profile(slot - history.calendar.at(slot).dayBack);
const sameKind: SlotValue = (history, slot) => history.load(slot - history.calendar.at(slot).sameKindBack);

/** Between two slots by a line; on one as it is. */
export function between(value: SlotValue, history: LoadHistory, position: number): number {
  const slot = Math.floor(position);
  const share = position - slot;
  return share === 0 ? value(history, slot) : value(history, slot) * (1 - share) + value(history, slot + 1) * share;
}

/** The usual load at the target by the ratio of the last half day: what the learners correct. */
export function expected(history: LoadHistory, origin: Origin, ahead: number): number {
  return origin.ratio * between(usual, history, origin.position + ahead);
}

export interface FeatureSource {
  readonly history: LoadHistory;
  /** Written behind the others. */
  readonly inputs: readonly ForecastInput[];
}

/** Writes the features for `ahead` slots after `origin` at `out[from…]`; false where one of them is not known. */
export function writeFeatures(
  source: FeatureSource,
  origin: Origin,
  ahead: number,
  wide: boolean,
  out: Float64Array,
  from: number,
): boolean {
  writeNear(source.history, origin, ahead, out, from);
  let end = from + NEAR_WIDTH;
  if (wide) {
    writeWide(source.history, origin, ahead, out, from);
    end = from + WIDE_WIDTH;
  }
  if (source.inputs.length > 0) {
    writeInputs(source.inputs, source.history, origin.position, ahead, out, end);
    end += widthOf(source.inputs);
  }
  for (let i = from; i < end; i++) if (!Number.isFinite(out[i]!)) return false;
  return true;
}

function writeNear(history: LoadHistory, origin: Origin, ahead: number, out: Float64Array, from: number): void {
  const { ratio, level, recent } = origin;
  const here = origin.position;
  const there = here + ahead;
  const step = slopeSlots(history.stepMs);
  const usualHere = ratio * between(usual, history, here);
  const usualThere = ratio * between(usual, history, there);
  const deviation = recent[0] - usualHere;
  const before = recent[1] - ratio * between(usual, history, here - step);
  const earlier = recent[2] - ratio * between(usual, history, here - 2 * step);
  const dayThere = between(dayBefore, history, there);
  const dayHere = between(dayBefore, history, here);
  out[from] = deviation / level;
  out[from + 1] = (deviation - before) / level;
  out[from + 2] = (before - earlier) / level;
  out[from + 3] = (dayThere - between(dayBeforeUsual, history, there)) / level;
  out[from + 4] = (dayHere - between(dayBeforeUsual, history, here)) / level;
  out[from + 5] = (between(weekBefore, history, there) - usualThere) / level;
  out[from + 6] = (between(weekBefore, history, here) - usualHere) / level;
  out[from + 7] = (dayThere - usualThere) / level;
  out[from + 8] = (dayHere - usualHere) / level;
  out[from + 9] = (usualThere - usualHere) / level;
  out[from + 10] = isQuiet(history.calendar.at(Math.floor(there)).kind) ? 1 : 0;
}

function writeWide(history: LoadHistory, origin: Origin, ahead: number, out: Float64Array, from: number): void {
  const { ratio, level } = origin;
  const here = origin.position;
  const there = here + ahead;
  let at = from + NEAR_WIDTH;
  out[at++] = (ratio * between(slowApart, history, there)) / level;
  out[at++] = (ratio * between(slowApart, history, here)) / level;
  out[at++] = (between(sameKind, history, there) - ratio * between(usual, history, there)) / level;
  out[at++] = (between(sameKind, history, here) - ratio * between(usual, history, here)) / level;
  const { kind, harmonics } = history.calendar.at(Math.round(there));
  const quiet = isQuiet(kind) ? 1 : 0;
  out[at++] = quiet;
  out[at++] = kind === SUNDAY ? 1 : 0;
  for (let k = 0; k < harmonics.length; k++) {
    out[at++] = harmonics[k]!;
    out[at++] = harmonics[k]! * quiet;
  }
  for (let k = 0; k < MODULATED; k++) {
    out[at++] = out[from]! * harmonics[k]!;
    out[at++] = out[from + 1]! * harmonics[k]!;
    out[at++] = out[from + 9]! * harmonics[k]!;
  }
}
