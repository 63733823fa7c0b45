/** Catalogues that answer one search, waited for with a bound (wall time). */
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import type { Context } from '@flexder/runtime/context.ts';
import { GATHER_CATALOGUES, OPEN_EVENTS } from '../../limits.ts';
import type { ToldLeftOut } from './told-left-out.ts';

export interface Catalogue {
  readonly offers: readonly FlexOffer[];
  readonly leftOut: readonly ToldLeftOut[];
}

export interface Gathered extends Catalogue {
  readonly answered: readonly string[];
  /** Waited for in vain. */
  readonly silent: readonly string[];
}

/** What was not offered, and why as far as it is known. */
export type NotOffered = Pick<Gathered, 'leftOut' | 'silent'>;

interface Gather {
  readonly expected: ReadonlySet<SubscriberId>;
  readonly catalogues: Map<string, Catalogue>;
  close(): void;
  startBound(): void;
}

export interface GatherBounds {
  /** After the first catalogue. */
  readonly gatherBoundMs: number;
  /** When there is none. */
  readonly gatherOverallMs: number;
}

export class Gathers {
  readonly #context: Context;
  readonly #bounds: GatherBounds;
  readonly #open = new Map<string, Gather>();
  #closed = false;

  constructor(context: Context, bounds: GatherBounds) {
    this.#context = context;
    this.#bounds = bounds;
  }

  /**
   * Opens before the search leaves, so that no answer is too early. Resolves when all `expected` answered or a bound passed:
   * `overallMs` where there is no answer at all.
   */
  collect(
    transactionId: string,
    expected: readonly SubscriberId[],
    overallMs: number = this.#bounds.gatherOverallMs,
  ): Promise<Gathered> {
    const { activity, wall } = this.#context;
    if (this.#open.size >= OPEN_EVENTS) throw new Error(`${OPEN_EVENTS} searches are open`);
    const end = activity.begin('gather');
    return new Promise((resolve) => {
      const cancels = [wall.after(overallMs, () => gather.close())];
      let bounded = false;
      const gather: Gather = {
        expected: new Set(expected),
        catalogues: new Map(),
        startBound: () => {
          if (bounded) return;
          bounded = true;
          cancels.push(wall.after(this.#bounds.gatherBoundMs, () => gather.close()));
        },
        close: () => {
          for (const cancel of cancels) cancel();
          if (this.#open.get(transactionId) !== gather) return;
          this.#open.delete(transactionId);
          const answered = [...gather.catalogues.keys()].sort();
          const silent = [...gather.expected].filter((bppId) => !gather.catalogues.has(bppId)).sort();
          const catalogues = answered.map((bppId) => gather.catalogues.get(bppId)!);
          const offers = catalogues.flatMap((catalogue) => catalogue.offers);
          const leftOut = catalogues.flatMap((catalogue) => catalogue.leftOut);
          resolve({ offers, leftOut, answered, silent });
          end();
        },
      };
      this.#open.set(transactionId, gather);
      if (this.#closed) gather.close();
    });
  }

  /** False when nobody waits for it: it came late, or twice (the first catalogue stands). */
  answer(transactionId: string, bppId: SubscriberId, catalogue: Catalogue): boolean {
    const gather = this.#open.get(transactionId);
    if (!gather || gather.catalogues.has(bppId) || gather.catalogues.size >= GATHER_CATALOGUES) return false;
    gather.catalogues.set(bppId, catalogue);
    const complete = [...gather.expected].every((expected) => gather.catalogues.has(expected));
    // With nobody to wait for, whoever else may answer gets the same bound.
    if (complete && gather.expected.size > 0) gather.close();
    else gather.startBound();
    return true;
  }

  /** The search could not be delivered: nothing will come. */
  abandon(transactionId: string): void {
    this.#open.get(transactionId)?.close();
  }

  /** Ends every wait, also those still to come: the service stops. */
  close(): void {
    this.#closed = true;
    for (const gather of [...this.#open.values()]) gather.close();
  }
}
