/**
 * The two times of the network.
 *
 * Wall time: signatures, time-to-live, retries, latency. Grid time: telemetry, notice, activation windows,
 * `valid_until`, settlement periods. They are different types so that neither is taken for the other.
 */
export interface WallClock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds from an arbitrary origin, never stepping back: for durations. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `run` once after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

export interface GridClock {
  /** Milliseconds since the Unix epoch, grid time. */
  nowMs(): number;
  /** Runs `run` once when grid time reaches `atMs` (at once when it already has); the returned function cancels it. */
  at(atMs: number, label: string, run: () => void | Promise<void>): () => void;
}

const LONGEST_TIMER_MS = 2_147_483_647;

export function systemWallClock(): WallClock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, ms);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Grid time that is wall time: a live network, or any peer from outside. `onError` receives what a timer's work throws. */
export function wallGridClock(wall: WallClock, onError: (error: unknown, label: string) => void): GridClock {
  return {
    nowMs: () => wall.nowMs(),
    at: (atMs, label, run) => {
      let cancel = () => {};
      const arm = () => {
        const waitMs = atMs - wall.nowMs();
        if (waitMs > LONGEST_TIMER_MS) cancel = wall.after(LONGEST_TIMER_MS, arm);
        else
          cancel = wall.after(
            Math.max(0, waitMs),
            () =>
              void Promise.resolve()
                .then(run)
                .catch((error) => onError(error, label)),
          );
      };
      arm();
      return () => cancel();
    },
  };
}

interface GridTimer {
  readonly atMs: number;
  readonly order: number;
  readonly label: string;
  readonly run: () => void | Promise<void>;
}

/**
 * Grid time that moves only when told to. Timers due at one instant run in order of their label, then of their
 * registration, so that the same seed tells the same story whatever arrived first.
 */
export class SteppedGridClock implements GridClock {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<GridTimer>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, label: string, run: () => void | Promise<void>): () => void {
    const timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, label, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** The instant of the earliest timer, or undefined. */
  nextTimerMs(): number | undefined {
    let earliest: number | undefined;
    for (const timer of this.#timers) if (earliest === undefined || timer.atMs < earliest) earliest = timer.atMs;
    return earliest;
  }

  /** Moves grid time to `toMs` (never back) and runs what is due, one after the other. */
  async advanceTo(toMs: number): Promise<void> {
    if (toMs < this.#nowMs) throw new RangeError(`grid time cannot step back from ${this.#nowMs} to ${toMs}`);
    this.#nowMs = toMs;
    const due = [...this.#timers].filter((timer) => timer.atMs <= toMs);
    due.sort((a, b) => a.atMs - b.atMs || (a.label < b.label ? -1 : a.label > b.label ? 1 : a.order - b.order));
    for (const timer of due) {
      if (!this.#timers.delete(timer)) continue;
      await timer.run();
    }
  }
}
