/** What every guard of an operator's API does: read the token, say why not, and put on record who was refused. */
import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { problem } from '../page/security.ts';
import { createTokenBucket } from '../participant/token-bucket.ts';
import type { UnitOfWork } from '../participant/types.ts';
import { ACCESS_LIMITS } from './limits.ts';
import { type Actor, mayActAs, type Role } from './people.ts';

export interface Refusal {
  readonly status: 401 | 403 | 429;
  readonly code: string;
  readonly message: string;
}

/** The token that a program sends; undefined where it sends none. One that cannot be anybody's is the empty text. */
export function bearerOf(request: Request): string | undefined {
  const token = /^Bearer ([\w.~+/=-]+)$/.exec(request.get('authorization') ?? '')?.[1];
  return token !== undefined && token.length > ACCESS_LIMITS.tokenChars ? '' : token;
}

/** Undefined when `person` may do what needs `role`. */
export function roleRefusal(person: Actor, role: Role): Refusal | undefined {
  if (mayActAs(person.role, role)) return undefined;
  const message = `this needs the role ${role}; ${person.name} has ${person.role}`;
  return { status: 403, code: 'AUT_ROLE', message };
}

/** Whether a request asks for a change. */
export function isUnsafe({ method }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

export interface Refusals {
  /** Counts a refusal and puts it on record. */
  note(request: Request, person: Actor | undefined, refusal: Refusal): Promise<void>;
  /** Answers with a refusal, counted; who only looked changes nothing and is not on record. */
  answer(request: Request, response: Response, person: Actor | undefined, refusal: Refusal): Promise<void>;
}

/** @param write one record, in a transaction of its own */
export function createRefusals(
  { wall, metrics }: Pick<Context, 'wall' | 'metrics'>,
  write: (entry: Parameters<UnitOfWork<never>['audit']>[0]) => Promise<void>,
): Refusals {
  const bucket = createTokenBucket(ACCESS_LIMITS.recorded, ACCESS_LIMITS.recordedPerSecond, () => wall.monotonicMs());
  const note: Refusals['note'] = async (request, person, { status, code, message }) => {
    metrics.count('operator_refused', { code });
    if (!bucket.take()) return metrics.count('operator_refused_unrecorded');
    const path = request.baseUrl + request.path;
    await write({
      event_type: 'operator.refused',
      ...(person && { actor_id: person.name, actor_role: 'OPERATOR' as const }),
      code,
      decision: `${status} to ${request.method} ${path.slice(0, ACCESS_LIMITS.pathChars)}: ${message}`,
    });
  };
  return {
    note,
    async answer(request, response, person, refusal) {
      if (isUnsafe(request)) await note(request, person, refusal);
      else metrics.count('operator_refused', { code: refusal.code });
      if (refusal.status === 401) response.set('www-authenticate', 'Bearer realm="operators"');
      problem(response, refusal.status, refusal.code, refusal.message);
    },
  };
}
