/** With a token, which stays in the memory of this page for as long as it is sent. */

import type { ProblemError } from '@flexder/runtime/page/browser.ts';
import { Form, TokenField } from '@flexder/runtime/page/form.tsx';
import { Mark, Problem, Title } from '@flexder/runtime/page/parts.tsx';
import { open, route } from '@flexder/runtime/page/route.ts';
import { useEffect, useState } from 'preact/hooks';
import { refusalText } from '../state/refused.ts';
import { signIn, who } from '../state/session.ts';

export function SignIn() {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<ProblemError>();
  const [busy, setBusy] = useState(false);
  const known = who.value;
  async function signInWith(given: string): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    await signIn(given.trim()).then(() => open('#/'), setProblem);
    setToken('');
    setBusy(false);
  }
  const refused = route.value.query.get('refused');
  const refusal = refusalText(refused);
  // A sandbox prints a link that signs in. What stands after `#` is never sent to a server.
  const { screen, id } = route.value;
  useEffect(() => {
    if (screen === 'sign-in' && id !== undefined) void signInWith(id);
  }, [screen, id]);
  return (
    <Form
      class="sign-in panel"
      act="Sign in"
      disabled={busy || token.trim() === ''}
      submit={() => signInWith(token)}
      after={
        <>
          {problem && <Problem problem={problem} />}
          <p class="note">Whoever runs the DSO makes one with flexder keys operator.</p>
        </>
      }
    >
      <Title>Sign in</Title>
      {known?.name && (
        <p>
          You are {known.name}, {known.role}.
        </p>
      )}
      <p>
        {known?.role === null
          ? 'This DSO shows nothing before you have signed in. '
          : 'Anybody may look here; to act, sign in. '}
        Every action is recorded under your name.
      </p>
      {refusal && (
        <p class="problem" role="alert">
          <Mark level="watch">Not signed in</Mark>: {refusal} <small>({refused})</small>
        </p>
      )}
      {known?.signInAt && (
        <>
          {/* The address itself, not what was told: no link of the page is made of a text. */}
          <a class="act link" href="/api/v1/session/oidc">
            Sign in with your account
          </a>
          <p class="note">or with a token:</p>
        </>
      )}
      <TokenField value={token} change={setToken} />
    </Form>
  );
}
