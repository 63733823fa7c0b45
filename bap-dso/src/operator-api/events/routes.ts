/** One event over time: its three lines, its steps, its messages with their bytes, and its devices. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { type Request, type Response, Router } from 'express';
import type { OperatorApiDeps } from '../deps.ts';
import { answering, problem } from '../http.ts';
import { BadRequestError, integer, PAGE, page, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { deviceAnswersOf } from './devices.ts';
import { rawMessage, verifyMessage } from './message.ts';
import { reliefOf } from './relief.ts';
import { stepsOf } from './steps.ts';

const STEPS = { after: integer(0, Number.MAX_SAFE_INTEGER), limit: PAGE.limit };

export function eventRoutes(deps: OperatorApiDeps): Router {
  const router = Router();
  const steps = (request: Request, messagesOnly: boolean) => {
    const query = parameters(request, STEPS);
    const eventId = eventIdOf(request);
    return stepsOf(deps.participant.database, eventId, {
      after: query.after ?? 0,
      limit: page(query).limit,
      messagesOnly,
    });
  };
  router.get(
    '/v1/events/:eventId/steps',
    answering((request) => steps(request, false)),
  );
  router.get(
    '/v1/events/:eventId/messages',
    answering(async (request) => {
      const { steps: found, ...page } = await steps(request, true);
      return { ...page, messages: found.map(({ message }) => message) };
    }),
  );
  router.get('/v1/events/:eventId/relief', (request, response, next) => relief(deps, request, response).catch(next));
  router.get(
    '/v1/events/:eventId/devices',
    answering(async (request) => deviceAnswersOf(bapTables(deps), eventIdOf(request), page(parameters(request, PAGE)))),
  );
  router.get('/v1/messages/:seq/raw', (request, response, next) => rawMessage(deps, request, response).catch(next));
  router.get('/v1/messages/:seq/verify', (request, response, next) =>
    verifyMessage(deps, request, response).catch(next),
  );
  return router;
}

async function relief(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  parameters(request, {});
  const found = await reliefOf(deps, eventIdOf(request));
  if (found) return void response.json(found);
  problem(response, 404, 'NOT_FOUND', 'there is no such event');
}

function eventIdOf(request: Request): string {
  const eventId = String(request.params.eventId);
  if (isIdentifier(eventId)) return eventId;
  throw new BadRequestError('event_id', 'expected the id of an event');
}
