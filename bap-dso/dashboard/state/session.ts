/** Who sits before the page, and what they may do. */

import type { Role } from '@flexder/runtime/access/people.ts';
import { computed, signal } from '@preact/signals';
import { ask, ProblemError } from '../browser.ts';

export interface Who {
  readonly name: string | null;
  /** null: nobody may look without signing in. */
  readonly role: Role | null;
  readonly csrf?: string;
}

export const who = signal<Who | undefined>(undefined);

/** Why this person may do nothing by hand; undefined when they may. */
export const mayNot = computed<string | undefined>(() => {
  const { name, role } = who.value ?? { name: null, role: null };
  if (name === null) return 'Sign in as an operator to act.';
  return role === 'viewer' ? `${name} is a viewer: acting needs the role operator.` : undefined;
});

export async function checkSession(): Promise<void> {
  const found = await ask<Who>('/api/v1/session').catch(() => undefined);
  if (found) who.value = found;
}

/** Throws ProblemError. */
export async function signIn(token: string): Promise<void> {
  who.value = await ask<Who>('/api/v1/session', { method: 'POST', body: { token } });
}

/** Throws ProblemError. */
export async function signOut(): Promise<void> {
  await ask('/api/v1/session', { method: 'DELETE', csrf: who.value?.csrf });
  await checkSession();
}

/** Asks under the name of who is signed in. Throws ProblemError. */
export async function askAs<T>(path: string, body: object): Promise<T> {
  try {
    return await ask<T>(path, { method: 'POST', body, csrf: who.value?.csrf });
  } catch (error) {
    if (error instanceof ProblemError && error.status === 401) await checkSession();
    throw error;
  }
}
