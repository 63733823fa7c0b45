/** What needs me, why, what follows if I do nothing, and what to do. */

import { ProblemError } from '@flexder/runtime/page/browser.ts';
import { dateTime, timeOfDay, withTimes } from '@flexder/runtime/page/format.ts';
import { Note, Panel, Problem, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import { alarmText, isStanding, isWanted, PRIORITIES } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { askAs } from '../state/session.ts';
import { whyNot } from '../state/store.ts';
import { WhyNot } from '../ui/act.tsx';
import { linkOf, Priority, whereOf } from '../ui/alarm.tsx';
import { AlarmKpiPanel } from '../ui/alarm-kpi.tsx';
import { ShelveDialog } from '../ui/shelve.tsx';

export function Alarms({ state }: { readonly state: Live }) {
  const [all, setAll] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const [shelving, setShelving] = useState<AlarmView>();
  const post = (alarm: AlarmView, what: 'ack' | 'unshelve') =>
    askAs(`/api/v1/alarms/${alarm.alarmId}/${what}`, {}).then(
      () => setProblem(undefined),
      (error: unknown) => error instanceof ProblemError && setProblem(error),
    );
  const shown = state.alarms
    .filter((alarm) => isWanted(alarm) || (all && alarm.shelved === null))
    .toSorted((a, b) => rank(a) - rank(b) || b.alarmId - a.alarmId);
  const shelved = state.alarms.filter((alarm) => isStanding(alarm) && alarm.shelved !== null);
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
          columns={columns((alarm) => post(alarm, 'ack'), setShelving)}
          rows={shown}
          keyOf={({ alarmId }) => String(alarmId)}
          classOf={({ ackedBy }) => (ackedBy === null ? 'unheard' : 'heard')}
          empty="No alarm: nothing needs you."
        />
      </Panel>
      <Panel id="shelved" title="Shelved" note="each comes back by itself at its end">
        <Table
          label="Shelved alarms"
          columns={shelvedColumns((alarm) => post(alarm, 'unshelve'))}
          rows={shelved}
          keyOf={({ alarmId }) => String(alarmId)}
          empty="No alarm is put aside."
        />
      </Panel>
      <AlarmKpiPanel />
      {shelving && <ShelveDialog alarm={shelving} close={() => setShelving(undefined)} />}
    </>
  );
}

/** Unheard before heard, then by priority. */
function rank({ kind, ackedBy }: AlarmView): number {
  return PRIORITIES.indexOf(alarmText(kind).priority) + (ackedBy === null ? 0 : PRIORITIES.length);
}

type Take = (alarm: AlarmView) => unknown;

function columns(acknowledge: Take, shelve: Take): readonly Column<AlarmView>[] {
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
          <Note> {withTimes(alarm.text)}</Note>
        </span>
      ),
    },
    { head: 'Cause', cell: ({ kind }) => <span class="wrap">{alarmText(kind).cause}</span> },
    { head: 'Consequence', cell: ({ kind }) => <span class="wrap">{alarmText(kind).consequence}</span> },
    { head: 'Do this', cell: ({ kind }) => <span class="wrap">{alarmText(kind).action}</span> },
    { head: 'State', cell: (alarm) => <State alarm={alarm} acknowledge={acknowledge} shelve={shelve} /> },
  ];
}

function shelvedColumns(unshelve: Take): readonly Column<AlarmView>[] {
  return [
    { head: 'Priority', cell: ({ kind }) => <Priority of={alarmText(kind).priority} /> },
    {
      head: 'What and where',
      cell: (alarm) => (
        <span class="wrap">
          <a href={linkOf(alarm)}>{alarmText(alarm.kind).title}</a> {whereOf(alarm)}
        </span>
      ),
    },
    {
      head: 'Until',
      cell: ({ shelved }) => <span class="number">{timeOfDay(Date.parse(shelved?.until ?? ''))}</span>,
    },
    {
      head: 'Why',
      cell: ({ shelved }) => (
        <span class="wrap">
          {shelved?.reason} <Note>by {shelved?.by}</Note>
        </span>
      ),
    },
    { head: 'State', cell: ({ returned }) => (returned ? 'over' : 'standing') },
    { head: 'Action', cell: (alarm) => <Button run={() => unshelve(alarm)}>Take back</Button> },
  ];
}

function Button({ run, children }: { readonly run: () => unknown; readonly children: string }) {
  return (
    <button type="button" class="act" disabled={whyNot.value !== undefined} title={whyNot.value} onClick={run}>
      {children}
    </button>
  );
}

function State(props: { readonly alarm: AlarmView; readonly acknowledge: Take; readonly shelve: Take }) {
  const { alarm, acknowledge, shelve } = props;
  const { ackedBy, ackedAt, returned } = alarm;
  return (
    <span class="buttons">
      {returned ? 'over' : 'standing'}
      {ackedBy === null ? (
        <Button run={() => acknowledge(alarm)}>Acknowledge</Button>
      ) : (
        <Note>
          {' '}
          heard by {ackedBy} at <span class="number">{timeOfDay(Date.parse(ackedAt ?? ''))}</span>
        </Note>
      )}
      {!(returned && ackedBy !== null) && <Button run={() => shelve(alarm)}>Shelve…</Button>}
    </span>
  );
}
