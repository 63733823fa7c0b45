/** Synthetic feeders for tests of the forecast. Nothing here is measured; each trait can be asked for. */
import { seededRandom } from '@flexder/runtime/random.ts';
import { londonDay, WORKING } from '../grid-monitoring/forecast/calendar.ts';

const HALF_HOUR_MS = 1_800_000;
export const LOAD_START_MS = Date.parse('2026-01-05T00:00:00Z');

export interface Traits {
  readonly days: number;
  readonly seed?: string;
  readonly startMs?: number;
  readonly stepMs?: number;
  /** Share of a working day's load on other days. */
  readonly quietShare?: number;
  /** Deviation of the noise of one reading, kW. */
  readonly noiseKw?: (atMs: number) => number;
  /** Peak of photovoltaics at noon under a clear sky, kW; days differ by their clouds. */
  readonly solarKw?: number;
  /** Multiplies the load: a transfer to a neighbour. */
  readonly factor?: (atMs: number) => number;
}

export interface Load {
  readonly atMs: number;
  readonly load: number;
}

/** A morning and an evening peak by the London clock, quieter days off, a slow drift of the weather and noise. */
export function syntheticLoad(traits: Traits): Load[] {
  const { days, seed = 'feeder', startMs = LOAD_START_MS, stepMs = HALF_HOUR_MS } = traits;
  const { quietShare = 0.9, noiseKw = () => 5, solarKw = 0, factor = () => 1 } = traits;
  const random = seededRandom(seed);
  const kept = 0.98 ** (stepMs / HALF_HOUR_MS);
  const drift = 20 * Math.sqrt(1 - kept * kept);
  let weather = 0;
  let clear = 1;
  return Array.from({ length: (days * 86_400_000) / stepMs }, (_, i) => {
    const atMs = startMs + i * stepMs;
    const { share, kind } = londonDay(atMs);
    const bell = (at: number, width: number) => Math.exp(-(((share - at) / width) ** 2));
    weather = kept * weather + random.normal(0, drift);
    if (share === 0) clear = random.between(0.3, 1);
    const shape = 400 + 150 * bell(0.34, 0.06) + 300 * bell(0.75, 0.08);
    const solar = solarKw * clear * Math.max(0, Math.cos((share - 0.5) * 2 * Math.PI * 1.3));
    const used = shape * (kind === WORKING ? 1 : quietShare) + weather + random.normal(0, noiseKw(atMs));
    return { atMs, load: factor(atMs) * used - (Math.abs(share - 0.5) < 0.19 ? solar : 0) };
  });
}
