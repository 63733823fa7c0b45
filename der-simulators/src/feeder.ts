import { seededRandom } from '@flexder/runtime/random.ts';
import type { FeederTelemetry } from '@flexder/schemas/types.ts';

/** A feeder as its RTU sees it: what other customers draw, and devices of ours behind it. */
export interface FeederModel {
  readonly feederId: string;
  /** Load that is not ours, kW at a grid instant. */
  readonly base: (atMs: number) => number;
}

export const FEEDER_KV = 11;
const MINUTE_MS = 60_000;
/** Standard deviation of the minute noise, share of the base load: what remains of thousands of independent switches. */
const NOISE_SHARE = 0.0025;

/** Noise of one minute; made from seed, feeder and minute alone, so that a counterfactual has the same. */
export function feederNoiseKw(seed: string | number, feederId: string, atMs: number, baseKw: number): number {
  const minute = Math.floor(atMs / MINUTE_MS);
  const deviate = seededRandom(`${seed}/${feederId}/noise/${minute}`).normal(0, 1);
  return baseKw * NOISE_SHARE * Math.max(-3, Math.min(3, deviate));
}

/** kW at the head of the feeder: base, its noise, and the net power of every device behind it, connected or not. */
export function feederLoadKw(feeder: FeederModel, seed: string | number, atMs: number, devicesKw: number): number {
  const baseKw = feeder.base(atMs);
  return baseKw + feederNoiseKw(seed, feeder.feederId, atMs, baseKw) + devicesKw;
}

/** Amps per phase of a balanced three-phase load at 11 kV and unit power factor. */
export function currentA(powerKw: number): number {
  return powerKw / (Math.sqrt(3) * FEEDER_KV);
}

export function feederTelemetry(feederId: string, atMs: number, seq: number, powerKw: number): FeederTelemetry {
  return {
    v: 1,
    feeder_id: feederId,
    ts: new Date(atMs).toISOString(),
    seq,
    power_kw: Number(powerKw.toFixed(3)),
    current_a: Number(Math.abs(currentA(powerKw)).toFixed(2)),
    voltage_kv: FEEDER_KV,
    quality: 'GOOD',
  };
}
