/** A handover note in sentences, for a person to finish: what is open, what is held back, what stands. Pure. */
import { kw, plural, time } from '@flexder/runtime/page/format.ts';
import { ALARM_TEXTS, type AlarmPriority } from '../../flex-orchestration/alarms/alarm-texts.ts';
import type { AlarmView } from '../alarms/alarms.ts';
import type { DecisionView, RestrictionView } from '../events/decisions.ts';
import type { OverloadView } from '../events/overloads.ts';
import { NOTE_LENGTH } from '../limits.ts';
import type { OrderView } from '../orders/orders.ts';
import type { ShiftNoteView } from './handover.ts';

export interface ShiftState {
  /** Wall time, as all here. */
  readonly nowMs: number;
  /** Of the note before, or where the shift is taken to begin. */
  readonly sinceMs: number;
  readonly last: ShiftNoteView | undefined;
  /** Of feeders, by id. */
  readonly names: ReadonlyMap<string, string>;
  /** Events and alarms since then. */
  readonly opened: number;
  readonly raised: number;
  readonly events: readonly OverloadView[];
  readonly decisions: readonly DecisionView[];
  readonly orders: readonly OrderView[];
  readonly restrictions: readonly RestrictionView[];
  readonly alarms: readonly AlarmView[];
}

/** Named of each; the rest is counted. */
const NAMED = 5;
const CLOSED = new Set(['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']);
const PRIORITIES: readonly AlarmPriority[] = ['high', 'medium', 'low'];

/** London time, at most as long as a note may be. */
export function draftOf(state: ShiftState): string {
  const { nowMs, sinceMs, last, opened, raised, events, decisions, restrictions, alarms, names } = state;
  const nameOf = (id: string | null) => (id === null ? '' : ` ${names.get(id) ?? id}`);
  const running = state.orders.filter((order) => !CLOSED.has(order.state));
  const promisedKw = running.reduce((sum, { promisedKw }) => sum + promisedKw, 0);
  const shelved = alarms.filter((alarm) => alarm.shelved !== null && !alarm.returned);
  const standing = alarms
    .filter((alarm) => alarm.shelved === null && !alarm.returned)
    .toSorted((a, b) => rank(a) - rank(b));
  const from = last ? `the note of ${last.by} at ${time(sinceMs)}` : `${time(sinceMs)}, with no note before`;
  const lines = [
    `At ${time(nowMs)}. Since ${from}: ${plural(opened, 'event')}, ${plural(raised, 'alarm')}.`,
    listed('Open events', events, (event) => `${nameOf(event.feederId).trim()} ${eventText(event)}`),
    listed('Decisions that wait', decisions, ({ feederId, because }) => `${nameOf(feederId).trim()} (${because})`),
    `Orders in flight: ${running.length === 0 ? 'none' : `${running.length}, ${kw(promisedKw)} kW promised`}.`,
    listed('Held back by hand', restrictions, restrictionText),
    listed('Shelved alarms', shelved, (alarm) => `${titleOf(alarm)}${nameOf(alarm.feederId)} ${shelvedText(alarm)}`),
    listed('Standing alarms', standing, (alarm) => `${titleOf(alarm)}${nameOf(alarm.feederId)}${heardText(alarm)}`),
  ];
  return lines.join('\n').slice(0, NOTE_LENGTH);
}

function listed<T>(title: string, items: readonly T[], text: (item: T) => string): string {
  if (items.length === 0) return `${title}: none.`;
  const more = items.length > NAMED ? [`and ${items.length - NAMED} more`] : [];
  return `${title} (${items.length}): ${[...items.slice(0, NAMED).map(text), ...more].join('; ')}.`;
}

function eventText({ state, requestedKw, committedKw, measuredKw, window }: OverloadView): string {
  const felt = measuredKw === null ? '' : `, ${kw(measuredKw)} measured`;
  return `${state.toLowerCase()}, ${kw(requestedKw)} kW asked, ${kw(committedKw)} promised${felt}, until ${time(window.endMs)}`;
}

function restrictionText({ kind, subject, by, since, reason }: RestrictionView): string {
  const what = kind === 'stop' ? 'dispatch is stopped' : `${subject} is excluded`;
  return `${what} by ${by} since ${time(Date.parse(since))}, ${shortened(reason)}`;
}

const shelvedText = ({ shelved }: AlarmView): string =>
  shelved ? `until ${time(Date.parse(shelved.until))} by ${shelved.by}, ${shortened(shelved.reason)}` : '';
const heardText = ({ ackedBy }: AlarmView): string => (ackedBy === null ? ', not acknowledged' : '');

/** So that one reason does not fill the note. */
const shortened = (reason: string): string => (reason.length > 80 ? `${reason.slice(0, 79)}…` : reason);

const textOf = ({ kind }: AlarmView) =>
  Object.hasOwn(ALARM_TEXTS, kind) ? ALARM_TEXTS[kind as keyof typeof ALARM_TEXTS] : undefined;
const titleOf = (alarm: AlarmView): string => textOf(alarm)?.title ?? alarm.kind;
const rank = (alarm: AlarmView): number => PRIORITIES.indexOf(textOf(alarm)?.priority ?? 'medium');
