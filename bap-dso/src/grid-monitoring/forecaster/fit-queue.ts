/** Fits of many feeders, one at a time: the samples that came meanwhile are looked at between two of them. */
import type { Context } from '@flexder/runtime/context.ts';

/** Something with fits that are due. */
export interface Fitting {
  /** Does one of them, some milliseconds; false when none is due. */
  refit(): boolean;
}

export class FitQueue {
  readonly #context: Pick<Context, 'activity' | 'log'>;
  /** As many as there are feeders, at most. */
  readonly #waiting = new Set<Fitting>();
  #running = false;
  #closed = false;

  constructor(context: Pick<Context, 'activity' | 'log'>) {
    this.#context = context;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  add(fitting: Fitting): void {
    this.#waiting.add(fitting);
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#context.activity.track('fits', () => this.#drain());
  }

  /** What is due stays so: it is fitted after the next start. */
  close(): void {
    this.#closed = true;
  }

  /** The first that is due; false when none is. */
  fitOne(): boolean {
    for (const fitting of this.#waiting) {
      this.#waiting.delete(fitting);
      if (!this.#refitted(fitting)) continue;
      // To the end of the line: no feeder waits for all fits of another.
      this.#waiting.add(fitting);
      return true;
    }
    return false;
  }

  async #drain(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (!this.#closed && this.fitOne());
    this.#running = false;
  }

  #refitted(fitting: Fitting): boolean {
    try {
      return fitting.refit();
    } catch (error) {
      this.#context.log.error({ error: String(error) }, 'a forecast could not be fitted; the fit of before counts');
      return false;
    }
  }
}
