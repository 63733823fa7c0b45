/** Answers of BPPs that are waited for: each wait has a bound (wall time) and counts as work in flight until it ends. */
import type { Context } from '@flexder/runtime/context.ts';

export class Deadlines {
  readonly #context: Context;
  readonly #onLate: (obpId: string) => Promise<void>;
  readonly #waits = new Map<string, () => void>();
  #closed = false;

  constructor(context: Context, onLate: (obpId: string) => Promise<void>) {
    this.#context = context;
    this.#onLate = onLate;
  }

  /** Waits anew for the next answer of `obpId`; a wait that runs ends. */
  expect(obpId: string, waitMs: number): void {
    if (this.#closed) return;
    const end = this.#context.activity.begin('answer');
    this.settle(obpId);
    const cancel = this.#context.wall.after(waitMs, () => {
      if (this.#waits.get(obpId) !== stop) return;
      this.#waits.delete(obpId);
      this.#onLate(obpId)
        .catch((error) => {
          this.#context.log.error({ obpId, error: String(error) }, 'a late order could not be closed, trying again');
          this.expect(obpId, waitMs);
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
