/**
 * Grid Monitoring: telemetry in, one state a feeder, findings out. Detection waits for no database. It runs in the
 * DSO's process or alone at the edge; who listens acts on what it finds, or passes it on.
 */
import { createHash } from 'node:crypto';
import { type EventId, eventId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import type { Share } from '@flexder/runtime/engines/events/port.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import type { BapConfig, FeederConfig } from '../config.ts';
import { FITS_AT_ONCE, FORECAST_QUIET_MS, RISE_WITHIN_MS } from '../limits.ts';
import { type LimitsAt, limitsAt, limitsWithOutage } from '../network-model/feeders.ts';
import type { Anomalies, AnomalyChange } from './detection/anomalies.ts';
import { AnomalyWatch, type LastRead } from './detection/anomaly-watch.ts';
import { type DetectorState, detect, eventClosed, eventOpened, type Finding } from './detection/detection.ts';
import { implausible, refusedSign } from './detection/symptoms.ts';
import { type FeederState, openFeeders } from './feeder-state.ts';
import type { ForecastInput } from './forecast/inputs.ts';
import { FitQueue } from './forecaster/fit-queue.ts';
import type { Forecasting } from './forecaster/forecast-keeper.ts';
import { type Beginning, NOTHING_KEPT } from './forecaster/forecast-restore.ts';
import type { TakenState } from './forecaster/forecast-store.ts';
import type { Forecast } from './forecaster/forecaster.ts';
import type { ReadingWriter } from './telemetry/reading-writer.ts';
import type { FeederSeries } from './telemetry/series.ts';
import { type Admission, type AdmittedSample, admitMessage, admitReading } from './telemetry/telemetry.ts';

/** A sample as it came: the start of every latency figure. */
export interface Received {
  readonly sample: AdmittedSample;
  /** Wall time, milliseconds. */
  readonly wallMs: number;
  readonly topic: string;
  /** Of the message as it came, lower-case hex. */
  readonly sha256: string;
}

type Refused = Admission & { readonly admitted: false };

/** What Grid Monitoring is told of the network. */
export type MonitoringConfig = Pick<BapConfig, 'subscriberId' | 'feeders' | 'history' | 'forecastHorizonMinutes'>;

/** A finding with the name that everything which comes of it carries. */
export interface NamedFinding extends Finding {
  readonly eventId: EventId;
}

/** Its limits are those of the season at grid time. */
export interface MonitoredFeeder extends LimitsAt {
  readonly config: FeederConfig;
  readonly series: FeederSeries;
  /** The latest sample; undefined before the first. */
  readonly sample: AdmittedSample | undefined;
  readonly forecast: Forecast | undefined;
  readonly level: DetectorState['level'];
  readonly anomalies: Anomalies;
  /** Of the substation that feeds it. */
  readonly substationAnomalies: Anomalies;
}

export interface MonitorListener {
  /** Every admitted sample. */
  onSample(feeder: MonitoredFeeder, received: Received): void;
  /** A rule was met and no event is open. Rejects when the event could not be opened: the next sample tries again. */
  onFinding(feeder: MonitoredFeeder, finding: NamedFinding, received: Received): Promise<void>;
  /** An anomaly was raised or cleared. Rejects when that could not be told: one that was raised is raised again. */
  onAnomaly?(change: AnomalyChange): Promise<void>;
}

export class Monitor implements Forecasting {
  readonly #context: Context;
  readonly #config: MonitoringConfig;
  readonly #writer: Pick<ReadingWriter, 'add'>;
  readonly #feeders: ReadonlyMap<string, FeederState>;
  /** Absent for few feeders: then every forecast is of fits that read all there was. */
  readonly #fits: FitQueue | undefined;
  readonly #anomalies: AnomalyWatch;
  #listener: MonitorListener | undefined;

  constructor(
    context: Context,
    config: MonitoringConfig,
    writer: Pick<ReadingWriter, 'add'>,
    { restored, histories }: Beginning = NOTHING_KEPT,
    inputs: readonly ForecastInput[] = [],
  ) {
    this.#context = context;
    this.#config = config;
    this.#writer = writer;
    this.#anomalies = new AnomalyWatch(context, config.feeders);
    const deferred = config.feeders.length > FITS_AT_ONCE;
    this.#fits = deferred ? new FitQueue(context) : undefined;
    this.#feeders = openFeeders(context.wall, config, { restored, histories }, { inputs, deferred });
    for (const [feederId, { series, forecaster }] of this.#feeders) {
      this.#anomalies.began(feederId, series.last?.atMs);
      this.#fits?.add(forecaster);
    }
  }

  /** To be called before the first reading. */
  listen(listener: MonitorListener): void {
    this.#listener = listener;
    this.#anomalies.listen(async (change) => listener.onAnomaly?.(change));
  }

  /** One message of the device bus. Never throws for what it holds. */
  receive({ topic, payload }: Pick<BusMessage, 'topic' | 'payload'>): void {
    this.#admit(topic, payload, admitMessage(topic, payload, this.#rules()));
  }

  /** One reading of the event stream: `key` names the feeder, `bytes` are the message. Never throws for what it holds. */
  receiveReading(topic: string, key: string, body: unknown, bytes: Uint8Array): void {
    this.#admit(topic, bytes, admitReading(key, body, this.#rules()));
  }

  #rules() {
    return {
      dsoId: this.#config.subscriberId,
      nowMs: this.#context.grid.nowMs(),
      lastAtMs: (feederId: string) => {
        const feeder = this.#feeders.get(feederId);
        return feeder ? feeder.sample?.atMs : null;
      },
      mayHear: (feederId: string) => this.#feeders.get(feederId)?.mayHear() ?? false,
      implausible: (feederId: string, powerKw: number, atMs: number) => {
        const { config, series } = this.#feeders.get(feederId)!;
        return implausible(powerKw, series.last?.powerKw, limitsAt(config, atMs));
      },
      validate: (body: unknown) => validateDevice('feeder-telemetry', body),
    };
  }

  #admit(topic: string, bytes: Uint8Array, admission: Admission): void {
    const wallMs = this.#context.wall.nowMs();
    if (!admission.admitted) {
      this.#context.metrics.count('bap_telemetry_refused_total', { reason: admission.reason });
      this.#context.log.debug({ topic: topic.slice(0, 200), reason: admission.reason }, 'a feeder sample was refused');
      this.#suspect(topic, bytes, admission, wallMs);
      return;
    }
    const { sample } = admission;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#take(this.#feeders.get(sample.feederId)!, { sample, wallMs, topic, sha256 });
  }

  /** A value that was refused for what it is. */
  #suspect(topic: string, bytes: Uint8Array, { reason, feederId, powerKw }: Refused, wallMs: number): void {
    const feeder = feederId === undefined ? undefined : this.#feeders.get(feederId);
    if (!feeder || powerKw === undefined || (reason !== 'impossible' && reason !== 'unit-confused')) return;
    const atMs = this.#context.grid.nowMs();
    const limits = limitsAt(feeder.config, atMs);
    const sign = refusedSign(feeder.config.feederId, reason, powerKw, feeder.series.last?.powerKw, limits);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#anomalies.refused(feeder.config.feederId, sign, { topic, sha256, wallMs, observedMs: atMs });
  }

  /** One of the fits that wait, now; false when none does. */
  fitOne(): boolean {
    return this.#fits?.fitOne() ?? false;
  }

  /** Fits nothing more in the background. */
  async close(): Promise<void> {
    this.#fits?.close();
  }

  /** Looks for feeders that fell silent, until it is closed; `lastRead` knows what other processes read. */
  watchSilence(lastRead?: LastRead): { close(): Promise<void> } {
    return this.#anomalies.watchSilence(lastRead);
  }

  /** Of several processes of one group this one judges the silence of these feeders. */
  share(judges: Share): void {
    this.#anomalies.share(judges);
  }

  readElsewhere(feederId: string, atMs: number): void {
    this.#anomalies.readElsewhere(feederId, atMs);
  }

  toldElsewhere(change: AnomalyChange): void {
    this.#anomalies.toldElsewhere(change);
  }

  #take(feeder: FeederState, received: Received): void {
    const { sample } = received;
    this.#context.metrics.count('bap_telemetry_samples_total');
    const before = feeder.series.between(sample.atMs - RISE_WITHIN_MS, sample.atMs);
    feeder.sample = sample;
    const completed = feeder.series.add(sample);
    const relieved = feeder.detector.eventOpen;
    if (completed) feeder.forecaster.learn(relieved);
    feeder.forecast = feeder.forecaster.forecast(relieved);
    if (completed) this.#fits?.add(feeder.forecaster);
    const horizonMs = this.#config.forecastHorizonMinutes * 60_000;
    const limits = this.#limitsOf(feeder, sample.atMs);
    const { state, finding } = detect(feeder.detector, sample, feeder.forecast, limits, horizonMs);
    feeder.detector = state;
    if (finding) this.#report(feeder, finding, received);
    const quiet = relieved || isQuiet(state, sample.atMs);
    this.#anomalies.sample(received, { before, limits, relieved: quiet, level: state.level });
    this.#listener?.onSample(this.#view(feeder, sample.atMs), received);
    this.#writer.add(sample);
  }

  #report(feeder: FeederState, finding: Finding, received: Received): void {
    this.#context.metrics.count('bap_overloads_detected_total', { by: finding.detectedBy });
    const named = { ...finding, eventId: eventId(`event-${this.#context.ids.uuid()}`) };
    void this.#context.activity
      .track('overload', async () =>
        this.#listener?.onFinding(this.#view(feeder, received.sample.atMs), named, received),
      )
      .catch((error) => {
        this.rearm(feeder.config.feederId);
        this.#context.log.error(
          { feederId: feeder.config.feederId, error: String(error) },
          'an event could not be opened',
        );
      });
  }

  /** An event of before a restart is still open. */
  reopen(feederId: string): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) feeder.detector = eventOpened(feeder.detector);
  }

  /** Nothing came of what was found: the next sample may find it again. */
  rearm(feederId: string): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) feeder.detector = { ...feeder.detector, eventOpen: false };
  }

  /** The event of this feeder ended at `atMs`, grid time. */
  released(feederId: string, atMs: number): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) feeder.detector = eventClosed(feeder.detector, atMs);
  }

  feederIds(): readonly string[] {
    return [...this.#feeders.keys()];
  }

  forecastState(feederId: string, afterMs: number): TakenState | undefined {
    const feeder = this.#feeders.get(feederId);
    const atMs = feeder?.series.last?.atMs;
    if (!feeder || atMs === undefined || atMs <= afterMs) return undefined;
    return { feederId, atMs, state: feeder.forecaster.snapshot(), fittedAtMs: feeder.forecaster.fittedAtMs };
  }

  feeder(feederId: string): MonitoredFeeder | undefined {
    const feeder = this.#feeders.get(feederId);
    return feeder && this.#view(feeder, this.#context.grid.nowMs());
  }

  feeders(): MonitoredFeeder[] {
    const nowMs = this.#context.grid.nowMs();
    return [...this.#feeders.values()].map((feeder) => this.#view(feeder, nowMs));
  }

  #view(feeder: FeederState, atMs: number): MonitoredFeeder {
    const { config, series, sample, forecast, detector } = feeder;
    const anomalies = this.#anomalies.of(config.feederId);
    const substationAnomalies = this.#anomalies.ofSubstation(config.substationId);
    const known = { config, series, sample, forecast, level: detector.level, anomalies, substationAnomalies };
    return { ...this.#limitsOf(feeder, atMs), ...known };
  }

  /** A transformer that is out lowers the limit as long as the anomaly is open, so that it does not go up and down. */
  #limitsOf({ config, sample }: FeederState, atMs: number): LimitsAt {
    const limits = limitsAt(config, atMs);
    const out = sample?.transformersOut ?? this.#anomalies.of(config.feederId).get('transformer-out');
    return out ? limitsWithOutage(limits) : limits;
  }
}

/** The load rebounds after an event, and that is no anomaly. */
function isQuiet({ eventClosedAtMs }: DetectorState, atMs: number): boolean {
  return eventClosedAtMs !== null && atMs < eventClosedAtMs + FORECAST_QUIET_MS;
}
