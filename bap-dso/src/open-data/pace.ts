/** Turns at one source: requests start a gap apart, and not before the source allows it again. */
import type { WallClock } from '@flexder/runtime/clock.ts';
import { OpenDataError } from './errors.ts';
import { HOLD_MOST_MS, TURN_WAITING } from './limits.ts';

export interface Pace {
  /** Resolves when the next request may start. Throws OpenDataError when that is too far away. */
  turn(signal?: AbortSignal): Promise<void>;
  /** A request starts now, later than its turn was: another pace held it up. */
  started(): void;
  /** The source wants no request for `ms` from now. */
  hold(ms: number): void;
}

export function createPace(wall: WallClock, source: string, gapMs: number): Pace {
  let freeMs = Number.NEGATIVE_INFINITY;
  let heldMs = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  return {
    async turn(signal) {
      const nowMs = wall.monotonicMs();
      if (heldMs - nowMs > HOLD_MOST_MS) {
        const retryAtMs = wall.nowMs() + heldMs - nowMs;
        const until = new Date(retryAtMs).toISOString();
        throw new OpenDataError('rate-limited', `${source} takes no more requests until ${until}`, retryAtMs);
      }
      if (waiting >= TURN_WAITING) {
        throw new OpenDataError('busy', `${waiting} requests wait for their turn at ${source}`);
      }
      const startMs = Math.max(nowMs, freeMs, heldMs);
      freeMs = startMs + gapMs;
      if (startMs <= nowMs) return;
      waiting++;
      try {
        await wall.sleep(startMs - nowMs, signal);
      } finally {
        waiting--;
      }
    },
    started() {
      freeMs = Math.max(freeMs, wall.monotonicMs() + gapMs);
    },
    hold(ms) {
      heldMs = Math.max(heldMs, wall.monotonicMs() + ms);
    },
  };
}
