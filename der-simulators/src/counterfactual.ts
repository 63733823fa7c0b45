import { type FeederModel, feederLoadKw } from './feeder.ts';
import type { DerManifest } from './model.ts';
import { type Physics, startWarmPhysics } from './physics/physics.ts';
import { seededWeather } from './physics/weather.ts';

/** One feeder with nobody dispatched; arrays have one entry per instant of `atMs`. */
export interface FeederSeries {
  readonly feederId: string;
  readonly atMs: readonly number[];
  readonly loadKw: readonly number[];
  /** Net power of the devices behind it. */
  readonly devicesKw: readonly number[];
  /** What devices that may be dispatched and are reachable could shed and hold for half an hour. */
  readonly sheddableKw: readonly number[];
  readonly peakKw: number;
  readonly peakAtMs: number;
}

export interface CounterfactualPlan {
  readonly seed: string | number;
  readonly ders: readonly DerManifest[];
  readonly feeders: readonly FeederModel[];
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Enrolled, with consent at that instant, not essential and within reach. */
export function mayBeDispatched(der: DerManifest, atMs: number): boolean {
  const consented = atMs >= der.consent.validFromMs && atMs < der.consent.validUntilMs;
  return consented && !der.essential && der.behaviour !== 'offline';
}

export function instantsOf(startMs: number, endMs: number, stepMs: number): number[] {
  return Array.from({ length: Math.floor((endMs - startMs) / stepMs) + 1 }, (_, i) => startMs + i * stepMs);
}

function seriesOf(
  feeder: FeederModel,
  plan: CounterfactualPlan,
  bodies: readonly { readonly der: DerManifest; readonly physics: Physics }[],
): FeederSeries {
  const atMs = instantsOf(plan.startMs, plan.endMs, plan.stepMs);
  const [loadKw, devicesKw, sheddableKw]: [number[], number[], number[]] = [[], [], []];
  for (const instant of atMs) {
    let [devices, sheddable] = [0, 0];
    for (const { der, physics } of bodies) {
      physics.advance(instant, null);
      devices += physics.powerKw;
      if (mayBeDispatched(der, instant)) sheddable += physics.availableDownKw();
    }
    devicesKw.push(devices);
    sheddableKw.push(sheddable);
    loadKw.push(feederLoadKw(feeder, plan.seed, instant, devices));
  }
  const peakKw = Math.max(...loadKw);
  const peakAtMs = atMs[loadKw.indexOf(peakKw)] ?? plan.startMs;
  return { feederId: feeder.feederId, atMs, loadKw, devicesKw, sheddableKw, peakKw, peakAtMs };
}

/** The same devices under another base load: their own power does not depend on it. */
export function withBase(series: FeederSeries, feeder: FeederModel, seed: string | number): FeederSeries {
  const loadKw = series.atMs.map((atMs, i) => feederLoadKw(feeder, seed, atMs, series.devicesKw[i] ?? 0));
  const peakKw = Math.max(...loadKw);
  return { ...series, loadKw, peakKw, peakAtMs: series.atMs[loadKw.indexOf(peakKw)] ?? series.peakAtMs };
}

/** What the same seed does with nobody dispatched: per feeder, minute by minute, without any bus. */
export function counterfactual(plan: CounterfactualPlan): FeederSeries[] {
  const weather = seededWeather(plan.seed);
  return plan.feeders.map((feeder) => {
    const bodies = plan.ders
      .filter((der) => der.feederId === feeder.feederId)
      .map((der) => ({ der, physics: startWarmPhysics(der, { seed: plan.seed, atMs: plan.startMs, weather }) }));
    return seriesOf(feeder, plan, bodies);
  });
}
