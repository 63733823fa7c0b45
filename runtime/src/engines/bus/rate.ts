import { engineLimits } from '../limits.ts';

/** A token bucket: true while a connection keeps within the rate, with room for a burst. */
export function publishAllowance(
  rate: number = engineLimits.busPublishRate,
  burst: number = engineLimits.busPublishBurst,
  monotonicMs: () => number = () => performance.now(),
): () => boolean {
  let tokens = burst;
  let lastMs = monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    tokens = Math.min(burst, tokens + ((nowMs - lastMs) * rate) / 1000);
    lastMs = nowMs;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
