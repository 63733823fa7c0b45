import type { WallClock } from '@flexder/runtime/clock.ts';
import type { Network } from './network.ts';

/**
 * Runs a step of `gridMs` of grid time so that it takes its share of wall time at `speed` grid seconds per second. A step
 * that takes longer (orders under way hold grid time) delays the next; nothing is skipped.
 */
export async function pacedStep(
  wall: WallClock,
  speed: number,
  gridMs: number,
  step: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const beganMs = wall.monotonicMs();
  await step();
  const leftMs = gridMs / speed - (wall.monotonicMs() - beganMs);
  if (leftMs > 0) await wall.sleep(leftMs, signal).catch(() => {});
}

/** Lets grid time run in the scenario's steps, past its end: the evening goes on. Ends when aborted. */
export async function pace(network: Network, speed: number, signal: AbortSignal): Promise<void> {
  const { startMs, stepMs } = network.scenario;
  for (let atMs = startMs; !signal.aborted; atMs += stepMs) {
    await pacedStep(network.context.wall, speed, stepMs, () => network.advanceTo(atMs), signal);
  }
}
