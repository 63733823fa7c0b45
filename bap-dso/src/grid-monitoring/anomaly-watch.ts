/** The anomalies of all feeders of a monitor, and of the substations that feed several of them. */
import type { Context } from '@flexder/runtime/context.ts';
import { repeatedly } from '@flexder/runtime/repeat.ts';
import type { FeederConfig } from '../config.ts';
import { MISSING_INTERVALS, SILENCE_CHECK_MS, STALE_MS } from '../limits.ts';
import { groupBy } from '../network-model/group.ts';
import { type Anomalies, type Anomaly, type AnomalyChange, follow, NO_ANOMALIES, type Sign } from './anomalies.ts';
import type { DetectorState } from './detection.ts';
import type { Received } from './monitor.ts';
import { substationSign } from './substations.ts';
import { missingSign, type Seen, type Still, signsOf, stillOf } from './symptoms.ts';

/** Rejects when a change could not be told. */
export type TellAnomaly = (change: AnomalyChange) => Promise<void>;

/** When feeders were read last, by whichever process; grid time. */
export type LastRead = (feederIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;

interface Watched {
  readonly config: FeederConfig;
  anomalies: Anomalies;
  level: DetectorState['level'];
  still: Still | undefined;
  /** Of the latest sample, grid time. */
  lastMs: number | undefined;
  /** Usual time between two samples; undefined before the second. */
  intervalMs: number | undefined;
}

export class AnomalyWatch {
  readonly #context: Pick<Context, 'activity' | 'grid' | 'log' | 'metrics'>;
  readonly #feeders: ReadonlyMap<string, Watched>;
  readonly #bySubstation: ReadonlyMap<string, readonly Watched[]>;
  readonly #substations = new Map<string, Anomalies>();
  #tellThem: TellAnomaly = async () => {};

  constructor(context: Pick<Context, 'activity' | 'grid' | 'log' | 'metrics'>, feeders: readonly FeederConfig[]) {
    this.#context = context;
    const nothing = { anomalies: NO_ANOMALIES, level: 'NORMAL', still: undefined } as const;
    this.#feeders = new Map(
      feeders.map((config) => [config.feederId, { ...nothing, config, lastMs: undefined, intervalMs: undefined }]),
    );
    const fed = [...this.#feeders.values()].filter(({ config }) => config.substationId !== undefined);
    this.#bySubstation = groupBy(fed, ({ config }) => config.substationId!);
  }

  listen(tell: TellAnomaly): void {
    this.#tellThem = tell;
  }

  /** Of a feeder that was read before a restart: when it was read last. */
  began(feederId: string, lastMs: number | undefined): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) feeder.lastMs = lastMs;
  }

  of(feederId: string): Anomalies {
    return this.#feeders.get(feederId)?.anomalies ?? NO_ANOMALIES;
  }

  /** An admitted sample. */
  sample(
    { sample, topic, sha256, wallMs }: Received,
    seen: Pick<Seen, 'before' | 'limits' | 'relieved'> & { readonly level: DetectorState['level'] },
  ): void {
    const { feederId, atMs } = sample;
    const feeder = this.#feeders.get(feederId)!;
    feeder.still = stillOf(feeder.still, sample);
    const signs = signsOf({ ...seen, feederId, sample, still: feeder.still });
    if (feeder.lastMs !== undefined) {
      const apartMs = atMs - feeder.lastMs;
      if (apartMs <= allowedMs(feeder)) signs.push({ kind: 'data-missing', present: false });
      feeder.intervalMs = usualInterval(feeder.intervalMs, apartMs);
    }
    feeder.lastMs = atMs;
    this.#follow(feeder, signs, atMs, { topic, sha256, wallMs, observedMs: atMs });
    if (feeder.level === seen.level) return;
    feeder.level = seen.level;
    this.#lookAt(feeder.config.substationId, atMs);
  }

  /** A value that was refused for what it is. */
  refused(feederId: string, sign: Sign, received: NonNullable<AnomalyChange['received']>): void {
    this.#follow(this.#feeders.get(feederId)!, [sign], received.observedMs, received);
  }

  /**
   * Looks for feeders that fell silent, now and then (grid time), until it is closed. `lastRead` knows what other
   * processes read, to whom the stream may have given a feeder.
   */
  watchSilence(lastRead: LastRead = async () => new Map()): { close(): Promise<void> } {
    const { log } = this.#context;
    return repeatedly(this.#context, {
      label: 'silent feeders',
      everyMs: SILENCE_CHECK_MS,
      run: () => this.#lookForSilence(lastRead),
      failed: (error) =>
        log.warn({ error: String(error) }, 'silent feeders could not be looked for; will be tried again'),
    });
  }

  async #lookForSilence(lastRead: LastRead): Promise<void> {
    const nowMs = this.#context.grid.nowMs();
    const silent = [...this.#feeders.values()].filter((feeder) => isSilent(feeder, nowMs));
    const elsewhere = silent.length === 0 ? new Map() : await lastRead(silent.map(({ config }) => config.feederId));
    for (const feeder of silent) {
      const { feederId } = feeder.config;
      feeder.lastMs = Math.max(feeder.lastMs!, elsewhere.get(feederId) ?? 0);
      if (!isSilent(feeder, nowMs)) continue;
      this.#follow(feeder, [missingSign(feederId, feeder.lastMs, nowMs, allowedMs(feeder))], nowMs);
    }
    for (const [substationId, open] of this.#substations) if (open.size > 0) this.#lookAt(substationId, nowMs);
  }

  #follow(feeder: Watched, signs: readonly Sign[], atMs: number, received?: AnomalyChange['received']): void {
    const { feederId, substationId } = feeder.config;
    const { open, raised, cleared } = follow(feeder.anomalies, signs, atMs);
    if (open === feeder.anomalies) return;
    feeder.anomalies = open;
    const of = { feederId, atMs, ...(received && { received }) };
    for (const anomaly of raised) {
      this.#tell({ change: 'raised', anomaly, ...of }, () => {
        feeder.anomalies = without(feeder.anomalies, anomaly);
      });
    }
    for (const anomaly of cleared) this.#tell({ change: 'cleared', anomaly, ...of });
    this.#lookAt(substationId, atMs);
  }

  #lookAt(substationId: string | undefined, atMs: number): void {
    if (substationId === undefined) return;
    const members = (this.#bySubstation.get(substationId) ?? []).map(({ config: { feederId }, anomalies, level }) => ({
      ...{ feederId, anomalies, level },
    }));
    const before = this.#substations.get(substationId) ?? NO_ANOMALIES;
    const { open, raised, cleared } = follow(before, [substationSign(substationId, members)], atMs);
    this.#substations.set(substationId, open);
    const forget = () => void this.#substations.set(substationId, NO_ANOMALIES);
    for (const anomaly of raised) this.#tell({ change: 'raised', anomaly, substationId, atMs }, forget);
    for (const anomaly of cleared) this.#tell({ change: 'cleared', anomaly, substationId, atMs });
  }

  /** What could not be told is found again by the next sample that shows it. */
  #tell(change: AnomalyChange, forget: () => void = () => {}): void {
    const { kind } = change.anomaly;
    if (change.change === 'raised') this.#context.metrics.count('bap_anomalies_total', { kind });
    void this.#context.activity
      .track('anomaly', () => this.#tellThem(change))
      .catch((error) => {
        forget();
        this.#context.log.error({ kind, error: String(error) }, 'an anomaly could not be told; will be found again');
      });
  }
}

function without(anomalies: Anomalies, { kind }: Anomaly): Anomalies {
  return new Map([...anomalies].filter(([each]) => each !== kind));
}

function isSilent(feeder: Watched, nowMs: number): boolean {
  return feeder.lastMs !== undefined && nowMs - feeder.lastMs > allowedMs(feeder);
}

function allowedMs({ intervalMs }: Watched): number {
  return Math.max(STALE_MS, MISSING_INTERVALS * (intervalMs ?? 0));
}

/** A gap is no interval: it counts as a doubled one at most. */
function usualInterval(usualMs: number | undefined, apartMs: number): number {
  return usualMs === undefined ? apartMs : usualMs + 0.2 * (Math.min(apartMs, 2 * usualMs) - usualMs);
}
