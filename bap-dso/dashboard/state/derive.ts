/** What follows from the state, for a person. Pure. */

import { countdown, duration, plural } from '@flexder/runtime/page/format.ts';
import type { Level } from '@flexder/runtime/page/parts.tsx';
import { ALARM_TEXTS, type AlarmPriority, type AlarmText } from '../../src/flex-orchestration/alarms/alarm-texts.ts';
import type { AlarmKind } from '../../src/flex-orchestration/alarms/alarms.ts';
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import type { Live } from './model.ts';

export const STALE_MS = 300_000;

/** `watch`: above the release level. */
export function levelOf({ powerKw, limitKw, releaseKw }: FeederView): Level {
  if (powerKw === null) return 'unknown';
  if (powerKw >= limitKw) return 'over';
  return powerKw > releaseKw ? 'watch' : 'normal';
}

/** Share of the limit that is free; negative above it. */
export function headroomOf({ powerKw, limitKw }: FeederView): number | null {
  return powerKw === null ? null : (limitKw - powerKw) / limitKw;
}

/** Until the forecast reaches the limit; 0 when the load has, null when it does not. */
export function timeToLimitMs(feeder: FeederView, gridMs: number): number | null {
  if (levelOf(feeder) === 'over') return 0;
  const crossing = feeder.forecast.find(({ atMs, powerKw }) => atMs > gridMs && powerKw >= feeder.limitKw);
  return crossing ? crossing.atMs - gridMs : null;
}

/** Those that need a look first; the others stay where they were put. */
export function byNeed(feeders: readonly FeederView[], gridMs: number): FeederView[] {
  const rank = (feeder: FeederView) => {
    if (levelOf(feeder) === 'over') return 0;
    return levelOf(feeder) === 'watch' || timeToLimitMs(feeder, gridMs) !== null ? 1 : 2;
  };
  return feeders.toSorted((a, b) => rank(a) - rank(b));
}

/** The highest point that is forecast. */
export function peakOf({ forecast }: FeederView, gridMs: number): FeederView['forecast'][number] | undefined {
  const ahead = forecast.filter(({ atMs }) => atMs > gridMs);
  return ahead.reduce<FeederView['forecast'][number] | undefined>(
    (best, point) => (best && best.powerKw >= point.powerKw ? best : point),
    undefined,
  );
}

export function ageOf({ at }: FeederView, gridMs: number): number | null {
  return at === null ? null : gridMs - at;
}

const CLOSED = new Set(['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']);
const FAILED = new Set(['DECLINED', 'EXPIRED']);
export const isClosed = ({ state }: OrderView): boolean => CLOSED.has(state);
export const hasFailed = ({ state }: OrderView): boolean => FAILED.has(state);
export const canCancel = ({ state }: OrderView): boolean => state === 'SCHEDULED' || state === 'IN_PROGRESS';

export interface Next {
  readonly text: string;
  readonly late: boolean;
}

/** What comes next and when: an answer that is due (wall clock), or the window (grid time). */
export function nextOf(order: OrderView, wallMs: number, gridMs: number): Next {
  if (isClosed(order)) return { text: 'done', late: false };
  if (order.answerDueMs !== null) {
    const leftMs = order.answerDueMs - wallMs;
    return leftMs >= 0
      ? { text: `answer in ${duration(leftMs)}`, late: false }
      : { text: `answer ${duration(-leftMs)} late`, late: true };
  }
  const { startMs, endMs } = order.window;
  if (gridMs < startMs) return { text: `starts in ${countdown(startMs - gridMs)}`, late: false };
  return gridMs < endMs
    ? { text: `ends in ${countdown(endMs - gridMs)}`, late: false }
    : { text: 'window over, report due', late: false };
}

/** Fewer acknowledged than promised once all devices have answered. */
export function fellShort({ devices, acknowledgedKw, promisedKw }: OrderView): boolean {
  return Boolean(devices?.closed) && acknowledgedKw !== null && acknowledgedKw < 0.95 * promisedKw;
}

const UNKNOWN: AlarmText = {
  ...({ priority: 'medium', title: 'Unknown alarm', cause: 'This page does not know this kind of alarm.' } as const),
  ...{ consequence: 'Not known.', action: 'Look it up in the runbook.' },
};

export function alarmText(kind: string): AlarmText {
  return Object.hasOwn(ALARM_TEXTS, kind) ? ALARM_TEXTS[kind as AlarmKind] : UNKNOWN;
}

/** Stays until it was heard and is over. */
export const isStanding = ({ returned, ackedBy }: AlarmView): boolean => !returned || ackedBy === null;
/** Stands, and nobody has put it aside. */
export const isWanted = (alarm: AlarmView): boolean => isStanding(alarm) && alarm.shelved === null;

export const PRIORITIES: readonly AlarmPriority[] = ['high', 'medium', 'low'];

export function byPriority(alarms: readonly AlarmView[]): Readonly<Record<AlarmPriority, readonly AlarmView[]>> {
  const of = (priority: AlarmPriority) => alarms.filter(({ kind }) => alarmText(kind).priority === priority);
  return { high: of('high'), medium: of('medium'), low: of('low') };
}

/** One sentence of state, the worst first. */
export function sentenceOf(state: Live): { readonly level: Level; readonly text: string } {
  const feeders = [...state.feeders.values()];
  const over = feeders.filter((feeder) => levelOf(feeder) === 'over');
  const running = plural(state.orders.filter((order) => !isClosed(order)).length, 'order');
  const waiting = state.decisions.length;
  const decide = waiting > 0 ? ` ${plural(waiting, 'decision waits', 'decisions wait')} for you.` : '';
  if (over.length > 0)
    return {
      level: 'over',
      text: `Over its limit: ${over.map(({ name }) => name).join(', ')}.${decide} ${running} in flight.`,
    };
  const short = state.overloads.filter(({ state }) => state === 'SHORT');
  if (short.length > 0)
    return {
      level: 'watch',
      text: `Relief falls short on ${short.map(({ feederId }) => feederId).join(', ')}.${decide}`,
    };
  const open = state.overloads.filter(({ state }) => state !== 'RELEASED').length;
  const unread = feeders.filter(({ powerKw }) => powerKw === null).length;
  const read =
    unread > 0
      ? `${unread} of ${plural(feeders.length, 'feeder')} not read, none known to be over its limit.`
      : feeders.length === 1
        ? 'The feeder is below its limit.'
        : `All ${feeders.length} feeders are below their limits.`;
  const level = waiting > 0 || unread > 0 ? 'watch' : 'normal';
  return { level, text: `${read}${decide} ${plural(open, 'open event')}, ${running} in flight.` };
}
