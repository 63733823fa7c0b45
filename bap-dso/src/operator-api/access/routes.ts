/** Signing in and out, and who one is. */

import { personOf } from '@flexder/runtime/access/people.ts';
import { createTokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import { type Request, type Response, Router } from 'express';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { SIGN_INS, SIGN_INS_PER_SECOND, TOKEN_LENGTH } from '../limits.ts';
import { sessionCookie } from './cookies.ts';
import { type Guard, openViewing } from './guard.ts';
import { oidcRoutes } from './oidc/routes.ts';

export function sessionRoutes(deps: OperatorApiDeps, guard: Guard): Router {
  const { context, config } = deps;
  const attempts = createTokenBucket(SIGN_INS, SIGN_INS_PER_SECOND, () => context.wall.monotonicMs());
  const oidc = oidcRoutes(deps, guard);
  const mayView = openViewing(config);
  const router = Router();
  if (oidc) router.use(oidc.router);

  router.get('/v1/session', (request, response) => {
    const { person, session } = guard.askerOf(request);
    response.json({
      name: person?.name ?? null,
      role: person?.role ?? (mayView(request) ? 'viewer' : null),
      ...(session && { csrf: session.csrf }),
      ...(oidc && { signInAt: '/api/v1/session/oidc' }),
    });
  });

  router.post('/v1/session', body, (request, response, next) => {
    signIn(request, response).catch(next);
  });

  router.delete('/v1/session', guard.needs('viewer'), (request, response, next) => {
    signOut(request, response).catch(next);
  });

  async function signOut(request: Request, response: Response): Promise<void> {
    const { session } = guard.askerOf(request);
    if (session) guard.sessions.end(session.id);
    const [name, , options] = sessionCookie(config, '');
    response.cookie(name, '', { ...options, maxAge: 0 });
    const url = session?.idToken === undefined ? undefined : await oidc?.issuer.endSessionUrl(session.idToken);
    // Signed out here already; the page goes on to the issuer, where the person may be signed in for other things.
    if (url) response.json({ signOutAt: url.href });
    else response.status(204).end();
  }

  async function signIn(request: Request, response: Response): Promise<void> {
    const { token } = text(request, { token: TOKEN_LENGTH });
    if (!attempts.take()) {
      const message = 'too many attempts to sign in: wait a minute';
      return guard.refuse(request, response, { status: 429, code: 'AUT_RATE_LIMITED', message });
    }
    const person = personOf(config.operators ?? [], token);
    if (!person) {
      const message = 'nobody has that token; `flexder keys operator` makes one';
      return guard.refuse(request, response, { status: 401, code: 'AUT_SIGN_IN', message });
    }
    const session = guard.sessions.begin(person);
    const actor = { actor_id: person.name, actor_role: 'OPERATOR' as const };
    await deps.participant.transact((work) =>
      work.audit({ event_type: 'operator.signed-in', ...actor, decision: `as ${person.role}` }),
    );
    response.cookie(...sessionCookie(config, session.id));
    response.status(201).json({ name: person.name, role: person.role, csrf: session.csrf });
  }

  return router;
}
