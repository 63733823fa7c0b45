/** Who asks, and whether they may. Every refusal says why and is on record. */
import { timingSafeEqual } from 'node:crypto';
import { mayActAs, type Person, personOf, type Role } from '@flexder/runtime/access/people.ts';
import { createTokenBucket, type TokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import type { Request, RequestHandler, Response } from 'express';
import type { OperatorApiDeps } from '../deps.ts';
import { problem } from '../http.ts';
import { AUDITED_REFUSALS, AUDITED_REFUSALS_PER_SECOND, TOKEN_LENGTH } from '../limits.ts';
import { type Session, Sessions } from './sessions.ts';

export const SESSION_COOKIE = 'flexder_session';
export const CSRF_HEADER = 'x-csrf-token';

/** Who asks; nobody known when `person` is absent. */
export interface Asker {
  readonly person?: Person;
  /** Of a browser, whose cookies come along whoever wrote the page. */
  readonly session?: Session;
}

export interface Guard {
  readonly sessions: Sessions;
  askerOf(request: Request): Asker;
  /** Lets those pass who have at least this role; an unsafe request of a browser also needs its CSRF token. */
  needs(role: Role): RequestHandler;
  /** Answers with the refusal and puts it on record. */
  refuse(request: Request, response: Response, refusal: Refusal): Promise<void>;
}

export interface Refusal {
  readonly status: 401 | 403 | 429;
  readonly code: string;
  readonly message: string;
}

export function createGuard(deps: OperatorApiDeps): Guard {
  const { context, config } = deps;
  const sessions = new Sessions(context);
  // Strangers must not fill the record: what is beyond is counted.
  const audited = createTokenBucket(AUDITED_REFUSALS, AUDITED_REFUSALS_PER_SECOND, () => context.wall.monotonicMs());
  const people = config.operators ?? [];
  const openToView = config.viewing === 'open';

  const askerOf = (request: Request): Asker => {
    const bearer = /^Bearer ([\w.~+/=-]+)$/.exec(request.get('authorization') ?? '')?.[1];
    if (bearer !== undefined && bearer.length <= TOKEN_LENGTH) {
      const person = personOf(people, bearer);
      return person ? { person } : {};
    }
    const session = sessions.find(cookieOf(request) ?? '');
    return session ? { person: session.person, session } : {};
  };

  const refuse = async (request: Request, response: Response, refusal: Refusal): Promise<void> => {
    const { person } = askerOf(request);
    context.metrics.count('operator_refused', { code: refusal.code });
    if (isUnsafe(request)) await record(deps, audited, person, request, refusal);
    if (refusal.status === 401) response.set('www-authenticate', 'Bearer realm="operators"');
    problem(response, refusal.status, refusal.code, refusal.message);
  };

  return {
    sessions,
    askerOf,
    refuse,
    needs: (role) => (request, response, next) => {
      const refusal = refusalOf(request, askerOf(request), role, openToView);
      if (refusal === undefined) return next();
      refuse(request, response, refusal).catch(next);
    },
  };
}

function refusalOf(request: Request, asker: Asker, role: Role, openToView: boolean): Refusal | undefined {
  const { person, session } = asker;
  if (!person) {
    if (role === 'viewer' && openToView) return undefined;
    const message = 'sign in with POST /api/v1/session, or send Authorization: Bearer and your token';
    return { status: 401, code: 'AUT_SIGN_IN', message };
  }
  if (!mayActAs(person.role, role)) {
    const message = `this needs the role ${role}; ${person.name} has ${person.role}`;
    return { status: 403, code: 'AUT_ROLE', message };
  }
  if (!session || !isUnsafe(request)) return undefined;
  const origin = request.get('origin');
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.get('host')))
    return { status: 403, code: 'AUT_CSRF', message: 'the request comes from a page of another origin' };
  if (same(request.get(CSRF_HEADER) ?? '', session.csrf)) return undefined;
  const message = `send the csrf token of GET /api/v1/session in ${CSRF_HEADER}`;
  return { status: 403, code: 'AUT_CSRF', message };
}

async function record(
  { participant, context }: OperatorApiDeps,
  audited: TokenBucket,
  person: Person | undefined,
  request: Request,
  { status, code, message }: Refusal,
): Promise<void> {
  if (!audited.take()) return context.metrics.count('operator_refused_unrecorded');
  const path = request.baseUrl + request.path;
  await participant.transact((work) =>
    work.audit({
      event_type: 'operator.refused',
      ...(person && { actor_id: person.name, actor_role: 'OPERATOR' as const }),
      code,
      decision: `${status} to ${request.method} ${path.slice(0, 120)}: ${message}`,
    }),
  );
}

function isUnsafe({ method }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function cookieOf(request: Request): string | undefined {
  const pairs = (request.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  const found = pairs.filter(([name]) => name === SESSION_COOKIE);
  return found.length === 1 ? found[0]?.[1] : undefined;
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
