/** The two steps of an action: why, then what it does; it is confirmed within its minute or proposed again. */

import { ProblemError } from '@flexder/runtime/page/browser.ts';
import { Dialog, Form, ReasonField } from '@flexder/runtime/page/form.tsx';
import { countdown } from '@flexder/runtime/page/format.ts';
import { Problem } from '@flexder/runtime/page/parts.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { confirm, type Proposed, propose, type Selected, selected } from '../state/action.ts';
import { wallMs } from '../state/store.ts';
import { Effect } from './effect.tsx';
import { EndField } from './end-field.tsx';

/** What is proposed where the end of a window is to be another. */
const LATER_MS = 30 * 60_000;

type Step = { readonly at: 'ask' } | { readonly at: 'shown'; readonly proposed: Proposed } | { readonly at: 'done' };

export function ConfirmDialog() {
  return selected.value ? <Steps action={selected.value} /> : null;
}

function Steps({ action }: { readonly action: Selected }) {
  const [step, setStep] = useState<Step>({ at: 'ask' });
  const [problem, setProblem] = useState<ProblemError>();
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');
  const [kw, setKw] = useState(action.kw === undefined ? undefined : String(Math.ceil(action.kw)));
  const close = () => {
    selected.value = undefined;
  };
  async function run(work: () => Promise<Step>): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      setStep(await work());
    } catch (error) {
      setProblem(error instanceof ProblemError ? error : new ProblemError(-1, 'PAGE', String(error)));
    }
    setBusy(false);
  }
  const [laterMs, setLaterMs] = useState(LATER_MS);
  const ask = () => run(async () => ({ at: 'shown', proposed: await propose(action, reason, { kw, laterMs }) }));
  const operate = (proposed: Proposed) =>
    run(async () => {
      await confirm(proposed);
      return { at: 'done' };
    });
  return (
    <Dialog heading={action.title} close={close}>
      {step.at === 'ask' && (
        <Form act="Show what it does" disabled={busy || reason.trim() === ''} submit={ask} leave={close}>
          {action.window && <EndField window={action.window} laterMs={laterMs} change={setLaterMs} />}
          {kw !== undefined && (
            <label>
              kW of reduction
              <input inputMode="decimal" required value={kw} onInput={(event) => setKw(event.currentTarget.value)} />
            </label>
          )}
          <ReasonField value={reason} change={setReason} />
        </Form>
      )}
      {step.at === 'shown' && (
        <Shown
          proposed={step.proposed}
          busy={busy}
          operate={operate}
          again={() => setStep({ at: 'ask' })}
          close={close}
        />
      )}
      {step.at === 'done' && (
        <div>
          <p role="status">Done, and recorded under your name. What follows from it appears on the screen.</p>
          <div class="buttons">
            <button type="button" onClick={close}>
              Close
            </button>
          </div>
        </div>
      )}
      {problem && <Problem problem={problem} />}
    </Dialog>
  );
}

function Shown(props: {
  readonly proposed: Proposed;
  readonly busy: boolean;
  readonly operate: (proposed: Proposed) => Promise<void>;
  readonly again: () => void;
  readonly close: () => void;
}) {
  const { proposed, busy, operate, again, close } = props;
  const first = useRef<HTMLDivElement>(null);
  useEffect(() => first.current?.focus(), []);
  const leftMs = Date.parse(proposed.expiresAt) - wallMs.value;
  return (
    <div ref={first} tabIndex={-1}>
      <Effect of={proposed.effect} />
      {leftMs > 0 ? (
        <p class="number">Confirm within {countdown(leftMs)}; until then nothing has changed.</p>
      ) : (
        <p role="status">The minute is over and nothing has changed: look at it again.</p>
      )}
      <div class="buttons">
        {leftMs > 0 ? (
          <button type="button" class="act strong" disabled={busy} onClick={() => void operate(proposed)}>
            Confirm
          </button>
        ) : (
          <button type="button" class="act" onClick={again}>
            Propose again
          </button>
        )}
        <button type="button" onClick={close}>
          Leave it
        </button>
      </div>
    </div>
  );
}
