/** What a person must hear of: recorded, counted and told to the operator, in one transaction with what caused it. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { ANOMALY_KINDS, type AnomalyChange, type AnomalyKind } from '../../grid-monitoring/detection/anomalies.ts';
import { ruleOf } from '../../rules.ts';
import type { Desk, Work } from '../desk.ts';
import type { OpenEvent } from '../events/event.ts';

export type AlarmKind =
  | 'search-undelivered'
  | 'cancel-undelivered'
  | 'cancel-refused'
  | 'change-refused'
  | 'change-unanswered'
  | 'nothing-to-buy'
  | 'plan-insufficient'
  | 'relief-short'
  | 'telemetry-missing'
  | 'completion-missing'
  | 'order-lost'
  | 'excluded-der-used'
  | 'decision-needed'
  | AnomalyKind;

export interface Alarm {
  readonly kind: AlarmKind;
  readonly text: string;
  readonly eventId?: string;
  readonly feederId?: string;
  readonly obpId?: string;
  /** Of what concerns all that hangs on a substation. */
  readonly substationId?: string;
}

/** `record`: what the record has beside the alarm. */
export async function raiseAlarm(
  desk: Pick<Desk, 'context'>,
  work: Work,
  alarm: Alarm,
  record: Partial<AuditEntry> = {},
): Promise<void> {
  desk.context.metrics.count('bap_alarms_total', { kind: alarm.kind });
  desk.context.log.warn({ ...alarm }, 'alarm');
  await work.audit({
    event_type: 'alarm.raised',
    code: alarm.kind,
    decision: alarm.text,
    ...(alarm.eventId ? { event_id: alarm.eventId } : {}),
    ...(alarm.feederId ? { feeder_id: alarm.feederId } : {}),
    ...(alarm.obpId ? { obp_id: alarm.obpId } : {}),
    ...record,
  });
  await work.db
    .insertInto('alarm')
    .values({
      kind: alarm.kind,
      text: alarm.text,
      event_id: alarm.eventId ?? null,
      feeder_id: alarm.feederId ?? null,
      obp_id: alarm.obpId ?? null,
      substation_id: alarm.substationId ?? null,
      raised_wall_at: new Date(desk.context.wall.nowMs()),
    })
    .execute();
  await work.emit({
    topic: 'bap',
    key: alarm.feederId ?? alarm.obpId ?? alarm.kind,
    value: { type: 'alarm.raised', ...alarm, wallAtMs: desk.context.wall.nowMs() },
  });
}

/** An anomaly that Grid Monitoring raised is an alarm; one that it cleared is a record. */
export async function recordAnomaly(desk: Pick<Desk, 'context'>, work: Work, change: AnomalyChange): Promise<void> {
  const { anomaly, feederId, substationId } = change;
  const { kind, text, rule, inputs } = anomaly;
  const record = { ...ruleOf(rule), rule_inputs: { ...inputs }, ...sourcesOf(change) };
  await clearAlarms(desk, work, change);
  if (change.change === 'raised') {
    const where = { ...(feederId && { feederId }), ...(substationId && { substationId }) };
    return raiseAlarm(desk, work, { kind, text, ...where }, record);
  }
  await work.audit({
    ...{ event_type: 'anomaly.cleared', code: kind, ...(feederId && { feeder_id: feederId }), ...record },
    decision: `Not seen for ten minutes: ${text}`,
  });
}

function sourcesOf({ received }: AnomalyChange): Pick<AuditEntry, 'data_sources'> {
  if (!received) return {};
  const source = {
    ...{ id: 'feeder-telemetry', url_or_fixture: received.topic, sha256: received.sha256, live: true },
    retrieved_at: new Date(received.wallMs).toISOString(),
    observed_at: new Date(received.observedMs).toISOString(),
  };
  return { data_sources: [source] };
}

/** Alarms of an anomaly that is over, or that is raised anew. */
async function clearAlarms({ context }: Pick<Desk, 'context'>, work: Work, change: AnomalyChange): Promise<void> {
  const { feederId = null, substationId = null } = change;
  await work.db
    .updateTable('alarm')
    .set({ cleared_wall_at: new Date(context.wall.nowMs()) })
    .where('kind', '=', change.anomaly.kind)
    .where('cleared_wall_at', 'is', null)
    .where('feeder_id', 'is not distinct from', feederId)
    .where('substation_id', 'is not distinct from', substationId)
    .execute();
}

/** A process that begins knows of no anomaly: one that lasts is raised again. */
export async function clearAnomalyAlarms({ context, participant }: Pick<Desk, 'context' | 'participant'>) {
  await participant.database
    .updateTable('alarm')
    .set({ cleared_wall_at: new Date(context.wall.nowMs()) })
    .where('kind', 'in', ANOMALY_KINDS)
    .where('cleared_wall_at', 'is', null)
    .execute();
}

/** Relief is due, and the feeder is not read. */
export async function alarmUnread(desk: Desk, { eventId, feederId }: OpenEvent): Promise<void> {
  const text = `relief on ${feederId} cannot be verified: no telemetry since it was due`;
  const alarm = { kind: 'telemetry-missing', eventId, feederId, text } as const;
  await desk.participant.transact((work) => raiseAlarm(desk, work, alarm));
}
