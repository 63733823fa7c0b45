/** To the issuer and back: authorization code with PKCE, bound to the browser that asked. */
import { createTokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import { type Request, type Response, Router } from 'express';
import type { OperatorApiDeps } from '../../deps.ts';
import { problem } from '../../http.ts';
import { OIDC_PENDING_MS, OIDC_SIGN_INS, OIDC_SIGN_INS_PER_SECOND } from '../../limits.ts';
import { cookieOf, sessionCookie } from '../cookies.ts';
import type { Guard } from '../guard.ts';
import { createIssuer, type Issuer, OidcError } from './issuer.ts';
import { PendingSignIns } from './pending.ts';
import { personFrom } from './person.ts';

export const SIGN_IN_COOKIE = 'flexder_sign_in';

export interface OidcRoutes {
  readonly router: Router;
  readonly issuer: Issuer;
}

/** Undefined where nobody signs in that way. */
export function oidcRoutes(deps: OperatorApiDeps, guard: Guard): OidcRoutes | undefined {
  const { context, config } = deps;
  const { oidc, publicUrl, networkProfile } = config;
  if (!oidc || publicUrl === undefined) return undefined;
  const issuer = createIssuer(context, oidc, publicUrl, networkProfile);
  const pending = new PendingSignIns(context);
  const attempts = createTokenBucket(OIDC_SIGN_INS, OIDC_SIGN_INS_PER_SECOND, () => context.wall.monotonicMs());
  const router = Router();
  router.get('/v1/session/oidc', (request, response, next) => {
    sendAway(request, response).catch(next);
  });
  router.get('/v1/session/oidc/callback', (request, response, next) => {
    comeBack(request, response).catch(next);
  });

  async function sendAway(request: Request, response: Response): Promise<void> {
    if (!attempts.take()) return problem(response, 429, 'AUT_RATE_LIMITED', 'too many sign-ins: wait a minute');
    const signIn = pending.begin();
    try {
      const url = await issuer.authorizationUrl(signIn);
      response.cookie(SIGN_IN_COOKIE, signIn.id, { ...cookie(), maxAge: OIDC_PENDING_MS });
      response.redirect(303, url.href);
    } catch (error) {
      pending.take(signIn.id);
      await refused(request, response, error);
    }
  }

  async function comeBack(request: Request, response: Response): Promise<void> {
    const signIn = pending.take(cookieOf(request, SIGN_IN_COOKIE) ?? '');
    response.cookie(SIGN_IN_COOKIE, '', { ...cookie(), maxAge: 0 });
    try {
      if (!signIn) throw new OidcError('OIDC_STATE', 'no sign-in of this browser waits for an answer');
      const answer = new URL(request.originalUrl, publicUrl).searchParams;
      const { claims, idToken } = await issuer.exchange(answer, signIn);
      const person = personFrom(claims, oidc!, config.operators ?? []);
      await deps.participant.transact((work) =>
        work.audit({
          ...{ event_type: 'operator.signed-in', actor_id: person.name, actor_role: 'OPERATOR' },
          decision: `as ${person.role}, by ${String(claims.iss)} subject ${String(claims.sub)}`.slice(0, 500),
        }),
      );
      const session = guard.sessions.begin(person, idToken);
      response.cookie(...sessionCookie(config, session.id));
      response.redirect(303, '/');
    } catch (error) {
      await refused(request, response, error);
    }
  }

  /** A browser is led back to the page, which has the words for each code; the record has the reason. */
  async function refused(request: Request, response: Response, error: unknown): Promise<void> {
    if (!(error instanceof OidcError)) throw error;
    context.log.warn({ code: error.code, reason: error.message }, 'a sign-in by OpenID Connect failed');
    const status = error.code === 'OIDC_ROLE' || error.code === 'OIDC_NAME' ? 403 : 401;
    await guard.note(request, { status, code: error.code, message: error.message.slice(0, 300) });
    response.redirect(303, `/#/sign-in?refused=${error.code}`);
  }

  /** Lax: the way back from the issuer begins at another site. */
  function cookie() {
    const secure = publicUrl!.startsWith('https:');
    return { httpOnly: true, sameSite: 'lax' as const, path: '/api/v1/session/oidc', secure };
  }

  return { router, issuer };
}
