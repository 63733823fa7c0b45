/** What happened, who did it, and whether the record still says what it said. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { to } from '@flexder/runtime/page/address.ts';
import { ask, ProblemError } from '@flexder/runtime/page/browser.ts';
import { Mark, Panel, Problem, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { open, route } from '@flexder/runtime/page/route.ts';
import { Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';
import { SavedSearches } from '../ui/saved.tsx';
import { RECORD_COLUMNS } from '../ui/timeline.tsx';

const MEMBERS = { obp_id: 'OBP id', event_id: 'Event', feeder_id: 'Feeder' } as const;
type Member = keyof typeof MEMBERS;

export function Audit({ state }: { readonly state: Live }) {
  const { query } = route.value;
  const by = (Object.keys(MEMBERS) as Member[]).find((member) => query.has(member));
  return (
    <>
      <Title>Audit</Title>
      <Verify />
      <Search key={query.toString()} by={by ?? 'obp_id'} id={by ? (query.get(by) ?? '') : ''} />
      <SavedSearches screen="audit" present={by !== undefined} />
      {by ? (
        <Found by={by} id={query.get(by) ?? ''} />
      ) : (
        <Panel id="tail" title="Newest records">
          <Records records={state.audit.toReversed()} />
        </Panel>
      )}
    </>
  );
}

function Records({ records }: { readonly records: readonly AuditRecord[] }) {
  return (
    <Table label="Records" columns={RECORD_COLUMNS} rows={records} keyOf={({ hash }) => hash} empty="No record." />
  );
}

function Found({ by, id }: { readonly by: Member; readonly id: string }) {
  const [before, setBefore] = useState<number>();
  const from = before === undefined ? '' : `&before=${before}`;
  const path = `/api/v1/audit?order=newest&limit=100&${by}=${encodeURIComponent(id)}${from}`;
  const read = useRead<{ records: AuditRecord[]; nextBefore: number | null }>(path);
  return (
    <Panel id="found" title={`${MEMBERS[by]} ${id}`} note="newest first">
      <Reading of={read}>
        {({ records, nextBefore }) => (
          <>
            <Records records={records} />
            <div class="buttons">
              {before !== undefined && (
                <button type="button" onClick={() => setBefore(undefined)}>
                  Newest
                </button>
              )}
              {nextBefore !== null && (
                <button type="button" onClick={() => setBefore(nextBefore)}>
                  Older
                </button>
              )}
              {by === 'obp_id' && (
                <a href={`/api/v1/audit/export?obp_id=${encodeURIComponent(id)}`}>Whole trail (JSON lines)</a>
              )}
            </div>
          </>
        )}
      </Reading>
    </Panel>
  );
}

function Search(props: { readonly by: Member; readonly id: string }) {
  const [by, setBy] = useState(props.by);
  const [id, setId] = useState(props.id);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          open(to('audit', undefined, id.trim() === '' ? {} : { [by]: id.trim() }));
        }}
      >
        <label>
          Records of
          <select value={by} onChange={(event) => setBy(event.currentTarget.value as Member)}>
            {Object.entries(MEMBERS).map(([member, name]) => (
              <option key={member} value={member}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          with the id
          <input value={id} maxLength={128} onInput={(event) => setId(event.currentTarget.value)} />
        </label>
        <button type="submit">Find</button>
        {props.id !== '' && <a href="#/audit">All records</a>}
      </form>
    </search>
  );
}

interface Verdict {
  readonly valid: boolean;
  readonly records?: number;
  readonly headHash?: string;
  readonly unsealed?: number;
  readonly seq?: number;
  readonly detail?: string;
  readonly checkpoints?: { readonly verified: number; readonly toSeq: number };
}

function Verify() {
  const [verdict, setVerdict] = useState<Verdict>();
  const [problem, setProblem] = useState<ProblemError>();
  const [busy, setBusy] = useState(false);
  async function verify(): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    await ask<Verdict>('/api/v1/audit/verify').then(setVerdict, (error: unknown) => {
      if (error instanceof ProblemError) setProblem(error);
    });
    setBusy(false);
  }
  return (
    <section class="verify" aria-label="Verification">
      <button type="button" id="verify" disabled={busy} onClick={() => void verify()}>
        Verify the chain
      </button>
      <p id="verdict" role="status">
        {busy ? 'Reading the whole chain…' : verdict ? <Says verdict={verdict} /> : 'Not verified on this screen yet.'}
      </p>
      {problem && <Problem problem={problem} />}
    </section>
  );
}

function Says({ verdict }: { readonly verdict: Verdict }) {
  const { valid, records, headHash, unsealed, seq, detail, checkpoints } = verdict;
  if (!valid) return <Mark level="over">{`Broken at record ${seq}: ${detail}`}</Mark>;
  const witnessed = checkpoints
    ? `; ${checkpoints.verified} signed checkpoints agree up to record ${checkpoints.toSeq}`
    : '';
  return (
    <>{`✓ ${records} records hold, ${unsealed} wait for their seal${witnessed}. Head ${headHash?.slice(0, 16)}…`}</>
  );
}
