/** The rows of events: opened and moved with their record and their stream event in one transaction. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { Updateable } from 'kysely';
import type { Finding } from '../../grid-monitoring/detection/detection.ts';
import type { MonitoredFeeder, Received } from '../../grid-monitoring/monitor.ts';
import type { OverloadTable } from '../../tables.ts';
import type { Desk, Work } from '../desk.ts';
import type { OpenEvent, OverloadState } from './event.ts';
import { recordContext } from './outside.ts';

export async function insertOverload(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  feeder: MonitoredFeeder,
  finding: Finding,
  received: Received,
): Promise<void> {
  const { sample } = received;
  await work.db
    .insertInto('overload')
    .values({
      event_id: event.eventId,
      feeder_id: event.feederId,
      detected_by: finding.detectedBy,
      detected_at: new Date(sample.atMs),
      detected_wall_at: new Date(received.wallMs),
      rule_id: finding.rule.id,
      rule_version: finding.rule.version,
      rule_inputs: JSON.stringify(finding.inputs),
      intervention_class: event.interventionClass,
      state: 'BUYING',
      limit_kw: event.limitKw,
      release_kw: event.releaseKw,
      requested_kw: event.requestedKw,
      baseline_kw: event.baselineKw,
      window_start_at: new Date(event.window.startMs),
      window_end_at: new Date(event.window.endMs),
      peak_during_kw: null,
      measured_kw: null,
      released_at: null,
    })
    .execute();
  await work.audit({
    event_type: 'overload.detected',
    event_id: event.eventId,
    feeder_id: event.feederId,
    intervention_class: event.interventionClass,
    rule_id: finding.rule.id,
    rule_version: finding.rule.version,
    rule_inputs: { ...finding.inputs, ...essentialOf(desk, event) },
    requested_kw: event.requestedKw,
    decision: `${finding.rule.text} Relief of ${event.requestedKw} kW is bought for ${windowText(event)}.`,
    data_sources: [sourceOf(received)],
    ...(feeder.forecast ? { forecast_id: forecastId(event.feederId, feeder.forecast.issuedAtMs) } : {}),
  });
  await recordContext(desk, work, event);
  await emitOverload(desk, work, event, 'BUYING', { detectedBy: finding.detectedBy, detectedAtMs: sample.atMs });
}

/** Hospitals and homes on medical equipment behind this feeder: known to who decides, and never switched. */
function essentialOf(desk: Desk, event: OpenEvent): Record<string, number> {
  const loads = desk.config.network?.feeders.get(event.feederId)?.essentialLoads;
  return loads ? { essential_loads: loads.count, essential_peak_kw: loads.peakKw } : {};
}

/** An identifier of the network holds no colon. */
function forecastId(feederId: string, issuedAtMs: number): string {
  return `${feederId}.${new Date(issuedAtMs).toISOString().replaceAll(':', '')}`;
}

function sourceOf({ sample, wallMs, topic, sha256 }: Received) {
  return {
    id: 'feeder-telemetry',
    url_or_fixture: topic,
    retrieved_at: new Date(wallMs).toISOString(),
    observed_at: new Date(sample.atMs).toISOString(),
    sha256,
    live: true,
  };
}

function windowText({ window }: OpenEvent): string {
  return `${new Date(window.startMs).toISOString()} to ${new Date(window.endMs).toISOString()}`;
}

export interface OverloadMove {
  readonly state: OverloadState;
  readonly changes?: Updateable<OverloadTable>;
  readonly audit?: Partial<AuditEntry> & Pick<AuditEntry, 'event_type'>;
}

/** The caller sets the state in memory after the commit. */
export async function moveOverload(desk: Desk, work: Work, event: OpenEvent, move: OverloadMove): Promise<void> {
  await work.db
    .updateTable('overload')
    .set({ peak_during_kw: event.peakKw, measured_kw: event.measuredKw, ...move.changes, state: move.state })
    .where('event_id', '=', event.eventId)
    .execute();
  if (move.audit) {
    const names = { event_id: event.eventId, feeder_id: event.feederId, intervention_class: event.interventionClass };
    await work.audit({ ...names, ...move.audit });
  }
  await emitOverload(desk, work, event, move.state);
  work.afterCommit(() => {
    event.state = move.state;
    event.peakDirty = false;
  });
}

async function emitOverload(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  state: OverloadState,
  more: Record<string, unknown> = {},
): Promise<void> {
  await work.emit({
    topic: 'bap',
    key: event.feederId,
    value: {
      type: 'overload.changed',
      eventId: event.eventId,
      feederId: event.feederId,
      state,
      limitKw: event.limitKw,
      requestedKw: event.requestedKw,
      committedKw: event.committedKw,
      measuredKw: event.measuredKw,
      peakDuringKw: event.peakKw,
      windowStartMs: event.window.startMs,
      windowEndMs: event.window.endMs,
      wallAtMs: desk.context.wall.nowMs(),
      ...more,
    },
  });
}

export async function writePeak({ participant }: Desk, { eventId, peakKw }: OpenEvent): Promise<void> {
  await participant.database
    .updateTable('overload')
    .set({ peak_during_kw: peakKw })
    .where('event_id', '=', eventId)
    .execute();
}
