import { seededRandom } from '@flexder/runtime/random.ts';
import { REMEMBERED_DAYS } from '../limits.ts';
import { DAY_MS, dayOf, hourOf } from '../model.ts';

/** Outdoor temperature in °C at a grid instant. */
export type Weather = (atMs: number) => number;

/** Values made once per day; the cache is emptied when full, since any day can be made again from the seed. */
export function dailyValues<T>(make: (day: number) => T): (day: number) => T {
  const days = new Map<number, T>();
  return (day) => {
    let value = days.get(day);
    if (value === undefined) {
      if (days.size >= REMEMBERED_DAYS) days.clear();
      value = make(day);
      days.set(day, value);
    }
    return value;
  };
}

/** Simulated winter weather: a daily wave of ±2.5 K around a mean that wanders from day to day about 4 °C. */
export function seededWeather(seed: string | number): Weather {
  const meanOf = dailyValues((day) => 4 + seededRandom(`${seed}/weather/${day}`).between(-2, 2));
  return (atMs) => {
    const share = (atMs % DAY_MS) / DAY_MS;
    const day = dayOf(atMs);
    const mean = meanOf(day) * (1 - share) + meanOf(day + 1) * share;
    return mean + 2.5 * Math.sin((2 * Math.PI * (hourOf(atMs) - 9)) / 24);
  };
}
