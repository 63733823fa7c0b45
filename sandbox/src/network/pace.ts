import type { Network } from './network.ts';

/**
 * Lets grid time run at `speed` times wall time, in the scenario's steps. A step that takes longer than its share of
 * wall time (orders under way hold grid time) delays the next; nothing is skipped. Past the scenario's end the evening
 * goes on. Ends when aborted.
 */
export async function pace(network: Network, speed: number, signal: AbortSignal): Promise<void> {
  const { wall } = network.context;
  const { startMs, stepMs } = network.scenario;
  for (let atMs = startMs; !signal.aborted; atMs += stepMs) {
    const beganMs = wall.monotonicMs();
    await network.advanceTo(atMs);
    const leftMs = stepMs / speed - (wall.monotonicMs() - beganMs);
    if (leftMs > 0) await wall.sleep(leftMs, signal).catch(() => {});
  }
}
