/** An event over time: the axis, the list that says the same, each message one press away, and its devices. */
import { Panel, Reading } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import type { Step } from '../../src/operator-api/events/steps.ts';
import { offsetText } from '../state/axis.ts';
import type { Live } from '../state/model.ts';
import { type Steps, useSteps } from '../state/steps.ts';
import { Axis } from './axis.tsx';
import { DeviceAnswers } from './device-answers.tsx';
import { MessageDialog, SignatureMark } from './message.tsx';
import { RECORD_COLUMNS } from './timeline.tsx';

export function EventSteps({ state, id }: { readonly state: Live; readonly id: string }) {
  const read = useSteps(state, id);
  const [opened, open] = useState<number>();
  return (
    <Panel id="timeline" title="Timeline" note="every message, command and decision; each message with its bytes">
      <Reading of={read}>
        {(steps) => (
          <>
            <Axis of={steps} open={open} />
            <Table
              label="Timeline"
              columns={columnsOf(steps, open)}
              rows={steps.steps}
              keyOf={({ record }) => record.hash}
              classOf={({ kind }) => kind}
              empty="No record yet."
            />
            {steps.cut && <p class="note">The first {steps.steps.length} records; the rest is on the audit screen.</p>}
          </>
        )}
      </Reading>
      <DeviceAnswers eventId={id} version={read.data?.steps.findLast(({ answers }) => answers)?.record.seq ?? 0} />
      {opened !== undefined && <MessageDialog key={opened} seq={opened} close={() => open(undefined)} />}
    </Panel>
  );
}

function columnsOf({ detectedMs }: Steps, open: (seq: number) => void): Column<Step>[] {
  const [number, time, ...rest] = RECORD_COLUMNS.map(({ cell, ...column }) => ({
    ...column,
    cell: ({ record }: Step) => cell(record),
  }));
  const at = ({ message, record }: Step) => message?.atMs ?? Date.parse(record.ts_utc);
  return [
    number!,
    { head: 'After detection', number: true, cell: (step) => offsetText(at(step) - detectedMs) },
    time!,
    {
      head: 'Message',
      cell: ({ message }) =>
        message && (
          <button
            type="button"
            onClick={() => open(message.seq)}
            aria-label={`Bytes of ${message.action}, record ${message.seq}`}
          >
            Bytes…
          </button>
        ),
    },
    { head: 'Signature', cell: ({ message }) => message && <SignatureMark short of={message.signature} /> },
    ...rest,
  ];
}
