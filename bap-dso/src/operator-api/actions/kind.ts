/** What a kind of action is. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { ByHand } from '../../flex-orchestration/decisions/by-hand.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { BadRequestError } from '../parameters.ts';

export interface Wanted {
  /** What it would do, for the person who is about to confirm it. */
  readonly effect: Readonly<Record<string, unknown>> & { readonly says: string };
  run(hand: ByHand): Promise<object>;
}

/** Members of a body, as they came. */
export type Given = Readonly<Record<string, string>>;

export interface ActionKind {
  /** Members of the body beside `kind` and `reason`, with the longest text each may be. */
  readonly members: Readonly<Record<string, number>>;
  /** Throws BadRequestError when there is nothing to do it to. */
  propose(deps: OperatorApiDeps, given: Given): Promise<Wanted>;
}

export async function done(work: Promise<void>): Promise<object> {
  await work;
  return { done: true };
}

/** Throws BadRequestError. */
export function id(given: Given, member: string, expected: string): string {
  const value = given[member]!;
  if (!isIdentifier(value)) throw new BadRequestError(member, `expected ${expected}`);
  return value;
}
