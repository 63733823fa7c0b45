/** The anomalies of all feeders of a monitor, and of the substations that feed several of them. */
import type { Context } from '@flexder/runtime/context.ts';
import type { Share } from '@flexder/runtime/engines/events/port.ts';
import { repeatedly } from '@flexder/runtime/repeat.ts';
import type { FeederConfig } from '../../config.ts';
import { MISSING_INTERVALS, SILENCE_CHECK_MS, STALE_MS } from '../../limits.ts';
import { groupBy } from '../../network-model/group.ts';
import type { Received } from '../monitor.ts';
import { type Anomalies, type Anomaly, type AnomalyChange, follow, NO_ANOMALIES, type Sign } from './anomalies.ts';
import type { DetectorState } from './detection.ts';
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
  /** Since when its silence is judged here, grid time: it counts from then on, read or not. */
  judgedSinceMs: number;
}

export class AnomalyWatch {
  readonly #context: Pick<Context, 'activity' | 'grid' | 'log' | 'metrics'>;
  readonly #feeders: ReadonlyMap<string, Watched>;
  readonly #bySubstation: ReadonlyMap<string, readonly Watched[]>;
  readonly #substations = new Map<string, Anomalies>();
  /** Whose silence is judged here. */
  #judges: Share = () => true;
  #tellThem: TellAnomaly = async () => {};

  constructor(context: Pick<Context, 'activity' | 'grid' | 'log' | 'metrics'>, feeders: readonly FeederConfig[]) {
    this.#context = context;
    const nothing = { anomalies: NO_ANOMALIES, level: 'NORMAL', still: undefined } as const;
    const unread = { lastMs: undefined, intervalMs: undefined, judgedSinceMs: context.grid.nowMs() };
    this.#feeders = new Map(feeders.map((config) => [config.feederId, { ...nothing, ...unread, config }]));
    const fed = [...this.#feeders.values()].filter(({ config }) => config.substationId !== undefined);
    this.#bySubstation = groupBy(fed, ({ config }) => config.substationId!);
  }

  listen(tell: TellAnomaly): void {
    this.#tellThem = tell;
  }

  /** When a feeder was read last before a restart, where it was. */
  began(feederId: string, lastMs: number | undefined): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) feeder.lastMs = lastMs;
  }

  /**
   * Only the silence of feeders of `judges` is judged from now on: others are read elsewhere. What was taken over is
   * given the time that silence may last, since its readings are only now on their way here.
   */
  share(judges: Share): void {
    const nowMs = this.#context.grid.nowMs();
    for (const [feederId, feeder] of this.#feeders) {
      if (judges(feederId) && !this.#judges(feederId)) feeder.judgedSinceMs = nowMs;
    }
    this.#judges = judges;
  }

  /** Another process read it. */
  readElsewhere(feederId: string, atMs: number): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) readAt(feeder, atMs);
  }

  /** Another process told of it: should its feeder come here, it is followed on. */
  toldElsewhere({ change, anomaly, feederId, atMs }: AnomalyChange): void {
    const feeder = feederId === undefined ? undefined : this.#feeders.get(feederId);
    if (!feeder || feeder.anomalies.has(anomaly.kind) === (change === 'raised')) return;
    feeder.anomalies =
      change === 'raised'
        ? new Map([...feeder.anomalies, [anomaly.kind, anomaly]])
        : without(feeder.anomalies, anomaly);
    this.#lookAt(feeder.config.substationId, atMs);
  }

  of(feederId: string): Anomalies {
    return this.#feeders.get(feederId)?.anomalies ?? NO_ANOMALIES;
  }

  /** Of what feeds several feeders. */
  ofSubstation(substationId: string | undefined): Anomalies {
    return (substationId !== undefined && this.#substations.get(substationId)) || NO_ANOMALIES;
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
    if (feeder.lastMs !== undefined && atMs - feeder.lastMs <= allowedMs(feeder)) signs.push(NOT_MISSING);
    readAt(feeder, atMs);
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
   * Looks for feeders that fell silent or never spoke, now and then (grid time), until it is closed. `lastRead` knows
   * what other processes of these tables read, to whom the stream may have given a feeder.
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
      const readMs = elsewhere.get(feederId);
      if (readMs !== undefined) feeder.lastMs = Math.max(feeder.lastMs ?? readMs, readMs);
      if (!isSilent(feeder, nowMs) || !this.#judges(feederId)) continue;
      this.#follow(feeder, [missingSign(feederId, { ...feeder, allowedMs: allowedMs(feeder) }, nowMs)], nowMs);
    }
    for (const feeder of this.#feeders.values()) {
      if (feeder.anomalies.has('data-missing') && !isSilent(feeder, nowMs)) this.#follow(feeder, [NOT_MISSING], nowMs);
    }
    for (const [substationId, open] of this.#substations) if (open.size > 0) this.#lookAt(substationId, nowMs);
  }

  #follow(feeder: Watched, signs: readonly Sign[], atMs: number, received?: AnomalyChange['received']): void {
    const { feederId, substationId } = feeder.config;
    const { open, raised, cleared } = follow(
      feeder.anomalies,
      signs,
      atMs,
      received && { topic: received.topic, sha256: received.sha256 },
    );
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

const NOT_MISSING: Sign = { kind: 'data-missing', present: false };

function isSilent(feeder: Watched, nowMs: number): boolean {
  const { lastMs, judgedSinceMs } = feeder;
  return nowMs - Math.max(lastMs ?? 0, judgedSinceMs) > allowedMs(feeder);
}

/** A reading that another process told of may be older than what is known, or the same. */
function readAt(feeder: Watched, atMs: number): void {
  const { lastMs, intervalMs } = feeder;
  if (lastMs !== undefined && atMs <= lastMs) return;
  if (lastMs !== undefined) feeder.intervalMs = usualInterval(intervalMs, atMs - lastMs);
  feeder.lastMs = atMs;
}

function allowedMs({ intervalMs }: Watched): number {
  return Math.max(STALE_MS, MISSING_INTERVALS * (intervalMs ?? 0));
}

/** A gap is no interval: it counts as a doubled one at most. */
function usualInterval(usualMs: number | undefined, apartMs: number): number {
  return usualMs === undefined ? apartMs : usualMs + 0.2 * (Math.min(apartMs, 2 * usualMs) - usualMs);
}
