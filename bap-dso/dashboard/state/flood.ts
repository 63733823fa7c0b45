/** More alarms than a person can handle one by one: how many, how fast, and what they have in common. Pure. */
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import { FLOOD_ALARMS, SLOT_MS } from '../../src/operator-api/shift/kpi.ts';
import { alarmText, PRIORITIES } from './derive.ts';

/** More than one a minute over ten minutes is more than a person can handle. */
export const FLOOD_MS = SLOT_MS;
const GROUPS = 4;

export interface Flood {
  readonly count: number;
  readonly perMinute: number;
  /** By kind and what is above them, the urgent first, then the larger. */
  readonly groups: readonly { readonly title: string; readonly where: string; readonly count: number }[];
  /** In groups that are not named. */
  readonly others: number;
}

/** What is above alarms of one group, in the words of the screen: an event is known by its feeder. */
function whereOf({ substationId, eventId, feederId }: AlarmView): string {
  if (substationId !== null) return substationId;
  if (eventId === null) return 'several feeders';
  return feederId === null ? `event ${eventId}` : `event on ${feederId}`;
}

/** Undefined while there is none. What is shelved asks nobody for anything, and is not counted. */
export function floodOf(alarms: readonly AlarmView[], wallMs: number): Flood | undefined {
  const recent = alarms.filter(({ raisedAt, shelved }) => !shelved && Date.parse(raisedAt) > wallMs - FLOOD_MS);
  if (recent.length <= FLOOD_ALARMS) return undefined;
  const groups = new Map<string, { kind: string; title: string; where: string; count: number }>();
  for (const alarm of recent) {
    const { kind } = alarm;
    const key = `${kind} ${alarm.substationId ?? alarm.eventId}`;
    const where = whereOf(alarm);
    const { count } = groups.get(key) ?? { count: 0 };
    groups.set(key, { kind, title: alarmText(kind).title, where, count: count + 1 });
  }
  const rank = ({ kind }: { kind: string }) => PRIORITIES.indexOf(alarmText(kind).priority);
  const sorted = [...groups.values()].sort((a, b) => rank(a) - rank(b) || b.count - a.count);
  return {
    count: recent.length,
    perMinute: recent.length / (FLOOD_MS / 60_000),
    groups: sorted.slice(0, GROUPS).map(({ title, where, count }) => ({ title, where, count })),
    others: sorted.slice(GROUPS).reduce((sum, { count }) => sum + count, 0),
  };
}
