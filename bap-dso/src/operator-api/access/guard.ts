/** Who asks, and whether they may. Every refusal says why and is on record. */
import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { type Actor, personOf, type Role } from '@flexder/runtime/access/people.ts';
import { bearerOf, createRefusals, isUnsafe, type Refusal, roleRefusal } from '@flexder/runtime/access/refusals.ts';
import type { Request, RequestHandler, Response } from 'express';
import type { OperatorApiDeps } from '../deps.ts';
import { cookieOf, SESSION_COOKIE } from './cookies.ts';
import { type Session, Sessions } from './sessions.ts';

export const CSRF_HEADER = 'x-csrf-token';

/** Who asks; nobody known when `person` is absent. */
export interface Asker {
  readonly person?: Actor;
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
  /** Counts a refusal and puts it on record. */
  note(request: Request, refusal: Refusal): Promise<void>;
}

export function createGuard(deps: OperatorApiDeps): Guard {
  const { context, config, participant } = deps;
  const sessions = new Sessions(context);
  const refusals = createRefusals(context, (entry) => participant.transact((work) => work.audit(entry)));
  const people = config.operators ?? [];
  const mayView = openViewing(config);

  const askerOf = (request: Request): Asker => {
    const bearer = bearerOf(request);
    if (bearer !== undefined) {
      const person = personOf(people, bearer);
      return person ? { person } : {};
    }
    const session = sessions.find(cookieOf(request, SESSION_COOKIE) ?? '');
    return session ? { person: session.person, session } : {};
  };

  const refuse: Guard['refuse'] = (request, response, refusal) =>
    refusals.answer(request, response, askerOf(request).person, refusal);

  return {
    sessions,
    askerOf,
    refuse,
    note: (request, refusal) => refusals.note(request, askerOf(request).person, refusal),
    needs: (role) => (request, response, next) => {
      const refusal = refusalOf(request, askerOf(request), role, mayView);
      if (refusal === undefined) return next();
      refuse(request, response, refusal).catch(next);
    },
  };
}

/**
 * Whether a request needs no sign-in to look. Only under an address, `localhost` or the name of the public URL: a page of a stranger
 * whose name was made to lead here (DNS rebinding) is of this origin for a browser, and says its own name in Host.
 */
export function openViewing({ viewing, publicUrl }: OperatorApiDeps['config']): (request: Request) => boolean {
  if (viewing !== 'open') return () => false;
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).hostname;
  return (request) => {
    const host = `http://${request.get('host')}`;
    if (!URL.canParse(host)) return false;
    const { hostname } = new URL(host);
    return hostname === own || hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  };
}

function refusalOf(
  request: Request,
  asker: Asker,
  role: Role,
  mayView: (request: Request) => boolean,
): Refusal | undefined {
  const { person, session } = asker;
  if (!person) {
    if (role === 'viewer' && mayView(request)) return undefined;
    const message = 'sign in with POST /api/v1/session, or send Authorization: Bearer and your token';
    return { status: 401, code: 'AUT_SIGN_IN', message };
  }
  const denied = roleRefusal(person, role);
  if (denied) return denied;
  if (!session || !isUnsafe(request)) return undefined;
  const origin = request.get('origin');
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.get('host')))
    return { status: 403, code: 'AUT_CSRF', message: 'the request comes from a page of another origin' };
  if (same(request.get(CSRF_HEADER) ?? '', session.csrf)) return undefined;
  const message = `send the csrf token of GET /api/v1/session in ${CSRF_HEADER}`;
  return { status: 403, code: 'AUT_CSRF', message };
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
