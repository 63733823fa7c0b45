/** A wall clock that a test moves, so that bounds are tested without waiting for them. */
import type { WallClock } from '@flexder/runtime/clock.ts';

export interface ManualWallClock extends WallClock {
  /** Moves on and runs what became due, in order. */
  pass(ms: number): void;
}

export function manualWallClock(startMs = Date.parse('2026-01-15T16:00:00Z')): ManualWallClock {
  let nowMs = startMs;
  const timers = new Set<{ dueMs: number; run: () => void }>();
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    sleep: () => Promise.reject(new Error('nothing here sleeps')),
    after(ms, run) {
      const timer = { dueMs: nowMs + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (!next) break;
        timers.delete(next);
        nowMs = next.dueMs;
        next.run();
      }
      nowMs = untilMs;
    },
  };
}
