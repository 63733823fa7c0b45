/** Devices that stopped answering, and giving one back after somebody has looked at it. */
import type { ProblemError } from '@flexder/runtime/page/browser.ts';
import { Dialog, Form, ReasonField } from '@flexder/runtime/page/form.tsx';
import { dateTime } from '@flexder/runtime/page/format.ts';
import { Panel, Problem, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import { askAs, mayNot } from './session.ts';
import { useDetail } from './store.ts';

interface Flagged {
  readonly derId: string;
  readonly type: string;
  readonly feederId: string;
  /** Grid time, RFC 3339. */
  readonly since: string;
  readonly unansweredInARow: number;
}

export function Maintenance() {
  const [version, again] = useState(0);
  const [chosen, choose] = useState<Flagged>();
  const read = useDetail<{ readonly devices: readonly Flagged[] }>('/api/v1/view/maintenance', version);
  const close = () => choose(undefined);
  return (
    <>
      <Title>Maintenance</Title>
      <Panel id="flagged" title="Devices that stopped answering" note="the longest first; they are not offered">
        {mayNot.value !== undefined && <p class="why-not">{mayNot.value}</p>}
        <Reading of={read}>
          {({ devices }) => (
            <Table
              label="Flagged devices"
              columns={columns(choose)}
              rows={devices}
              keyOf={({ derId }) => derId}
              empty="No device is flagged: each answers, or has not failed five activations in a row."
            />
          )}
        </Reading>
      </Panel>
      {chosen && (
        <RestoreDialog
          device={chosen}
          close={close}
          done={() => {
            close();
            again((times) => times + 1);
          }}
        />
      )}
    </>
  );
}

function columns(choose: (device: Flagged) => void): readonly Column<Flagged>[] {
  return [
    { head: 'Device', cell: ({ derId }) => derId },
    { head: 'Type', cell: ({ type }) => type },
    { head: 'Feeder', cell: ({ feederId }) => feederId },
    { head: 'Flagged at, grid time', cell: ({ since }) => <span class="number">{dateTime(Date.parse(since))}</span> },
    { head: 'Unanswered in a row', number: true, cell: ({ unansweredInARow }) => unansweredInARow },
    {
      head: 'By hand',
      cell: (device) => (
        <button
          type="button"
          class="act"
          disabled={mayNot.value !== undefined}
          title={mayNot.value}
          onClick={() => choose(device)}
        >
          Offer again…
        </button>
      ),
    },
  ];
}

function RestoreDialog(props: { readonly device: Flagged; readonly close: () => void; readonly done: () => void }) {
  const { device, close, done } = props;
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<ProblemError>();
  const [busy, setBusy] = useState(false);
  async function restore(): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    const path = `/api/v1/enrolment/devices/${encodeURIComponent(device.derId)}/restore`;
    await askAs(path, { reason: reason.trim() }).then(done, setProblem);
    setBusy(false);
  }
  return (
    <Dialog heading={`Offer ${device.derId} again`} close={close}>
      <p class="says">
        It is offered and commanded from the next search on; it was silent {device.unansweredInARow} times in a row, and
        an order that counts on it falls short when it still is.
      </p>
      <Form act="Confirm" disabled={busy || reason.trim() === ''} submit={restore} leave={close}>
        <ReasonField value={reason} change={setReason} />
      </Form>
      {problem && <Problem problem={problem} />}
    </Dialog>
  );
}
