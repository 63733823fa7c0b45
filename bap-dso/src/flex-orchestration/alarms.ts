/** What a person must hear of: recorded, counted and told to the operator, in one transaction with what caused it. */
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
  | 'order-lost';

export interface Alarm {
  readonly kind: AlarmKind;
  readonly text: string;
  readonly eventId?: string;
  readonly feederId?: string;
  readonly obpId?: string;
}

export async function raiseAlarm(desk: Pick<Desk, 'context'>, work: Work, alarm: Alarm): Promise<void> {
  desk.context.metrics.count('bap_alarms_total', { kind: alarm.kind });
  desk.context.log.warn({ ...alarm }, 'alarm');
  await work.audit({
    event_type: 'alarm.raised',
    code: alarm.kind,
    decision: alarm.text,
    ...(alarm.eventId ? { event_id: alarm.eventId } : {}),
    ...(alarm.feederId ? { feeder_id: alarm.feederId } : {}),
    ...(alarm.obpId ? { obp_id: alarm.obpId } : {}),
  });
  await work.emit({
    topic: 'bap',
    key: alarm.feederId ?? alarm.obpId ?? alarm.kind,
    value: { type: 'alarm.raised', ...alarm, wallAtMs: desk.context.wall.nowMs() },
  });
}
