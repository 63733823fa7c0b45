/**
 * What the forecast looks at: the last three half-hourly readings and their slope, the load at the target's time of
 * day one and two days and one week before, three daily harmonics and the weekend with its interactions.
 */
import { londonDay } from './calendar.ts';
import { HALF_HOUR_MS } from './series.ts';

export const DAY_MS = 86_400_000;
const HARMONICS = 3;

/** Load at any instant, kW; undefined where nothing is known. */
export type LoadAt = (atMs: number) => number | undefined;

/** The features for the load `step` half hours after `originMs`; undefined when a lag is missing. */
export function featuresOf(load: LoadAt, originMs: number, step: number): number[] | undefined {
  const targetMs = originMs + step * HALF_HOUR_MS;
  const now = load(originMs);
  const before = load(originMs - HALF_HOUR_MS);
  const earlier = load(originMs - 2 * HALF_HOUR_MS);
  const day = load(targetMs - DAY_MS);
  const twoDays = load(targetMs - 2 * DAY_MS);
  const week = load(targetMs - 7 * DAY_MS);
  const originDay = load(originMs - DAY_MS);
  const originWeek = load(originMs - 7 * DAY_MS);
  const lags = [now, before, earlier, day, twoDays, week, originDay, originWeek];
  if (now === undefined || before === undefined || lags.includes(undefined)) return undefined;
  return [...(lags as number[]), now - before, ...calendarOf(targetMs)];
}

const calendars = new Map<number, readonly number[]>();
/** Every feeder and horizon asks for the same instants. */
const CALENDARS = 8_192;

function calendarOf(atMs: number): readonly number[] {
  const known = calendars.get(atMs);
  if (known) return known;
  const { share, weekend } = londonDay(atMs);
  const harmonics: number[] = [];
  for (let k = 1; k <= HARMONICS; k++) {
    harmonics.push(Math.sin(2 * Math.PI * k * share), Math.cos(2 * Math.PI * k * share));
  }
  const flag = weekend ? 1 : 0;
  const features = [...harmonics, flag, ...harmonics.map((value) => value * flag)];
  if (calendars.size >= CALENDARS) calendars.clear();
  calendars.set(atMs, features);
  return features;
}
