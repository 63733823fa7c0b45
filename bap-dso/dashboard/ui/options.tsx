/** The options of an event side by side, the recommended one with its reason, and who decides by when. */

import { to } from '@flexder/runtime/page/address.ts';
import { kw, percent, pounds, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Mark, Note, Panel, Reading } from '@flexder/runtime/page/parts.tsx';
import type { DecisionView } from '../../src/operator-api/events/decisions.ts';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';

import { Act, WhyNot } from './act.tsx';
import { Due } from './event-line.tsx';
import { LeftOut } from './left-out.tsx';

export function Options({ state, event }: { readonly state: Live; readonly event: OverloadView }) {
  const waiting = state.decisions.find(({ eventId }) => eventId === event.eventId);
  const path = `/api/v1/decisions?event_id=${encodeURIComponent(event.eventId)}&limit=1`;
  const read = useRead<{ decisions: DecisionView[] }>(
    path,
    `${waiting?.decisionId} ${event.state} ${event.requestedKw}`,
  );
  return (
    <Panel id="options" title="Options">
      {waiting ? (
        <Decision state={state} decision={waiting} />
      ) : (
        <Reading of={read}>
          {({ decisions: [last] }) =>
            last ? (
              <Decision state={state} decision={last} />
            ) : (
              <p class="empty">No offers yet, so there is nothing to choose from.</p>
            )
          }
        </Reading>
      )}
    </Panel>
  );
}

function Decision({ state, decision }: { readonly state: Live; readonly decision: DecisionView }) {
  const open = decision.state === 'OPEN';
  return (
    <>
      <p id="mode-of-event">
        Mode <strong>{decision.mode}</strong>
        {decision.because !== `the mode is ${decision.mode}` && <Note> {decision.because}</Note>}.{' '}
        {open ? (
          <Mark level="watch">
            Your decision: <Due decision={decision} />
          </Mark>
        ) : (
          <Decided decision={decision} />
        )}
      </p>
      <div class="options">
        {decision.options.map((option) => (
          <Option key={option.name} decision={decision} option={option} open={open} />
        ))}
      </div>
      <p>
        <strong>Why {decision.recommended}:</strong> {decision.reason}
      </p>
      {decision.plannedWith.length > 0 && (
        <p id="planned-with">
          Planned together with{' '}
          {decision.plannedWith.map((eventId, i) => (
            <span key={eventId}>
              {i > 0 && ', '}
              <a href={to('events', eventId)} title={eventId}>
                {state.overloads.find((event) => event.eventId === eventId)?.feederId ?? eventId}
              </a>
            </span>
          ))}
        </p>
      )}
      <LeftOut decision={decision} />
      {open && (
        <div class="actions">
          <Act
            kind="decline-relief"
            title={`Decline relief for ${decision.feederId}`}
            members={{ event_id: decision.eventId }}
          >
            Decline…
          </Act>
          <WhyNot />
        </div>
      )}
    </>
  );
}

function Decided({ decision }: { readonly decision: DecisionView }) {
  const { state, chosen, decidedBy, decidedAt, decisionReason } = decision;
  return (
    <span>
      {state[0] + state.slice(1).toLowerCase()}
      {chosen && ` ${chosen}`} by {decidedBy}
      {decidedAt && <span class="number"> at {timeOfDay(Date.parse(decidedAt))}</span>}: {decisionReason}
    </span>
  );
}

type OptionOf = DecisionView['options'][number];

function Option({
  decision,
  option,
  open,
}: {
  readonly decision: DecisionView;
  readonly option: OptionOf;
  readonly open: boolean;
}) {
  const recommended = option.name === decision.recommended;
  const chosen = option.name === decision.chosen;
  return (
    <article
      class={`option${recommended ? ' recommended' : ''}${chosen ? ' chosen' : ''}`}
      aria-label={`Option ${option.name}`}
    >
      <h3>
        {option.name} {recommended && <span class="tag">recommended</span>} {chosen && <span class="tag">chosen</span>}
      </h3>
      <dl class="figures">
        <div>
          <dt>Expected relief</dt>
          <dd class="number">{kw(option.reliefKw)} kW</dd>
        </div>
        <div>
          <dt>Cost of the window</dt>
          <dd class="number">{pounds(option.costGbp)}</dd>
        </div>
        <div>
          <dt>Limit does not hold</dt>
          <dd class="number">{percent(option.risk, 1)}</dd>
        </div>
      </dl>
      <p>{option.tradeOff}</p>
      <p class="note number">
        {option.orders.map(({ bppId, kw: asked }) => `${bppId} ${kw(asked)} kW`).join(', ') || 'no order'} ·{' '}
        {option.method}
        {option.gap > 0 && `, at most ${percent(option.gap, 2)} too dear`}
      </p>
      {open && option.reliefKw > 0 && (
        <Act
          kind="approve-option"
          title={`Approve ${option.name} for ${decision.feederId}`}
          members={{ event_id: decision.eventId, option: option.name }}
        >
          Approve {option.name}…
        </Act>
      )}
    </article>
  );
}
