/** Allows `atOnce` events in a burst and `perSecond` on average. */
export interface TokenBucket {
  take(): boolean;
}

export function createTokenBucket(atOnce: number, perSecond: number, monotonicMs: () => number): TokenBucket {
  let tokens = atOnce;
  let filledMs = monotonicMs();
  return {
    take() {
      const nowMs = monotonicMs();
      tokens = Math.min(atOnce, tokens + ((nowMs - filledMs) / 1000) * perSecond);
      filledMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
