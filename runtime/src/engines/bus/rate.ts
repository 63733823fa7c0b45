import { engineLimits } from '../limits.ts';
import type { BusAccount } from './port.ts';

/** What an account may publish: who commands a fleet does so at once, a single thing has no reason to. */
export function allowanceOf(account: BusAccount): () => boolean {
  return account.publish.some((filter) => /[+#]/.test(filter))
    ? publishAllowance(engineLimits.busFanOutRate, engineLimits.busFanOutBurst)
    : publishAllowance();
}

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
