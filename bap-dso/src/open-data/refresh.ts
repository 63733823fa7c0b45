/** One refresh job a data set: its own period, early or late by a little, and a backoff while its source is away. */
import type { Context } from '@flexder/runtime/context.ts';
import { type Random, seededRandom } from '@flexder/runtime/random.ts';
import type { AnyDataset } from './datasets/dataset.ts';
import { mayPass, OpenDataError } from './errors.ts';
import type { HeldData, Snapshot } from './held.ts';
import { JITTER_SHARE, RETRY_LEAST_MS, START_SPREAD_MS } from './limits.ts';
import type { Fetched } from './rows.ts';
import type { Sources } from './sources/open.ts';

export interface RefreshDeps {
  readonly context: Pick<Context, 'wall' | 'log' | 'metrics' | 'ids'>;
  readonly sources: Sources;
  readonly held: HeldData;
  /** Keeps what came over a restart. Its failure is logged and harms nothing. */
  keep(id: string, snapshot: Snapshot): Promise<void>;
}

export class Refresher {
  readonly #deps: RefreshDeps;
  readonly #random: Random;
  readonly #cancels = new Map<string, () => void>();
  readonly #failures = new Map<string, number>();
  readonly #keeping = new Set<Promise<void>>();
  #closed = false;

  constructor(deps: RefreshDeps) {
    this.#deps = deps;
    this.#random = seededRandom(deps.context.ids.uuid());
  }

  start(datasets: readonly AnyDataset[]): void {
    for (const dataset of datasets) this.#schedule(dataset, this.#random.between(0, START_SPREAD_MS));
  }

  /** Reads one data set now. Never throws: a failure is noted where the rows are held. */
  async refresh(dataset: AnyDataset): Promise<void> {
    const { context, sources } = this.#deps;
    try {
      const fetched = await dataset.latest(sources, context.wall.nowMs());
      // A stop does not wait for portals; what comes after it is not written.
      if (this.#closed) return;
      const kept = this.#take(dataset, fetched).finally(() => this.#keeping.delete(kept));
      this.#keeping.add(kept);
      await kept;
    } catch (error) {
      if (!this.#closed) this.#note(dataset, error);
    }
  }

  async #take(dataset: AnyDataset, fetched: Fetched): Promise<void> {
    const { context, held } = this.#deps;
    const snapshot = held.take(dataset, fetched);
    this.#failures.delete(dataset.id);
    context.metrics.count('bap_open_data_refreshes_total', { dataset: dataset.id, result: 'ok' });
    this.#schedule(dataset, this.#jittered(dataset.periodMs));
    await this.#deps.keep(dataset.id, snapshot).catch((error) => {
      context.log.warn({ dataset: dataset.id, error: String(error) }, 'open data could not be kept');
    });
  }

  #note(dataset: AnyDataset, error: unknown): void {
    const { context, held } = this.#deps;
    const known = error instanceof OpenDataError ? error : undefined;
    const kind = known?.kind ?? 'unavailable';
    const failures = (this.#failures.get(dataset.id) ?? 0) + 1;
    const nowMs = context.wall.nowMs();
    held.failed(dataset.id, { kind, text: known?.message ?? String(error), atMs: nowMs });
    context.metrics.count('bap_open_data_refreshes_total', { dataset: dataset.id, result: kind });
    // One line when it goes away; the status has the rest.
    if (failures === 1)
      context.log.warn({ dataset: dataset.id, kind, error: String(error) }, 'open data not refreshed');
    this.#failures.set(dataset.id, failures);
    const backoffMs = Math.min(dataset.periodMs, RETRY_LEAST_MS * 2 ** Math.min(failures - 1, 20));
    const waitMs = mayPass(kind) ? backoffMs : dataset.periodMs;
    this.#schedule(dataset, Math.max(this.#jittered(waitMs), (known?.retryAtMs ?? nowMs) - nowMs));
  }

  #jittered(ms: number): number {
    return ms * this.#random.between(1 - JITTER_SHARE, 1 + JITTER_SHARE);
  }

  #schedule(dataset: AnyDataset, waitMs: number): void {
    if (this.#closed) return;
    this.#cancels.get(dataset.id)?.();
    const cancel = this.#deps.context.wall.after(waitMs, () => void this.refresh(dataset));
    this.#cancels.set(dataset.id, cancel);
  }

  /** No more refreshes; what is being written may end. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#cancels.values()) cancel();
    await Promise.allSettled([...this.#keeping]);
  }
}
