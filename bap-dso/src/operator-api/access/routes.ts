/** Signing in and out, and who one is. */

import { personOf } from '@flexder/runtime/access/people.ts';
import { createTokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import { type Request, type Response, Router } from 'express';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { SESSION_MS, SIGN_INS, SIGN_INS_PER_SECOND, TOKEN_LENGTH } from '../limits.ts';
import { type Guard, SESSION_COOKIE } from './guard.ts';

export function sessionRoutes(deps: OperatorApiDeps, guard: Guard): Router {
  const { context, config } = deps;
  const attempts = createTokenBucket(SIGN_INS, SIGN_INS_PER_SECOND, () => context.wall.monotonicMs());
  const router = Router();

  router.get('/v1/session', (request, response) => {
    const { person, session } = guard.askerOf(request);
    response.json({
      name: person?.name ?? null,
      role: person?.role ?? (config.viewing === 'open' ? 'viewer' : null),
      ...(session && { csrf: session.csrf }),
    });
  });

  router.post('/v1/session', body, (request, response, next) => {
    signIn(request, response).catch(next);
  });

  router.delete('/v1/session', guard.needs('viewer'), (request, response) => {
    const { session } = guard.askerOf(request);
    if (session) guard.sessions.end(session.id);
    response
      .cookie(SESSION_COOKIE, '', { ...cookie(), maxAge: 0 })
      .status(204)
      .end();
  });

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
    response.cookie(SESSION_COOKIE, session.id, cookie());
    response.status(201).json({ name: person.name, role: person.role, csrf: session.csrf });
  }

  /** Over https alone where the page is served over https. */
  function cookie() {
    const secure = config.publicUrl?.startsWith('https:') ?? false;
    return { httpOnly: true, sameSite: 'strict' as const, path: '/api', secure, maxAge: SESSION_MS };
  }

  return router;
}
