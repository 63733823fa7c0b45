/** The feeders as Grid Monitoring at the edge tells of them: the same view that a monitor in this process would give. */
import type { Context } from '@flexder/runtime/context.ts';
import type { AnomalyChanged, FeederReading, OverloadDetected } from '@flexder/schemas/types.ts';
import type { BapConfig, FeederConfig } from '../config.ts';
import { ANOMALIES_REMEMBERED, TELEMETRY_FUTURE_MS } from '../limits.ts';
import { type Anomalies, type AnomalyChange, NO_ANOMALIES } from './detection/anomalies.ts';
import type { DetectorState, Sample } from './detection/detection.ts';
import type { Forecast } from './forecaster/forecaster.ts';
import { anomalyOf, forecastOf, receivedOf, sampleOf } from './messages.ts';
import type { MonitoredFeeder, MonitorListener, Received } from './monitor.ts';
import type { ReadingWriter } from './telemetry/reading-writer.ts';
import { FeederSeries } from './telemetry/series.ts';
import type { AdmittedSample } from './telemetry/telemetry.ts';

interface RemoteFeeder {
  readonly config: FeederConfig;
  readonly limitKw: number;
  readonly releaseKw: number;
  readonly series: FeederSeries;
  sample: AdmittedSample | undefined;
  forecast: Forecast | undefined;
  level: DetectorState['level'];
  anomalies: Anomalies;
  substationAnomalies: Anomalies;
}

export class RemoteMonitor {
  readonly #context: Context;
  readonly #writer: Pick<ReadingWriter, 'add'>;
  readonly #feeders: ReadonlyMap<string, RemoteFeeder>;
  /** Changes of before, so that a repeated one is no second alarm. */
  readonly #told = new Set<string>();
  /** How each anomaly stands: a process that takes feeders over may raise or clear what another did. */
  readonly #stands = new Map<string, AnomalyChange['change']>();
  #listener: Pick<MonitorListener, 'onSample' | 'onAnomaly'> | undefined;

  constructor(context: Context, { feeders }: Pick<BapConfig, 'feeders'>, writer: Pick<ReadingWriter, 'add'>) {
    this.#context = context;
    this.#writer = writer;
    this.#feeders = new Map(feeders.map((config) => [config.feederId, openFeeder(config)]));
  }

  listen(listener: Pick<MonitorListener, 'onSample' | 'onAnomaly'>): void {
    this.#listener = listener;
  }

  /** A reading of the edge, in order of its time; what is repeated, older or from the future is dropped and counted. */
  reading(message: FeederReading): void {
    const feeder = this.#feeders.get(message.feeder_id);
    const received = receivedOf(message);
    const refused = feeder ? this.#refusal(feeder, received.sample) : 'unknown-feeder';
    if (!feeder || refused) {
      this.#context.metrics.count('bap_telemetry_refused_total', { reason: String(refused) });
      return;
    }
    this.#context.metrics.count('bap_telemetry_samples_total');
    this.#take(feeder, received.sample, message);
    feeder.level = message.level;
    this.#listener?.onSample(feeder, received);
  }

  /** An anomaly of the edge, told on once; a throw is a reason to hand it in again. */
  async anomaly(message: AnomalyChanged): Promise<void> {
    const change = anomalyOf(message);
    const feeder = message.feeder_id === undefined ? undefined : this.#feeders.get(message.feeder_id);
    const refused = !change || (message.feeder_id !== undefined && !feeder);
    const about = JSON.stringify([message.feeder_id, message.substation_id, message.kind]);
    const repeated = this.#told.has(message.anomaly_id) || this.#stands.get(about) === message.change;
    const outcome = refused ? 'refused' : repeated ? 'repeated' : change.change;
    this.#context.metrics.count('bap_remote_anomalies_total', { outcome });
    if (!change || outcome === 'refused' || outcome === 'repeated') return;
    await this.#listener?.onAnomaly?.(change);
    this.#told.add(message.anomaly_id);
    this.#stands.delete(about);
    this.#stands.set(about, message.change);
    for (const remembered of [this.#told, this.#stands]) {
      const [oldest] = remembered.keys();
      if (remembered.size > ANOMALIES_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    }
    if (feeder) feeder.anomalies = changed(feeder.anomalies, change);
    else if (message.substation_id !== undefined) this.#substation(message.substation_id, change);
  }

  #substation(substationId: string, change: AnomalyChange): void {
    for (const feeder of this.#feeders.values()) {
      if (feeder.config.substationId !== substationId) continue;
      feeder.substationAnomalies = changed(feeder.substationAnomalies, change);
    }
  }

  /** What a finding says of its feeder, for who acts on it; undefined for a feeder that is not ours. */
  found(message: OverloadDetected): { readonly feeder: MonitoredFeeder; readonly received: Received } | undefined {
    const feeder = this.#feeders.get(message.feeder_id);
    if (!feeder) return undefined;
    const received = receivedOf(message);
    for (const recent of message.recent.map(sampleOf)) {
      if (isNewer(feeder, recent)) feeder.series.add(recent);
    }
    if (isNewer(feeder, received.sample)) this.#take(feeder, received.sample, message);
    // The limits of the edge are those it found the overload by: of the season, or with a transformer out.
    return { feeder: { ...feeder, limitKw: message.limit_kw, releaseKw: message.release_kw }, received };
  }

  #take(feeder: RemoteFeeder, sample: AdmittedSample, message: Pick<FeederReading, 'forecast'>): void {
    feeder.sample = sample;
    feeder.series.add(sample);
    feeder.forecast = forecastOf(message.forecast);
    this.#writer.add(sample);
  }

  #refusal({ sample: last }: RemoteFeeder, sample: Sample): string | undefined {
    if (sample.atMs > this.#context.grid.nowMs() + TELEMETRY_FUTURE_MS) return 'future';
    if (last && sample.atMs === last.atMs) return 'duplicate';
    return last && sample.atMs < last.atMs ? 'out-of-order' : undefined;
  }

  /** The edge hears of events by the stream, from their own records. */
  reopen(): void {}
  released(): void {}

  feeder(feederId: string): MonitoredFeeder | undefined {
    return this.#feeders.get(feederId);
  }

  feeders(): MonitoredFeeder[] {
    return [...this.#feeders.values()];
  }
}

function changed(open: Anomalies, { change, anomaly }: AnomalyChange): Anomalies {
  const anomalies = new Map(open);
  if (change === 'raised') anomalies.set(anomaly.kind, anomaly);
  else anomalies.delete(anomaly.kind);
  return anomalies;
}

function isNewer({ series }: RemoteFeeder, { atMs }: Sample): boolean {
  return series.last === undefined || atMs > series.last.atMs;
}

function openFeeder(config: FeederConfig): RemoteFeeder {
  const { limitKw, releaseShare } = config;
  const releaseKw = limitKw * releaseShare;
  return {
    config,
    limitKw,
    releaseKw,
    series: new FeederSeries(),
    sample: undefined,
    forecast: undefined,
    level: 'NORMAL',
    anomalies: NO_ANOMALIES,
    substationAnomalies: NO_ANOMALIES,
  };
}
