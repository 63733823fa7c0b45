/** With a token, which stays in the memory of this page. */
import { Problem, Title } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import { problem, signIn, token } from './store.ts';

export function SignIn() {
  const [given, setGiven] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    void signIn(given.trim());
    setGiven('');
  };
  return (
    <form class="sign-in panel" onSubmit={submit}>
      <Title>Sign in</Title>
      <p>This aggregator shows nothing without a token.</p>
      <label>
        Token
        <input
          type="password"
          autoComplete="current-password"
          required
          maxLength={256}
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="act" disabled={given.trim() === ''}>
          Sign in
        </button>
      </div>
      {problem.value && (token.value !== undefined || problem.value.status === 403) && (
        <Problem problem={problem.value} />
      )}
      <p class="note">
        Of a person in FLEXDER_BPP_OPERATORS_FILE, or what FLEXDER_BPP_OPERATOR_TOKEN holds where the service runs.
      </p>
    </form>
  );
}
