/** Feeders as the operator sees them: the present view, and every sample on the stream. */
import type { Context } from '@flexder/runtime/context.ts';
import { STALE_MS } from '../limits.ts';
import type { FeederView } from '../operator-api/deps.ts';
import type { Anomaly } from './detection/anomalies.ts';
import type { Forecast } from './forecaster/forecaster.ts';
import type { Monitor, MonitoredFeeder, MonitorListener, Received } from './monitor.ts';

interface EventStates {
  eventOf(feederId: string): { readonly state: string } | undefined;
}

export function feederViews(context: Context, monitor: Pick<Monitor, 'feeders'>, events: EventStates): FeederView[] {
  const nowMs = context.grid.nowMs();
  return monitor.feeders().map((feeder) => viewOf(feeder, events, nowMs));
}

function viewOf(feeder: MonitoredFeeder, events: EventStates, nowMs: number): FeederView {
  const { config, sample } = feeder;
  const quality = !sample ? 'NONE' : nowMs - sample.atMs > STALE_MS ? 'STALE' : sample.quality;
  return {
    feederId: config.feederId,
    name: config.name,
    limitKw: feeder.limitKw,
    releaseKw: feeder.releaseKw,
    ...(feeder.season === undefined
      ? {}
      : { season: feeder.season, normalKw: feeder.normalKw ?? null, firmKw: feeder.firmKw ?? null }),
    powerKw: sample?.powerKw ?? null,
    at: sample?.atMs ?? null,
    quality,
    forecast: feeder.forecast?.points ?? [],
    ...(feeder.forecast && { forecastBasis: basisOf(feeder.forecast) }),
    state: events.eventOf(config.feederId)?.state ?? feeder.level,
    anomalies: [
      ...[...feeder.anomalies.values()].map(anomalyView),
      ...[...feeder.substationAnomalies.values()].map((anomaly) => ({
        ...anomalyView(anomaly),
        ...(config.substationId !== undefined && { substationId: config.substationId }),
      })),
    ],
  };
}

function anomalyView({ kind, sinceMs, text, rule, inputs, source }: Anomaly) {
  return { kind, sinceMs, text, ruleId: rule.id, ruleVersion: rule.version, inputs, source: source ?? null };
}

/** By which model, fitted until when, from what: so that whoever looks can judge it. */
function basisOf({ model, version, fittedAtMs, used }: Forecast): NonNullable<FeederView['forecastBasis']> {
  return { model, version: version ?? null, fittedAtMs: fittedAtMs ?? null, used: used ?? [] };
}

/** Samples go to the stream directly and not through the outbox: the next one replaces what was lost. */
export function streamSamples(context: Context, events: MonitorListener & EventStates): MonitorListener {
  return {
    onFinding: (feeder, finding, received) => events.onFinding(feeder, finding, received),
    onAnomaly: async (change) => events.onAnomaly?.(change),
    onSample: (feeder, received) => {
      events.onSample(feeder, received);
      publish(context, feeder, received, events);
    },
  };
}

function publish(context: Context, feeder: MonitoredFeeder, { sample }: Received, events: EventStates): void {
  const { feederId, atMs, powerKw, quality } = sample;
  const state = events.eventOf(feederId)?.state ?? feeder.level;
  const value = {
    type: 'feeder.sample',
    feederId,
    atMs,
    powerKw,
    quality,
    limitKw: feeder.limitKw,
    releaseKw: feeder.releaseKw,
    state,
  };
  void context.activity
    .track('stream', () => context.engines.events.publish([{ topic: 'bap', key: feederId, value }]))
    // The stream tells once that it is away; a line a sample would drown it.
    .catch(() => context.metrics.count('bap_samples_unpublished_total'));
}
