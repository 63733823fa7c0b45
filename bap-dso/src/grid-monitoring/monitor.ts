/** Grid Monitoring: telemetry in, one state a feeder, findings out. Detection waits for no database. */
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { BusClient, BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import { feederFilter } from '@flexder/runtime/engines/bus/topics.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import type { BapConfig, FeederConfig } from '../config.ts';
import { type LimitsAt, limitsAt } from '../network-model/feeders.ts';
import { ARMED, type DetectorState, detect, eventClosed, eventOpened, type Finding } from './detection.ts';
import { type Forecast, Forecaster } from './forecaster.ts';
import type { ReadingWriter } from './reading-writer.ts';
import { FeederSeries } from './series.ts';
import { type AdmittedSample, admit } from './telemetry.ts';

/** A sample as it came: the start of every latency figure. */
export interface Received {
  readonly sample: AdmittedSample;
  /** Wall time, milliseconds. */
  readonly wallMs: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Its limits are those of the season at grid time. */
export interface MonitoredFeeder extends LimitsAt {
  readonly config: FeederConfig;
  readonly series: FeederSeries;
  /** The latest sample; undefined before the first. */
  readonly sample: AdmittedSample | undefined;
  readonly forecast: Forecast | undefined;
  readonly level: DetectorState['level'];
}

export interface MonitorListener {
  /** Every admitted sample. */
  onSample(feeder: MonitoredFeeder, received: Received): void;
  /** A rule was met and no event is open. Rejects when the event could not be opened: the next sample tries again. */
  onFinding(feeder: MonitoredFeeder, finding: Finding, received: Received): Promise<void>;
}

interface FeederState {
  readonly config: FeederConfig;
  readonly series: FeederSeries;
  readonly forecaster: Forecaster;
  sample: AdmittedSample | undefined;
  forecast: Forecast | undefined;
  detector: DetectorState;
}

export class Monitor {
  readonly #context: Context;
  readonly #config: BapConfig;
  readonly #writer: Pick<ReadingWriter, 'add'>;
  readonly #feeders: ReadonlyMap<string, FeederState>;
  #listener: MonitorListener | undefined;

  constructor(context: Context, config: BapConfig, writer: Pick<ReadingWriter, 'add'>) {
    this.#context = context;
    this.#config = config;
    this.#writer = writer;
    const history = new Map(config.history.map((entry) => [entry.feederId, entry.readings]));
    this.#feeders = new Map(
      config.feeders.map((feeder) => [feeder.feederId, openFeeder(feeder, history.get(feeder.feederId))]),
    );
  }

  async start(bus: Pick<BusClient, 'subscribe'>, listener: MonitorListener): Promise<void> {
    this.#listener = listener;
    await bus.subscribe(feederFilter(subscriberId(this.#config.subscriberId)), (message) => this.receive(message));
  }

  /** One message of the bus. Never throws for what it holds. */
  receive({ topic, payload }: BusMessage): void {
    const wallMs = this.#context.wall.nowMs();
    const admission = admit(topic, payload, {
      dsoId: this.#config.subscriberId,
      nowMs: this.#context.grid.nowMs(),
      lastAtMs: (feederId) => {
        const feeder = this.#feeders.get(feederId);
        return feeder ? feeder.sample?.atMs : null;
      },
      validate: (body) => validateDevice('feeder-telemetry', body),
    });
    if (!admission.admitted) {
      this.#context.metrics.count('bap_telemetry_refused_total', { reason: admission.reason });
      this.#context.log.debug({ topic: topic.slice(0, 200), reason: admission.reason }, 'a feeder sample was refused');
      return;
    }
    this.#take(this.#feeders.get(admission.sample.feederId)!, { sample: admission.sample, wallMs, topic, payload });
  }

  #take(feeder: FeederState, received: Received): void {
    const { sample } = received;
    this.#context.metrics.count('bap_telemetry_samples_total');
    feeder.sample = sample;
    const completed = feeder.series.add(sample);
    if (completed) feeder.forecaster.learn(feeder.detector.eventOpen);
    feeder.forecast = feeder.forecaster.forecast();
    const horizonMs = this.#config.forecastHorizonMinutes * 60_000;
    const limits = limitsAt(feeder.config, sample.atMs);
    const { state, finding } = detect(feeder.detector, sample, feeder.forecast, limits, horizonMs);
    feeder.detector = state;
    if (finding) this.#report(feeder, finding, received);
    this.#listener?.onSample(viewOf(feeder, sample.atMs), received);
    this.#writer.add(sample);
  }

  #report(feeder: FeederState, finding: Finding, received: Received): void {
    this.#context.metrics.count('bap_overloads_detected_total', { by: finding.detectedBy });
    void this.#context.activity
      .track('overload', async () => this.#listener?.onFinding(viewOf(feeder, received.sample.atMs), finding, received))
      .catch((error) => {
        feeder.detector = { ...feeder.detector, eventOpen: false };
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

  /** The event of this feeder ended at `atMs`, grid time. */
  released(feederId: string, atMs: number): void {
    const feeder = this.#feeders.get(feederId);
    if (feeder) feeder.detector = eventClosed(feeder.detector, atMs);
  }

  feeder(feederId: string): MonitoredFeeder | undefined {
    const feeder = this.#feeders.get(feederId);
    return feeder && viewOf(feeder, this.#context.grid.nowMs());
  }

  feeders(): MonitoredFeeder[] {
    const nowMs = this.#context.grid.nowMs();
    return [...this.#feeders.values()].map((feeder) => viewOf(feeder, nowMs));
  }
}

function openFeeder(config: FeederConfig, history: readonly { atMs: number; powerKw: number }[] = []): FeederState {
  const series = new FeederSeries(history);
  return {
    config,
    series,
    forecaster: new Forecaster(series),
    sample: undefined,
    forecast: undefined,
    detector: ARMED,
  };
}

function viewOf({ config, series, sample, forecast, detector }: FeederState, atMs: number): MonitoredFeeder {
  return { ...limitsAt(config, atMs), config, series, sample, forecast, level: detector.level };
}
