/** One message as it was on the wire, and its signature checked again on the spot. */
import { ask, copy, ProblemError } from '@flexder/runtime/page/browser.ts';
import { Dialog } from '@flexder/runtime/page/form.tsx';
import { dateTime, shortId } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note, Problem, Reading } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import type { RawMessage, VerifiedMessage } from '../../src/operator-api/events/message.ts';
import type { MessageView, SignatureView } from '../../src/operator-api/events/steps.ts';
import { useRead } from '../state/read.ts';

const STATES: Readonly<Record<SignatureView['state'], string>> = {
  verified: 'verified',
  own: 'signed here',
  refused: 'refused',
};

/** What the pipeline found when the message passed it. `short`: enough of the key id to tell it from others. */
export function SignatureMark(props: { readonly of: SignatureView; readonly short?: boolean }) {
  const { state, keyId, algorithm, why } = props.of;
  return (
    <span class="wrap">
      <Mark level={state === 'refused' || why !== null ? 'watch' : 'normal'}>{STATES[state]}</Mark>
      {keyId !== null && (
        <Note>
          {' '}
          {algorithm}, key <span title={keyId}>{props.short ? shortId(keyId) : keyId}</span>
        </Note>
      )}
    </span>
  );
}

export function MessageDialog({ seq, close }: { readonly seq: number; readonly close: () => void }) {
  const read = useRead<RawMessage>(`/api/v1/messages/${seq}/raw`);
  return (
    <Dialog wide heading={read.data ? headingOf(read.data.message) : 'Message'} close={close}>
      <Reading of={read}>
        {({ message, raw }) => (
          <div class="wire">
            <Facts
              of={[
                ['Signature', <SignatureMark key="signature" of={message.signature} />],
                ...(message.signature.why === null ? [] : [['Why', message.signature.why] as const]),
                [message.direction === 'out' ? 'Sent' : 'Received', whenOf(message, raw)],
                ['Message', message.messageId ?? '–'],
                ['Transaction', message.transactionId ?? '–'],
                ['SHA-256 in the audit record', message.sha256 ?? 'not recorded'],
                ['Record', String(message.seq)],
              ]}
            />
            <Verification seq={seq} />
            {raw ? <Bytes raw={raw} /> : <Gone message={message} />}
          </div>
        )}
      </Reading>
      <div class="buttons">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function headingOf({ direction, action, counterpartyId }: MessageView): string {
  const who = counterpartyId ?? 'an unknown sender';
  return `${action ?? 'Message'} ${direction === 'out' ? 'to' : 'from'} ${who}`;
}

function whenOf({ atMs }: MessageView, raw: RawMessage['raw']): string {
  if (raw && raw.atMs === null) return 'not yet';
  const at = raw?.atMs ?? atMs;
  return `${dateTime(at)} (${new Date(at).toISOString()})`;
}

function Gone({ message }: { readonly message: MessageView }) {
  return (
    <p class="empty">
      Its bytes are not kept any more: of what was sent a day, of what was received a week. The audit record keeps their
      digest{message.sha256 === null ? '' : `, ${message.sha256}`}: who still has the bytes can show that they are
      these.
    </p>
  );
}

function Bytes({ raw }: { readonly raw: NonNullable<RawMessage['raw']> }) {
  const [said, say] = useState('');
  const headers = raw.headers.map(([name, value]) => `${name}: ${value}`).join('\n');
  const copied = (what: string, text: string) =>
    void copy(text).then((done) => say(done ? `${what} copied` : 'this browser does not copy here: select the text'));
  return (
    <>
      <h3 id="message-headers">Headers</h3>
      <Scroll by="message-headers">{headers || 'none: it was not sent yet, or by an earlier version'}</Scroll>
      <h3 id="message-body">
        Body, {raw.bytes.toLocaleString('en-GB')} bytes as they were signed
        {raw.encoding === 'hex' && ', no UTF-8: as hex'}
      </h3>
      <Scroll by="message-body">{raw.body}</Scroll>
      <div class="buttons">
        <button type="button" onClick={() => copied('body', raw.body)}>
          Copy the body
        </button>
        <button type="button" onClick={() => copied('headers', headers)}>
          Copy the headers
        </button>
        <span role="status">{said}</span>
      </div>
    </>
  );
}

/** Named by its heading. */
function Scroll({ by, children }: { readonly by: string; readonly children: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
    <section class="bytes" tabIndex={0} aria-labelledby={by}>
      <pre>{children}</pre>
    </section>
  );
}

const VERDICTS: Readonly<Record<VerifiedMessage['verdict'], string>> = {
  verified: 'verified',
  'not-verified': 'NOT verified',
  gone: 'cannot be verified: its bytes are not kept any more',
};

function Verification({ seq }: { readonly seq: number }) {
  const [result, setResult] = useState<VerifiedMessage | ProblemError>();
  const [busy, setBusy] = useState(false);
  const verify = async () => {
    setBusy(true);
    const problem = (error: unknown) =>
      error instanceof ProblemError ? error : new ProblemError(-1, 'PAGE', String(error));
    setResult(await ask<VerifiedMessage>(`/api/v1/messages/${seq}/verify`).catch(problem));
    setBusy(false);
  };
  return (
    <section class="verification" aria-label="Verification">
      <button type="button" class="act" disabled={busy} onClick={() => void verify()}>
        Verify now
      </button>
      <div role="status">{result && !(result instanceof ProblemError) && <Result of={result} />}</div>
      {result instanceof ProblemError && <Problem problem={result} />}
    </section>
  );
}

function Result({ of: { verdict, checks, key, checkedAt } }: { readonly of: VerifiedMessage }) {
  return (
    <>
      <p id="message-verdict">
        <Mark level={verdict === 'verified' ? 'normal' : 'over'}>
          <strong>{VERDICTS[verdict]}</strong>
        </Mark>{' '}
        <Note>over the stored bytes, {dateTime(Date.parse(checkedAt))}</Note>
      </p>
      <ul class="checks">
        {checks.map(({ what, holds, detail }) => (
          <li key={`${what} ${detail}`} class="wrap">
            <Mark level={holds ? 'normal' : 'over'}>
              {what} {holds ? 'holds' : 'fails'}
            </Mark>
            : {detail}
          </li>
        ))}
      </ul>
      {key && (
        <p class="note wrap">
          Key {key.keyId} of {key.subscriberId}, {key.algorithm}, {FROM[key.from]}; the registry says now:{' '}
          {key.registryNow}.
        </p>
      )}
    </>
  );
}

const FROM: Readonly<Record<NonNullable<VerifiedMessage['key']>['from'], string>> = {
  'stored with the message': 'as the registry gave it when the message came',
  own: 'our own',
  registry: 'as the registry gives it now',
  nowhere: 'known to nobody',
};
