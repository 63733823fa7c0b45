/** Sign-ins that were sent to the issuer and have not come back; in memory, bounded, each good for one answer. */
import type { Context } from '@flexder/runtime/context.ts';
import { OIDC_PENDING, OIDC_PENDING_MS } from '../../limits.ts';

export interface PendingSignIn {
  /** Of the browser that asked, in its cookie: an answer that was begun by another browser signs nobody in. */
  readonly id: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly codeVerifier: string;
  readonly begunMs: number;
}

export class PendingSignIns {
  readonly #context: Pick<Context, 'wall' | 'ids'>;
  readonly #open = new Map<string, PendingSignIn>();

  constructor(context: Pick<Context, 'wall' | 'ids'>) {
    this.#context = context;
  }

  begin(): PendingSignIn {
    const nowMs = this.#context.wall.monotonicMs();
    for (const [id, { begunMs }] of this.#open) {
      if (nowMs - begunMs < OIDC_PENDING_MS && this.#open.size < OIDC_PENDING) break;
      this.#open.delete(id);
    }
    const secret = () => Buffer.from(this.#context.ids.secret(32)).toString('base64url');
    const signIn = { id: secret(), state: secret(), nonce: secret(), codeVerifier: secret(), begunMs: nowMs };
    this.#open.set(signIn.id, signIn);
    return signIn;
  }

  /** Undefined when there is none of that id, it was answered already, or its time is over. */
  take(id: string): PendingSignIn | undefined {
    const signIn = this.#open.get(id);
    this.#open.delete(id);
    if (!signIn || this.#context.wall.monotonicMs() - signIn.begunMs >= OIDC_PENDING_MS) return undefined;
    return signIn;
  }
}
