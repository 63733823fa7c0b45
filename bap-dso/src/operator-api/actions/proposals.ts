/**
 * Select before operate: an action is first proposed, which shows its effect and changes nothing, and then confirmed by
 * the same person with the token of the proposal, within a minute, once.
 */
import type { Context } from '@flexder/runtime/context.ts';
import type { ByHand } from '../../flex-orchestration/decisions/by-hand.ts';
import { PROPOSAL_MS, PROPOSALS } from '../limits.ts';

export interface Proposal {
  readonly id: string;
  readonly token: string;
  /** Name of the person. */
  readonly by: string;
  readonly reason: string;
  run(hand: ByHand): Promise<object>;
  readonly expiresMs: number;
  /** Set by a confirmation that goes well or is under way; the ones after it are answered with the same. */
  outcome?: Promise<unknown> | undefined;
}

export class Proposals {
  readonly #context: Pick<Context, 'wall' | 'ids'>;
  readonly #open = new Map<string, Proposal>();

  constructor(context: Pick<Context, 'wall' | 'ids'>) {
    this.#context = context;
  }

  make(of: Pick<Proposal, 'by' | 'reason' | 'run'>): Proposal {
    const { wall, ids } = this.#context;
    for (const [id, { expiresMs }] of this.#open) if (expiresMs <= wall.nowMs()) this.#open.delete(id);
    if (this.#open.size >= PROPOSALS) this.#open.delete(this.#open.keys().next().value!);
    const token = Buffer.from(ids.secret(16)).toString('base64url');
    const proposal = { id: ids.uuid(), token, ...of, expiresMs: wall.nowMs() + PROPOSAL_MS };
    this.#open.set(proposal.id, proposal);
    return proposal;
  }

  /** Undefined when there is none of that id, or its minute is over. */
  find(id: string): Proposal | undefined {
    const proposal = this.#open.get(id);
    return proposal && proposal.expiresMs > this.#context.wall.nowMs() ? proposal : undefined;
  }
}
