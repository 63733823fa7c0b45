/** What a person must hear of: recorded, counted and told to the operator, in one transaction with what caused it. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { AnomalyChange, AnomalyKind } from '../grid-monitoring/anomalies.ts';
import { ruleOf } from '../rules.ts';
import type { Desk, Work } from './desk.ts';

export type AlarmKind =
  | 'search-undelivered'
  | 'cancel-undelivered'
  | 'cancel-refused'
  | 'nothing-to-buy'
  | 'plan-insufficient'
  | 'relief-short'
  | 'telemetry-missing'
  | 'completion-missing'
  | 'order-lost'
  | 'decision-needed'
  | AnomalyKind;

export interface Alarm {
  readonly kind: AlarmKind;
  readonly text: string;
  readonly eventId?: string;
  readonly feederId?: string;
  readonly obpId?: string;
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
  await work.emit({
    topic: 'bap',
    key: alarm.feederId ?? alarm.obpId ?? alarm.kind,
    value: { type: 'alarm.raised', ...alarm, wallAtMs: desk.context.wall.nowMs() },
  });
}

/** An anomaly that Grid Monitoring raised is an alarm; one that it cleared is a record. */
export async function recordAnomaly(desk: Pick<Desk, 'context'>, work: Work, change: AnomalyChange): Promise<void> {
  const { anomaly, feederId } = change;
  const { kind, text, rule, inputs } = anomaly;
  const record = { ...ruleOf(rule), rule_inputs: { ...inputs }, ...sourcesOf(change) };
  if (change.change === 'raised') {
    return raiseAlarm(desk, work, { kind, text, ...(feederId && { feederId }) }, record);
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
