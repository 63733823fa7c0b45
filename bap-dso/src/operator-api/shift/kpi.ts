/** Whether the alarms are few enough, and of the right kinds, for a person to act on each. Pure. */
import { ALARM_TEXTS, type AlarmPriority } from '../../flex-orchestration/alarms/alarm-texts.ts';

export const SLOT_MS = 600_000;
/** More than this many in ten minutes is a flood: a person cannot look at each. */
export const FLOOD_ALARMS = 10;
/** Shares of low, medium and high that let what matters stand out. */
export const SPLIT: Readonly<Record<AlarmPriority, number>> = { low: 0.8, medium: 0.15, high: 0.05 };
/** Kinds named. */
const FREQUENT = 5;
/** Floods named, the newest first. */
const FLOODS = 10;

/** Wall time. */
export interface RaisedAlarm {
  readonly kind: string;
  readonly raisedMs: number;
  readonly ackedMs: number | null;
}

export interface Flood {
  readonly startMs: number;
  readonly endMs: number;
  readonly count: number;
}

export interface AlarmFigures {
  readonly count: number;
  /** A ten minutes, without the floods. */
  readonly steadyPerSlot: number;
  /** Most in any ten minutes. */
  readonly peakPerSlot: number;
  /** Count of each, and its share; null without alarms. */
  readonly priorities: Readonly<Record<AlarmPriority, { readonly count: number; readonly share: number | null }>>;
  readonly floods: readonly Flood[];
  readonly floodCount: number;
  readonly frequent: readonly { readonly kind: string; readonly title: string; readonly count: number }[];
  readonly acknowledged: number;
  /** Of those acknowledged; null without any. */
  readonly meanAckMs: number | null;
}

/** @param alarms raised from `fromMs` until `toMs` (wall time), in any order */
export function figuresOf(alarms: readonly RaisedAlarm[], fromMs: number, toMs: number): AlarmFigures {
  const raised = alarms.map(({ raisedMs }) => raisedMs).sort((a, b) => a - b);
  const floods = floodsOf(raised);
  const inFloods = floods.reduce((sum, { count }) => sum + count, 0);
  const calmMs =
    toMs - fromMs - floods.reduce((sum, { startMs, endMs }) => sum + Math.max(endMs - startMs, SLOT_MS), 0);
  const acks = alarms.flatMap(({ raisedMs, ackedMs }) => (ackedMs === null ? [] : [ackedMs - raisedMs]));
  return {
    count: alarms.length,
    steadyPerSlot: (alarms.length - inFloods) / Math.max(1, calmMs / SLOT_MS),
    peakPerSlot: Math.max(0, ...windows(raised).map(({ count }) => count)),
    priorities: prioritiesOf(alarms),
    floods: floods.toReversed().slice(0, FLOODS),
    floodCount: floods.length,
    frequent: frequentOf(alarms),
    acknowledged: acks.length,
    meanAckMs: acks.length === 0 ? null : acks.reduce((sum, ms) => sum + ms, 0) / acks.length,
  };
}

/** The ten minutes that end with each alarm: from which of them on, and how many. */
function windows(
  raised: readonly number[],
): { readonly first: number; readonly last: number; readonly count: number }[] {
  let first = 0;
  return raised.map((ms, last) => {
    while (raised[first]! <= ms - SLOT_MS) first++;
    return { first, last, count: last - first + 1 };
  });
}

/** Floods that overlap are one. */
function floodsOf(raised: readonly number[]): Flood[] {
  const runs: { first: number; last: number }[] = [];
  for (const { first, last, count } of windows(raised)) {
    if (count <= FLOOD_ALARMS) continue;
    const before = runs.at(-1);
    if (before && first <= before.last) before.last = last;
    else runs.push({ first, last });
  }
  return runs.map(({ first, last }) => ({ startMs: raised[first]!, endMs: raised[last]!, count: last - first + 1 }));
}

const textOf = (kind: string) =>
  Object.hasOwn(ALARM_TEXTS, kind) ? ALARM_TEXTS[kind as keyof typeof ALARM_TEXTS] : undefined;

function prioritiesOf(alarms: readonly RaisedAlarm[]): AlarmFigures['priorities'] {
  const of = (priority: AlarmPriority) => {
    const count = alarms.filter(({ kind }) => (textOf(kind)?.priority ?? 'medium') === priority).length;
    return { count, share: alarms.length === 0 ? null : count / alarms.length };
  };
  return { high: of('high'), medium: of('medium'), low: of('low') };
}

function frequentOf(alarms: readonly RaisedAlarm[]): AlarmFigures['frequent'] {
  const counts = new Map<string, number>();
  for (const { kind } of alarms) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort(([a, many], [b, few]) => few - many || (a < b ? -1 : 1))
    .slice(0, FREQUENT)
    .map(([kind, count]) => ({ kind, title: textOf(kind)?.title ?? kind, count }));
}
