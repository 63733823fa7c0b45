import { to } from '@flexder/runtime/page/address.ts';
import { countdown, kw, time } from '@flexder/runtime/page/format.ts';
import type { Level } from '@flexder/runtime/page/parts.tsx';
import { Mark } from '@flexder/runtime/page/parts.tsx';
import type { DecisionView } from '../../src/operator-api/events/decisions.ts';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import { wallMs } from '../state/store.ts';

const STATES: Readonly<Record<OverloadView['state'], readonly [string, Level]>> = {
  BUYING: ['buying relief', 'normal'],
  DISPATCHED: ['dispatched', 'normal'],
  RELIEVED: ['relieved', 'normal'],
  SHORT: ['short of relief', 'watch'],
  RELEASED: ['released', 'normal'],
};

export function EventState({ event }: { readonly event: OverloadView }) {
  const [word, level] = STATES[event.state] ?? [event.state, 'normal'];
  return (
    <>
      <Mark level={level}>{word}</Mark>
      {event.interventionClass === 'EMERGENCY' && (
        <>
          {' '}
          <Mark level="watch">EMERGENCY</Mark>
        </>
      )}
    </>
  );
}

/** When what happens next to a decision happens by itself. */
export function Due({ decision }: { readonly decision: DecisionView }) {
  if (decision.dueAt === null) return <span>nothing is bought without you</span>;
  const leftMs = Date.parse(decision.dueAt) - wallMs.value;
  const then = decision.onDue === 'approve' ? `${decision.recommended} is bought` : 'the need is let pass';
  return (
    <span>
      <strong class="number">{countdown(leftMs)}</strong> until {then}
    </span>
  );
}

export function DecisionLine({ decision }: { readonly decision: DecisionView }) {
  return (
    <p class="line needed">
      <Mark level="watch">
        <a href={to('events', decision.eventId)}>Decide on {decision.feederId}</a>
      </Mark>{' '}
      <Due decision={decision} />
    </p>
  );
}

export function EventLine({ event }: { readonly event: OverloadView }) {
  return (
    <p class="line">
      <a href={to('events', event.eventId)}>{event.feederId}</a> <EventState event={event} />{' '}
      <span class="note number">
        {time(event.window.startMs)}–{time(event.window.endMs)} · asked {kw(event.requestedKw)} · promised{' '}
        {kw(event.committedKw)} · acknowledged {kw(event.acknowledgedKw)} · measured {kw(event.measuredKw)}
      </span>
    </p>
  );
}
