/** Time that moves only when nothing is left to do at the instant it is: nothing in a simulation waits for real time. */
import type { WallClock } from '@flexder/runtime/clock.ts';
import type { Random } from '@flexder/runtime/random.ts';
import { SIM } from './limits.ts';

interface Timer {
  readonly atMs: number;
  /** Timers of one instant run in an order that the seed has, as on a machine that promises none. */
  readonly rank: number;
  readonly run: () => void;
}

export class VirtualClock implements WallClock {
  readonly #startMs: number;
  #nowMs: number;
  readonly #random: Random;
  #timers: Timer[] = [];

  constructor(startMs: number, random: Random) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
    this.#random = random;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, Math.ceil(ms)), rank: this.#random.next(), run };
    let low = 0;
    for (let high = this.#timers.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (isLater(this.#timers[middle] as Timer, timer)) low = middle + 1;
      else high = middle;
    }
    // Latest first, so that the next one is taken off the end.
    this.#timers.splice(low, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Runs what is due until `toMs`: what is due at one instant goes on side by side, and all of it ends before the next. */
  async runTo(toMs: number): Promise<void> {
    for (;;) {
      await quiet();
      const next = this.#timers.at(-1);
      if (!next || next.atMs > toMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      while ((this.#timers.at(-1)?.atMs ?? Number.POSITIVE_INFINITY) <= this.#nowMs) this.#timers.pop()?.run();
    }
    this.#nowMs = toMs;
  }

  /** Runs on until `promise` settles; rejects when nothing is left that could settle it. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    const giveUpMs = this.#nowMs + SIM.waitMs;
    for (;;) {
      await quiet();
      if (settled) return promise;
      const next = this.#timers.at(-1);
      if (!next || next.atMs > giveUpMs) throw new Error('nothing is left to do, and what is waited for has not come');
      await this.runTo(next.atMs);
    }
  }
}

function isLater(a: Timer, b: Timer): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.rank > b.rank);
}

/** Work of this process that is under way and no timer: turns of the event loop, files, threads. */
function underWay(): boolean {
  return process.getActiveResourcesInfo().some((kind) => kind === 'Immediate' || /Req|Job|Zlib/i.test(kind));
}

/** Resolves when the event loop has nothing more to do. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < SIM.turns; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!underWay()) return;
  }
  throw new Error(`the process is not quiet after ${SIM.turns} turns: ${process.getActiveResourcesInfo().join(', ')}`);
}
