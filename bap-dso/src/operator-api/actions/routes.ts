/** What an operator may do by hand: proposed first, done when it is confirmed. */
import { type Request, type Response, Router } from 'express';
import { TooLateError } from '../../flex-orchestration/decisions/too-late.ts';
import type { Guard } from '../access/guard.ts';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { answering, problem } from '../http.ts';
import { PARAMETER_LENGTH, REASON_LENGTH, TOKEN_LENGTH } from '../limits.ts';
import { BadRequestError } from '../parameters.ts';
import { ACTION_KINDS } from './kinds.ts';
import { Proposals } from './proposals.ts';

export function actionRoutes(deps: OperatorApiDeps, guard: Guard): Router {
  const proposals = new Proposals(deps.context);
  const router = Router();
  router.post(
    '/v1/actions',
    guard.needs('operator'),
    body,
    answering((request, response) => propose(request, response)),
  );
  router.post('/v1/actions/:id/confirm', guard.needs('operator'), body, (request, response, next) => {
    confirm(request, response).catch(next);
  });

  async function propose(request: Request, response: Response) {
    const wanted = (request.body as { kind?: unknown } | undefined)?.kind;
    const name = typeof wanted === 'string' && Object.hasOwn(ACTION_KINDS, wanted) ? wanted : undefined;
    if (name === undefined) {
      const known = Object.keys(ACTION_KINDS).join(', ');
      throw new BadRequestError('kind', `expected one of ${known}`);
    }
    const kind = ACTION_KINDS[name]!;
    const given = text(request, { kind: PARAMETER_LENGTH, reason: REASON_LENGTH, ...kind.members });
    const { effect, run } = await kind.propose(deps, given);
    const by = guard.askerOf(request).person!.name;
    const proposal = proposals.make({ by, reason: given.reason!, run });
    response.status(201);
    return {
      actionId: proposal.id,
      confirmToken: proposal.token,
      expiresAt: new Date(proposal.expiresMs).toISOString(),
      effect,
    };
  }

  async function confirm(request: Request, response: Response): Promise<void> {
    const { token } = text(request, { token: TOKEN_LENGTH });
    const { person } = guard.askerOf(request);
    const proposal = proposals.find(String(request.params.id));
    if (!proposal || proposal.token !== token || proposal.by !== person?.name) {
      const message = 'there is no such action of yours that waits for this token: propose it again';
      return guard.refuse(request, response, { status: 403, code: 'ACT_NOT_CONFIRMED', message });
    }
    proposal.outcome ??= proposal.run(proposal);
    try {
      response.json(await proposal.outcome);
    } catch (error) {
      // Nothing was done: the person may confirm again while the proposal stands.
      proposal.outcome = undefined;
      if (error instanceof TooLateError) return problem(response, 409, 'ACT_TOO_LATE', error.message);
      throw error;
    }
  }

  return router;
}
