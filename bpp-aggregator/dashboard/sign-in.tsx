/** With a token, which stays in the memory of this page. */
import { Form, TokenField } from '@flexder/runtime/page/form.tsx';
import { Problem, Title } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import { problem, signIn, token } from './store.ts';

export function SignIn() {
  const [given, setGiven] = useState('');
  const submit = () => {
    setGiven('');
    return signIn(given.trim());
  };
  return (
    <Form
      class="sign-in panel"
      act="Sign in"
      disabled={given.trim() === ''}
      submit={submit}
      after={
        <>
          {problem.value && (token.value !== undefined || problem.value.status === 403) && (
            <Problem problem={problem.value} />
          )}
          <p class="note">
            Of a person in FLEXDER_BPP_OPERATORS_FILE, or what FLEXDER_BPP_OPERATOR_TOKEN holds where the service runs.
          </p>
        </>
      }
    >
      <Title>Sign in</Title>
      <p>This aggregator shows nothing without a token.</p>
      <TokenField value={given} change={setGiven} />
    </Form>
  );
}
