/** What an operator may do by hand. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { type Request, type Response, Router } from 'express';
import type { Guard } from '../access/guard.ts';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { answering } from '../http.ts';
import { PARAMETER_LENGTH, REASON_LENGTH, TOKEN_LENGTH } from '../limits.ts';
import { COMMITTED_STATES, orderViews } from '../orders.ts';
import { BadRequestError } from '../parameters.ts';
import { bapTables } from '../snapshot.ts';
import { Proposals } from './proposals.ts';

const KINDS = ['cancel-order'];

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
    const lengths = { kind: PARAMETER_LENGTH, obp_id: PARAMETER_LENGTH, reason: REASON_LENGTH };
    const { kind, obp_id, reason } = text(request, lengths);
    if (!KINDS.includes(kind)) throw new BadRequestError('kind', `expected one of ${KINDS.join(', ')}`);
    if (!isIdentifier(obp_id)) throw new BadRequestError('obp_id', 'expected the OBP id of an order');
    const order = await runningOrder(obp_id);
    const by = guard.askerOf(request).person!.name;
    const proposal = proposals.make({ by, obpId: obp_id, reason });
    response.status(201);
    return {
      actionId: proposal.id,
      confirmToken: proposal.token,
      expiresAt: new Date(proposal.expiresMs).toISOString(),
      effect: {
        order: { obpId: order.obpId, orderId: order.orderId, bppId: order.bppId, state: order.state },
        feederId: order.feederId,
        releasedKw: order.promisedKw,
        says: 'its devices return within minutes; what the feeder still needs is bought from others, as far as there are',
      },
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
    proposal.outcome ??= deps.cancelOrder!(proposal.obpId, proposal);
    try {
      response.json(await proposal.outcome);
    } catch (error) {
      // Nothing was cancelled: the person may confirm again while the proposal stands.
      proposal.outcome = undefined;
      throw error;
    }
  }

  async function runningOrder(obpId: string) {
    const [order] = await orderViews(bapTables(deps), { obpId, limit: 1, offset: 0 });
    if (!order) throw new BadRequestError('obp_id', 'there is no such order');
    if (!COMMITTED_STATES.has(order.state) || order.state === 'COMPLETED')
      throw new BadRequestError('obp_id', `the order is ${order.state}: there is nothing to cancel`);
    return order;
  }

  return router;
}
