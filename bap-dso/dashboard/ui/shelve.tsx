/** Putting an alarm aside: why, and for how long. It changes nothing in the field, so it takes one step. */

import { ProblemError } from '@flexder/runtime/page/browser.ts';
import { Dialog, Form, ReasonField } from '@flexder/runtime/page/form.tsx';
import { Note, Problem } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import { alarmText } from '../state/derive.ts';
import { askAs } from '../state/session.ts';
import { whereOf } from './alarm.tsx';

const CHOICES = [
  ['15', '15 minutes'],
  ['60', '1 hour'],
  ['240', '4 hours'],
  ['480', '8 hours, a shift'],
] as const;

export function ShelveDialog({ alarm, close }: { readonly alarm: AlarmView; readonly close: () => void }) {
  const [reason, setReason] = useState('');
  const [minutes, setMinutes] = useState<string>(CHOICES[0][0]);
  const [problem, setProblem] = useState<ProblemError>();
  const shelve = () =>
    askAs(`/api/v1/alarms/${alarm.alarmId}/shelve`, { reason, minutes }).then(
      close,
      (error: unknown) => error instanceof ProblemError && setProblem(error),
    );
  return (
    <Dialog heading={`Shelve: ${alarmText(alarm.kind).title} ${whereOf(alarm)}`} close={close}>
      <Note>
        It, and those like it that are raised there meanwhile, leave the list and are not counted; it comes back by
        itself.
      </Note>
      <Form act="Shelve" disabled={reason.trim() === ''} submit={shelve} leave={close}>
        <label>
          For
          <select value={minutes} onChange={(event) => setMinutes(event.currentTarget.value)}>
            {CHOICES.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <ReasonField value={reason} change={setReason} />
      </Form>
      {problem && <Problem problem={problem} />}
    </Dialog>
  );
}
