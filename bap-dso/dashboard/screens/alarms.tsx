/** What needs me, why, what follows if I do nothing, and what to do. */
import { useState } from 'preact/hooks';
import type { AlarmView } from '../../src/operator-api/alarms.ts';
import { ProblemError } from '../browser.ts';
import { dateTime, timeOfDay } from '../format.ts';
import { alarmText, isStanding, PRIORITIES } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { askAs } from '../state/session.ts';
import { whyNot } from '../state/store.ts';
import { linkOf, Priority, whereOf } from '../ui/alarm.tsx';
import { type Column, Note, Panel, Problem, Table, Title, WhyNot } from '../ui/parts.tsx';

export function Alarms({ state }: { readonly state: Live }) {
  const [all, setAll] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const acknowledge = (alarm: AlarmView) =>
    askAs(`/api/v1/alarms/${alarm.alarmId}/ack`, {}).then(
      () => setProblem(undefined),
      (error: unknown) => error instanceof ProblemError && setProblem(error),
    );
  const shown = (all ? state.alarms : state.alarms.filter(isStanding)).toSorted(
    (a, b) => rank(a) - rank(b) || b.alarmId - a.alarmId,
  );
  return (
    <>
      <Title>Alarms</Title>
      <Panel id="alarm-list" title="By priority, newest first" note="one stays until it was acknowledged and is over">
        <label class="choice">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          also those that are over
        </label>
        <WhyNot />
        {problem && <Problem problem={problem} />}
        <Table
          label="Alarms"
          columns={columns(acknowledge)}
          rows={shown}
          keyOf={({ alarmId }) => String(alarmId)}
          classOf={({ ackedBy }) => (ackedBy === null ? 'unheard' : 'heard')}
          empty="No alarm: nothing needs you."
        />
      </Panel>
    </>
  );
}

/** Unheard before heard, then by priority. */
function rank({ kind, ackedBy }: AlarmView): number {
  return PRIORITIES.indexOf(alarmText(kind).priority) + (ackedBy === null ? 0 : PRIORITIES.length);
}

function columns(acknowledge: (alarm: AlarmView) => unknown): readonly Column<AlarmView>[] {
  return [
    { head: 'Priority', cell: ({ kind }) => <Priority of={alarmText(kind).priority} /> },
    {
      head: 'Raised',
      cell: ({ raisedAt }) => (
        <span class="number" title={dateTime(Date.parse(raisedAt))}>
          {timeOfDay(Date.parse(raisedAt))}
        </span>
      ),
    },
    {
      head: 'What and where',
      cell: (alarm) => (
        <span class="wrap">
          <a href={linkOf(alarm)}>{alarmText(alarm.kind).title}</a> {whereOf(alarm)}
          <Note> {alarm.text}</Note>
        </span>
      ),
    },
    { head: 'Cause', cell: ({ kind }) => <span class="wrap">{alarmText(kind).cause}</span> },
    { head: 'Consequence', cell: ({ kind }) => <span class="wrap">{alarmText(kind).consequence}</span> },
    { head: 'Do this', cell: ({ kind }) => <span class="wrap">{alarmText(kind).action}</span> },
    { head: 'State', cell: (alarm) => <State alarm={alarm} acknowledge={acknowledge} /> },
  ];
}

function State({
  alarm,
  acknowledge,
}: {
  readonly alarm: AlarmView;
  readonly acknowledge: (alarm: AlarmView) => unknown;
}) {
  const { ackedBy, ackedAt, returned } = alarm;
  return (
    <>
      {returned ? 'over' : 'standing'}
      {ackedBy === null ? (
        <button
          type="button"
          class="act"
          disabled={whyNot.value !== undefined}
          title={whyNot.value}
          onClick={() => acknowledge(alarm)}
        >
          Acknowledge
        </button>
      ) : (
        <Note>
          {' '}
          heard by {ackedBy} at <span class="number">{timeOfDay(Date.parse(ackedAt ?? ''))}</span>
        </Note>
      )}
    </>
  );
}
