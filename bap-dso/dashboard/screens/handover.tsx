/** What the shift before told, and what this one tells the next. */
import { ask, ProblemError } from '@flexder/runtime/page/browser.ts';
import { dateTime } from '@flexder/runtime/page/format.ts';
import { Note, Panel, Problem, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import { NOTE_LENGTH } from '../../src/operator-api/limits.ts';
import type { ShiftNoteView } from '../../src/operator-api/shift/handover.ts';
import { useRead } from '../state/read.ts';
import { askAs } from '../state/session.ts';
import { wallMs, whyNot } from '../state/store.ts';
import { WhyNot } from '../ui/act.tsx';

const PATH = '/api/v1/handover';
const SHOWN = 20;
const AGAIN_MS = 60_000;

export function Handover() {
  const [written, setWritten] = useState(0);
  const version = `${written} ${Math.floor(wallMs.value / AGAIN_MS)}`;
  const read = useRead<{ notes: readonly ShiftNoteView[] }>(`${PATH}?limit=${SHOWN}`, version);
  return (
    <>
      <Title>Handover</Title>
      <div class="pair">
        <Panel id="note" title="Write a note" note="under your name, and on record as it is">
          <Writing done={() => setWritten(written + 1)} />
        </Panel>
        <Panel id="notes" title="Notes" note={`the last ${SHOWN}, newest first`}>
          <Reading of={read}>
            {({ notes }) =>
              notes.length === 0 ? (
                <p class="empty">No shift has left a note yet.</p>
              ) : (
                <ol class="shift-notes">
                  {notes.map(({ noteId, by, at, text }) => (
                    <li key={noteId}>
                      <strong>{by}</strong> <Note>{dateTime(Date.parse(at))}</Note>
                      <p class="shift-note">{text}</p>
                    </li>
                  ))}
                </ol>
              )
            }
          </Reading>
        </Panel>
      </div>
    </>
  );
}

function Writing({ done }: { readonly done: () => void }) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<ProblemError>();
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);
  const run = (work: () => Promise<string>) => {
    setBusy(true);
    setProblem(undefined);
    work()
      .then(setSaid, (error: unknown) => error instanceof ProblemError && setProblem(error))
      .finally(() => setBusy(false));
  };
  // What was typed stays: a draft goes below it.
  const draft = async () => {
    const { text: drafted } = await ask<{ text: string }>(`${PATH}/draft`);
    setText((before) => [before.trim(), drafted].filter(Boolean).join('\n\n').slice(0, NOTE_LENGTH));
    return 'A draft is there: read it, correct it, add what only you know.';
  };
  const write = async () => {
    await askAs(PATH, { text });
    setText('');
    done();
    return 'Written, and recorded under your name.';
  };
  const off = busy || whyNot.value !== undefined;
  return (
    <form
      class="writing"
      onSubmit={(event) => {
        event.preventDefault();
        run(write);
      }}
    >
      <label>
        What the next shift has to know
        <textarea
          required
          maxLength={NOTE_LENGTH}
          rows={14}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <Note>
        {text.length.toLocaleString('en-GB')} of {NOTE_LENGTH.toLocaleString('en-GB')} characters
      </Note>
      <div class="buttons">
        <button type="submit" class="act" disabled={off || text.trim() === ''} title={whyNot.value}>
          Write the note
        </button>
        <button type="button" disabled={busy} onClick={() => run(draft)}>
          Draft from the present state
        </button>
      </div>
      <WhyNot />
      <p role="status">{said}</p>
      {problem && <Problem problem={problem} />}
    </form>
  );
}
