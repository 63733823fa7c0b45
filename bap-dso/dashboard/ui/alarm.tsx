import { to } from '@flexder/runtime/page/address.ts';
import { time } from '@flexder/runtime/page/format.ts';
import type { AlarmPriority } from '../../src/flex-orchestration/alarms/alarm-texts.ts';
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import { alarmText } from '../state/derive.ts';

/** A shape for each, so that it is told without its colour. */
const SHAPES: Readonly<Record<AlarmPriority, string>> = { high: '▲', medium: '◆', low: '●' };

export function Priority({ of }: { readonly of: AlarmPriority }) {
  return (
    <span class={`priority ${of}`}>
      <span aria-hidden="true">{SHAPES[of]} </span>
      {of}
    </span>
  );
}

export function AlarmLine({ alarm }: { readonly alarm: AlarmView }) {
  const { priority, title, action } = alarmText(alarm.kind);
  return (
    <li>
      <Priority of={priority} /> <a href={linkOf(alarm)}>{title}</a> <span class="note">{whereOf(alarm)}</span>{' '}
      <span class="number note">
        {time(Date.parse(alarm.raisedAt))}
        {alarm.returned && ', over'}
      </span>
      <br />
      <span class="note">{action}</span>
    </li>
  );
}

/** Where a person does something about it. */
export function linkOf({ eventId, obpId, feederId }: AlarmView): string {
  if (obpId !== null) return to('orders', obpId);
  if (eventId !== null) return to('events', eventId);
  return feederId === null ? '#/alarms' : to('feeders', feederId);
}

export const whereOf = ({ feederId, substationId, obpId }: AlarmView): string =>
  feederId ?? substationId ?? (obpId === null ? '' : `OBP ${obpId}`);
