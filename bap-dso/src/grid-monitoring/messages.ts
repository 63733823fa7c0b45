/** What the edge tells the DSO over the event stream, as messages of schemas/stream and back. Pure. */
import { eventId } from '@flexder/protocol/beckn/identifiers.ts';
import type {
  AnomalyChanged,
  FeederReading,
  OverloadDetected,
  StreamForecast,
  StreamSample,
} from '@flexder/schemas/types.ts';
import { FINDING_READINGS, OPERATIONAL_BASELINE_MS } from '../limits.ts';
import { ANOMALY_RULES, OVERLOAD_RULES } from '../rules.ts';
import type { AnomalyChange, AnomalyKind } from './detection/anomalies.ts';
import type { Sample } from './detection/detection.ts';
import type { ModelKind } from './forecast/load-model.ts';
import type { Forecast } from './forecaster/forecaster.ts';
import type { MonitoredFeeder, NamedFinding, Received } from './monitor.ts';

/** Topic of what Grid Monitoring at the edge sees and finds, by feeder. */
export const MONITORING_TOPIC = 'monitoring';

export function readingMessage(monitorId: string, feeder: MonitoredFeeder, received: Received): FeederReading {
  return { type: 'feeder.reading', ...factsOf(monitorId, feeder, received), level: feeder.level };
}

export function findingMessage(
  monitorId: string,
  feeder: MonitoredFeeder,
  finding: NamedFinding,
  received: Received,
): OverloadDetected {
  const { atMs } = received.sample;
  const before = feeder.series.between(atMs - OPERATIONAL_BASELINE_MS, atMs);
  return {
    type: 'overload.detected',
    ...factsOf(monitorId, feeder, received),
    event_id: finding.eventId,
    detected_by: finding.detectedBy,
    rule_id: finding.rule.id,
    rule_version: finding.rule.version,
    rule_inputs: { ...finding.inputs },
    expected_peak_kw: finding.expectedPeakKw,
    crossing_at: iso(finding.crossingAtMs),
    limit_kw: feeder.limitKw,
    release_kw: feeder.releaseKw,
    recent: thinned(before).map((reading) => sampleMessage({ ...reading, quality: 'GOOD' })),
  };
}

/** Undefined for a rule of a version that this program does not know: it would be recorded in wrong words. */
export function findingOf(message: OverloadDetected): NamedFinding | undefined {
  const rule = OVERLOAD_RULES.find(({ id, version }) => id === message.rule_id && version === message.rule_version);
  return (
    rule && {
      eventId: eventId(message.event_id),
      detectedBy: message.detected_by,
      rule,
      inputs: message.rule_inputs as NamedFinding['inputs'],
      expectedPeakKw: message.expected_peak_kw,
      crossingAtMs: Date.parse(message.crossing_at),
    }
  );
}

export function anomalyMessage(monitorId: string, anomalyId: string, told: AnomalyChange): AnomalyChanged {
  const { change, anomaly, feederId, substationId, received, atMs } = told;
  return {
    ...{ type: 'anomaly.changed', v: 1, monitor_id: monitorId, anomaly_id: anomalyId, change, kind: anomaly.kind },
    ...(feederId !== undefined && { feeder_id: feederId }),
    ...(substationId !== undefined && { substation_id: substationId }),
    ...{ rule_id: anomaly.rule.id, rule_version: anomaly.rule.version, rule_inputs: { ...anomaly.inputs } },
    ...{ text: anomaly.text, at: iso(atMs) },
    ...(received && {
      source: { topic: received.topic, sha256: received.sha256, received_at: iso(received.wallMs) },
    }),
  };
}

/** Undefined for a rule of a version that this program does not know. */
export function anomalyOf(message: AnomalyChanged): AnomalyChange | undefined {
  const { rule_id, rule_version, source, feeder_id, substation_id } = message;
  const rule = ANOMALY_RULES.find(({ id, version }) => id === rule_id && version === rule_version);
  if (!rule) return undefined;
  const atMs = Date.parse(message.at);
  const inputs = message.rule_inputs as AnomalyChange['anomaly']['inputs'];
  const kind = message.kind as AnomalyKind;
  const from = source && { source: { topic: source.topic, sha256: source.sha256 } };
  return {
    change: message.change,
    anomaly: { kind, present: true, rule, inputs, text: message.text, sinceMs: atMs, absentSinceMs: null, ...from },
    ...(feeder_id !== undefined && { feederId: feeder_id }),
    ...(substation_id !== undefined && { substationId: substation_id }),
    atMs,
    ...(source && {
      received: {
        ...{ topic: source.topic, sha256: source.sha256 },
        ...{ wallMs: Date.parse(source.received_at), observedMs: atMs },
      },
    }),
  };
}

export function receivedOf({ feeder_id, sample, source }: FeederReading | OverloadDetected): Received {
  const { topic, sha256, received_at } = source;
  return { sample: { feederId: feeder_id, ...sampleOf(sample) }, wallMs: Date.parse(received_at), topic, sha256 };
}

export function sampleOf({ at, power_kw, quality }: StreamSample): Sample {
  return { atMs: Date.parse(at), powerKw: power_kw, quality };
}

export function forecastOf(message: StreamForecast | undefined): Forecast | undefined {
  if (!message) return undefined;
  const points = message.points.map(({ at, power_kw, low_kw, high_kw }) => ({
    atMs: Date.parse(at),
    powerKw: power_kw,
    lowKw: low_kw,
    highKw: high_kw,
  }));
  const { version, fitted_at, used } = message;
  return {
    issuedAtMs: Date.parse(message.issued_at),
    model: message.model as ModelKind,
    ...(version !== undefined && { version }),
    ...(fitted_at !== undefined && { fittedAtMs: fitted_at === null ? null : Date.parse(fitted_at) }),
    ...(used !== undefined && { used }),
    points,
  };
}

function factsOf(
  monitorId: string,
  { config, forecast }: MonitoredFeeder,
  { sample, topic, sha256, wallMs }: Received,
) {
  return {
    v: 1 as const,
    monitor_id: monitorId,
    feeder_id: config.feederId,
    sample: sampleMessage(sample),
    source: { topic, sha256, received_at: iso(wallMs) },
    ...(forecast ? { forecast: forecastMessage(forecast) } : {}),
  };
}

function sampleMessage({ atMs, powerKw, quality }: Sample): StreamSample {
  return { at: iso(atMs), power_kw: powerKw, quality };
}

function forecastMessage({ issuedAtMs, model, version, fittedAtMs, used, points }: Forecast): StreamForecast {
  return {
    issued_at: iso(issuedAtMs),
    model,
    ...(version !== undefined && { version }),
    ...(fittedAtMs !== undefined && { fitted_at: fittedAtMs === null ? null : iso(fittedAtMs) }),
    ...(used !== undefined && { used: [...used] }),
    points: points.map(({ atMs, powerKw, lowKw, highKw }) => ({
      at: iso(atMs),
      power_kw: powerKw,
      low_kw: lowKw,
      high_kw: highKw,
    })),
  };
}

/** Evenly, so that the mean stays what it is. */
function thinned<T>(readings: readonly T[]): T[] {
  const step = Math.max(1, Math.ceil(readings.length / FINDING_READINGS));
  return readings.filter((_, i) => (readings.length - 1 - i) % step === 0);
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
