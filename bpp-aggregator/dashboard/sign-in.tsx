/** With a token, which stays in the memory of this page. */
import type { ProblemError } from '@flexder/runtime/page/browser.ts';
import { Form, TokenField } from '@flexder/runtime/page/form.tsx';
import { Problem, Title } from '@flexder/runtime/page/parts.tsx';
import { open, route } from '@flexder/runtime/page/route.ts';
import { useState } from 'preact/hooks';
import { signIn } from './session.ts';
import { overview, problem, read } from './store.ts';

export function SignIn() {
  const [given, setGiven] = useState('');
  const [refused, setRefused] = useState<ProblemError>();
  const submit = async () => {
    setRefused(undefined);
    setGiven('');
    await signIn(given.trim()).then(begin, setRefused);
  };
  // Without a token nobody is refused anything yet; where nobody may look at all, the service says what to set.
  const shown = refused ?? (problem.value?.status === 403 ? problem.value : undefined);
  return (
    <Form
      class="sign-in panel"
      act="Sign in"
      disabled={given.trim() === ''}
      submit={submit}
      after={
        <>
          {shown && <Problem problem={shown} />}
          <p class="note">
            Of a person in FLEXDER_BPP_OPERATORS_FILE, or what FLEXDER_BPP_OPERATOR_TOKEN holds where the service runs.
          </p>
        </>
      }
    >
      <Title>Sign in</Title>
      <p>
        {overview.value
          ? 'Anybody on this machine may look; to change something, sign in.'
          : 'This aggregator shows nothing without a token.'}
      </p>
      <TokenField value={given} change={setGiven} />
    </Form>
  );
}

async function begin(): Promise<void> {
  await read();
  if (route.value.screen === 'sign-in') open('#/');
}
