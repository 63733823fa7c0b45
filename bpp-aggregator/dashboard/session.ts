/** Who sits before the page: a token in the memory of this page alone, so that a reload asks again. */
import type { Role } from '@flexder/runtime/access/people.ts';
import { ask, ProblemError } from '@flexder/runtime/page/browser.ts';
import { computed, signal } from '@preact/signals';

export interface Who {
  readonly name: string | null;
  readonly role: Role | null;
}

const NOBODY: Who = { name: null, role: null };

export const token = signal<string | undefined>(undefined);
export const who = signal<Who>(NOBODY);

/** Why this person may change nothing; undefined when they may. */
export const mayNot = computed<string | undefined>(() => {
  const { name, role } = who.value;
  if (name === null) return 'Sign in as an operator to change something.';
  return role === 'viewer' ? `${name} is a viewer: changing something needs the role operator.` : undefined;
});

/** Throws ProblemError when nobody has that token. */
export async function signIn(given: string): Promise<void> {
  const found = await ask<Who>('/api/v1/view/session', { bearer: given });
  if (found.name === null)
    throw new ProblemError(401, 'AUT_SIGN_IN', 'nobody here has that token; flexder keys operator makes one');
  token.value = given;
  who.value = found;
}

export function signOut(): void {
  token.value = undefined;
  who.value = NOBODY;
}

/** Asks under the name of who is signed in. Throws ProblemError. */
export function askAs<T>(path: string, body: object): Promise<T> {
  return ask<T>(path, { method: 'POST', body, bearer: token.value });
}
