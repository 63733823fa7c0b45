/** What is held of each data set: the last rows that came, with their provenance, and how the last try went. */
import type { AuditDataSource } from '@flexder/protocol/audit/record.ts';
import type { SourceId } from './config.ts';
import type { AnyDataset, Dataset } from './datasets/dataset.ts';
import type { OpenDataErrorKind } from './errors.ts';
import { HELD_ROWS } from './limits.ts';
import type { Fetched, Provenance } from './rows.ts';

/** Fresh, stale (older than its data set allows), or never read. */
export type Quality = 'fresh' | 'stale' | 'missing';

export interface Snapshot<Row = unknown> extends Provenance {
  readonly rows: readonly Row[];
  /** Wall time: when what the rows say was so. */
  readonly observedAtMs: number;
}

export interface Failure {
  readonly kind: OpenDataErrorKind;
  readonly text: string;
  /** Wall time of the try that failed. */
  readonly atMs: number;
}

export interface DatasetStatus {
  readonly id: string;
  readonly source: SourceId;
  readonly title: string;
  readonly quality: Quality;
  /** How the last try went: `waiting` before the first, `ok`, or the kind of its failure, e.g. `offline`. */
  readonly link: 'waiting' | 'ok' | OpenDataErrorKind;
  readonly error: string | null;
  readonly rows: number;
  readonly retrievedAt: string | null;
  readonly observedAt: string | null;
  /** Since the retrieval, milliseconds. */
  readonly ageMs: number | null;
  readonly url: string | null;
  readonly sha256: string | null;
  readonly licence: string;
  readonly attribution: string;
}

interface Held {
  snapshot: Snapshot | undefined;
  failure: Failure | undefined;
}

export class HeldData {
  readonly #held = new Map<string, Held>();
  readonly #datasets: readonly AnyDataset[];
  readonly #nowMs: () => number;

  /** @param nowMs wall time */
  constructor(datasets: readonly AnyDataset[], nowMs: () => number) {
    this.#datasets = datasets;
    this.#nowMs = nowMs;
    for (const { id } of datasets) this.#held.set(id, { snapshot: undefined, failure: undefined });
  }

  take<Row>(dataset: Dataset<Row>, fetched: Fetched<Row>): Snapshot<Row> {
    const observedAtMs = dataset.observedAtMs(fetched.rows, fetched.retrievedAtMs);
    const snapshot = { ...fetched, rows: fetched.rows.slice(0, HELD_ROWS), observedAtMs };
    this.#held.set(dataset.id, { snapshot, failure: undefined });
    return snapshot;
  }

  /** What was held before a restart; anything newer stays. */
  restore(id: string, snapshot: Snapshot): void {
    const held = this.#held.get(id);
    if (held && !held.snapshot) held.snapshot = snapshot;
  }

  failed(id: string, failure: Failure): void {
    const held = this.#held.get(id);
    if (held) held.failure = failure;
  }

  rows<Row>({ id }: Dataset<Row>): readonly Row[] {
    return (this.#held.get(id)?.snapshot?.rows ?? []) as readonly Row[];
  }

  snapshot<Row>({ id }: Dataset<Row>): Snapshot<Row> | undefined {
    return this.#held.get(id)?.snapshot as Snapshot<Row> | undefined;
  }

  quality(dataset: AnyDataset): Quality {
    const snapshot = this.snapshot(dataset);
    if (!snapshot) return 'missing';
    const nowMs = this.#nowMs();
    const observedMostMs = dataset.observedStaleAfterMs ?? Number.POSITIVE_INFINITY;
    const old = nowMs - snapshot.retrievedAtMs > dataset.staleAfterMs || nowMs - snapshot.observedAtMs > observedMostMs;
    return old ? 'stale' : 'fresh';
  }

  /** Since the retrieval; null when there was none. */
  ageMs(dataset: AnyDataset): number | null {
    const snapshot = this.snapshot(dataset);
    return snapshot ? Math.max(0, this.#nowMs() - snapshot.retrievedAtMs) : null;
  }

  /** As an audit record names it; undefined when nothing was ever read. */
  auditSource(dataset: AnyDataset): AuditDataSource | undefined {
    const snapshot = this.snapshot(dataset);
    if (!snapshot) return undefined;
    return {
      id: dataset.id,
      url_or_fixture: snapshot.url.slice(0, 2_000),
      retrieved_at: iso(snapshot.retrievedAtMs),
      observed_at: iso(snapshot.observedAtMs),
      sha256: snapshot.sha256,
      live: this.quality(dataset) === 'fresh',
    };
  }

  statuses(): DatasetStatus[] {
    return this.#datasets.map((dataset) => this.#status(dataset));
  }

  #status(dataset: AnyDataset): DatasetStatus {
    const { snapshot, failure } = this.#held.get(dataset.id)!;
    return {
      id: dataset.id,
      source: dataset.source,
      title: dataset.title,
      quality: this.quality(dataset),
      link: failure ? failure.kind : snapshot ? 'ok' : 'waiting',
      error: failure ? failure.text : null,
      rows: snapshot?.rows.length ?? 0,
      retrievedAt: snapshot ? iso(snapshot.retrievedAtMs) : null,
      observedAt: snapshot ? iso(snapshot.observedAtMs) : null,
      ageMs: this.ageMs(dataset),
      url: snapshot?.url ?? null,
      sha256: snapshot?.sha256 ?? null,
      licence: dataset.licence.name,
      attribution: dataset.licence.attribution,
    };
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
