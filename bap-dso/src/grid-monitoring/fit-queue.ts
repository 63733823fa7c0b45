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

  constructor(context: Pick<Context, 'activity' | 'log'>) {
    this.#context = context;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  add(fitting: Fitting): void {
    this.#waiting.add(fitting);
    if (this.#running) return;
    this.#running = true;
    void this.#context.activity.track('fits', () => this.#drain());
  }

  async #drain(): Promise<void> {
    for (const fitting of this.#waiting) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.#refitted(fitting)) this.#waiting.delete(fitting);
      else {
        // To the end of the line: no feeder waits for all fits of another.
        this.#waiting.delete(fitting);
        this.#waiting.add(fitting);
      }
    }
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
