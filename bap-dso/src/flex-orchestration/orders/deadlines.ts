/** Answers of BPPs that are waited for: each wait has a bound (wall time) and counts as work in flight until it ends. */
import type { Context } from '@flexder/runtime/context.ts';
import { ANSWER_WAITS, BEHIND_MS } from '../../limits.ts';

/**
 * Closes what is late. `mayHaveCome` answers that lie here unhandled are not late: true when there was one and the order
 * stays open.
 */
export type OnLate = (obpId: string, mayHaveCome: boolean) => Promise<boolean>;

export class Deadlines {
  readonly #context: Context;
  readonly #onLate: OnLate;
  readonly #waits = new Map<string, () => void>();
  #closed = false;

  constructor(context: Context, onLate: OnLate) {
    this.#context = context;
    this.#onLate = onLate;
  }

  /** Waits anew for the next answer of `obpId`; a wait that runs ends. */
  expect(obpId: string, waitMs: number): void {
    this.#wait(obpId, waitMs, ANSWER_WAITS - 1);
  }

  /**
   * A process that is overloaded hears late, and whoever withdraws for that and buys again loads it, and the machine,
   * further. So a wait that this process itself overslept, and one whose answer lies here, is waited again, with a bound.
   */
  #wait(obpId: string, waitMs: number, waitsLeft: number): void {
    if (this.#closed) return;
    const { activity, wall, log, metrics } = this.#context;
    const end = activity.begin('answer');
    this.settle(obpId);
    const dueMs = wall.monotonicMs() + waitMs;
    const again = () => {
      metrics.count('bap_waited_again_total');
      this.#wait(obpId, waitMs, waitsLeft - 1);
    };
    const cancel = wall.after(waitMs, () => {
      if (this.#waits.get(obpId) !== stop) return;
      if (waitsLeft > 0 && wall.monotonicMs() - dueMs > BEHIND_MS) return again();
      this.#waits.delete(obpId);
      this.#onLate(obpId, waitsLeft > 0)
        .then((open) => {
          if (open && !this.#waits.has(obpId)) again();
        })
        .catch((error) => {
          log.error({ obpId, error: String(error) }, 'a late order could not be closed, trying again');
          this.#wait(obpId, waitMs, waitsLeft);
        })
        .finally(end);
    });
    const stop = () => {
      cancel();
      end();
    };
    this.#waits.set(obpId, stop);
  }

  settle(obpId: string): void {
    this.#waits.get(obpId)?.();
    this.#waits.delete(obpId);
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#waits.values()) stop();
    this.#waits.clear();
  }
}
