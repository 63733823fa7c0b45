/** Signed-in browsers. In memory: a restart of the DSO asks everybody to sign in again. */

import type { Person } from '@flexder/runtime/access/people.ts';
import type { Context } from '@flexder/runtime/context.ts';
import { SESSION_IDLE_MS, SESSION_MS, SESSIONS } from '../limits.ts';

export interface Session {
  readonly id: string;
  readonly person: Person;
  /** The page repeats it in a header with whatever changes something; another site's page cannot read it. */
  readonly csrf: string;
  readonly begunMs: number;
  usedMs: number;
}

export class Sessions {
  readonly #context: Pick<Context, 'wall' | 'ids'>;
  readonly #open = new Map<string, Session>();

  constructor(context: Pick<Context, 'wall' | 'ids'>) {
    this.#context = context;
  }

  get size(): number {
    return this.#open.size;
  }

  begin(person: Person): Session {
    for (const id of this.#open.keys()) this.find(id, false);
    // Whoever has not been seen for longest signs in again.
    if (this.#open.size >= SESSIONS) this.#open.delete(this.#open.keys().next().value!);
    const nowMs = this.#context.wall.monotonicMs();
    const session = { id: this.#secret(), person, csrf: this.#secret(), begunMs: nowMs, usedMs: nowMs };
    this.#open.set(session.id, session);
    return session;
  }

  /** Undefined when there is none of that id, or it has ended. */
  find(id: string, use = true): Session | undefined {
    const session = this.#open.get(id);
    if (!session) return undefined;
    const nowMs = this.#context.wall.monotonicMs();
    if (nowMs - session.begunMs >= SESSION_MS || nowMs - session.usedMs >= SESSION_IDLE_MS) {
      this.#open.delete(id);
      return undefined;
    }
    if (use) {
      session.usedMs = nowMs;
      this.#open.delete(id);
      this.#open.set(id, session);
    }
    return session;
  }

  end(id: string): void {
    this.#open.delete(id);
  }

  #secret(): string {
    return Buffer.from(this.#context.ids.secret(32)).toString('base64url');
  }
}
