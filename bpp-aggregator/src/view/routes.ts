/** The aggregator's page at `/dashboard`, and what it shows: one answer, the same for everybody who looks within half a second. */

import { problem, security } from '@flexder/runtime/page/security.ts';
import { pageRoutes } from '@flexder/runtime/page/serve.ts';
import { type Express, type RequestHandler, Router } from 'express';
import type { Rooms } from '../context.ts';
import { type Guard, guardOf } from '../enrolment/guard.ts';
import { inMaintenance } from '../enrolment/maintenance.ts';
import { isOpen } from '../http.ts';
import { LIMITS } from '../limits.ts';
import { consentView, openCount } from './consent.ts';
import { type EarningView, earningsOf } from './earnings.ts';
import { type Counters, type OnboardingView, onboarding } from './onboarding.ts';
import { commandsOf, type SoldOrderView, soldOrders } from './orders.ts';
import { devicesOf, type HoldingView, holdings } from './portfolio.ts';
import { programmeViews, subscriptionsOf } from './programmes.ts';

export interface Overview {
  readonly mode: 'LIVE' | 'SIMULATION';
  readonly aggregator: { readonly id: string; readonly name: string };
  readonly clocks: { readonly wallMs: number; readonly gridMs: number };
  readonly holdings: readonly HoldingView[];
  readonly orders: readonly SoldOrderView[];
  readonly earnings: readonly EarningView[];
  /** Completed orders that earnings do not hold yet. */
  readonly earningsWaiting: number;
  /** Consumers who were asked and have not answered, and devices that wait for somebody to look at them. */
  readonly waiting: { readonly questions: number; readonly maintenance: number };
  readonly onboarding: OnboardingView;
}

export function mountPage(app: Express, rooms: Rooms, participant: Counters): void {
  const overview = shared(rooms, participant);
  const guard = guardOf(rooms);
  const api = Router();
  api.get('/overview', answering(overview));
  api.get(
    '/consent',
    answering(() => consentView(rooms)),
  );
  api.get(
    '/programmes',
    answering(async () => ({ programmes: await programmeViews(rooms) })),
  );
  api.get(
    '/programmes/:programmeId',
    answering(({ programmeId }) => subscriptionsOf(rooms, programmeId!)),
  );
  api.get(
    '/maintenance',
    answering(async () => ({ devices: await inMaintenance(rooms) })),
  );
  api.get(
    '/feeders/:feederId',
    answering(async ({ feederId }) => {
      if (!rooms.fleet.serves(feederId!)) return undefined;
      return { feederId, devices: await devicesOf(rooms, feederId!) };
    }),
  );
  api.get(
    '/orders/:orderId',
    answering(async ({ orderId }) => {
      const commands = await commandsOf(rooms, orderId!);
      return commands && { orderId, commands };
    }),
  );
  app.get('/api/v1/view/session', security, (request, response) => {
    const person = guard.personOf(request);
    response.json({ name: person?.name ?? null, role: person?.role ?? null });
  });
  app.use('/api/v1/view', security, mayLook(rooms, guard), api);
  app.use(pageRoutes('bpp-aggregator', '/dashboard'));
}

/** Whoever is on the machine where nobody else reaches it and no token is set; elsewhere people and programs by token. */
function mayLook(rooms: Rooms, guard: Guard): RequestHandler {
  const { config } = rooms;
  if (isOpen(config)) return (_request, _response, next) => next();
  if (config.operatorToken === undefined && config.operators.length === 0) return hidden;
  return guard.needs('viewer');
}

/** Without a token, and reachable from elsewhere: nobody may look, and is told what to set. */
const hidden: RequestHandler = (_request, response) =>
  problem(
    response,
    403,
    'AUT_NOT_SET_UP',
    'set FLEXDER_BPP_OPERATOR_TOKEN or FLEXDER_BPP_OPERATORS_FILE: without people this shows nothing from elsewhere',
  );

function answering(read: (params: Readonly<Record<string, string>>) => Promise<object | undefined>): RequestHandler {
  return (request, response, next) => {
    read(request.params as Record<string, string>).then((answer) => {
      if (answer) response.json(answer);
      else problem(response, 404, 'NOT_FOUND', 'there is nothing of that id here');
    }, next);
  };
}

/** Looked up once for all who ask at the same time, and not more often than twice a second. */
function shared(rooms: Rooms, participant: Counters): () => Promise<Overview> {
  let known: { readonly atMs: number; readonly answer: Promise<Overview> } | undefined;
  let looks = 0;
  const reckon = earningsOf(rooms);
  return () => {
    const atMs = rooms.context.wall.monotonicMs();
    if (known && atMs - known.atMs < LIMITS.overviewMs) return known.answer;
    const answer = overviewOf(rooms, participant, reckon, LIMITS.feedersRefreshed * looks++);
    known = { atMs, answer };
    // What failed is asked anew.
    answer.catch(() => {
      known = undefined;
    });
    return answer;
  };
}

async function overviewOf(
  rooms: Rooms,
  participant: Counters,
  reckon: ReturnType<typeof earningsOf>,
  refreshFrom: number,
): Promise<Overview> {
  const { config, context } = rooms;
  const earnings = await reckon();
  return {
    mode: config.networkProfile === 'sandbox' ? 'SIMULATION' : 'LIVE',
    aggregator: { id: config.subscriberId, name: config.name },
    clocks: { wallMs: context.wall.nowMs(), gridMs: context.grid.nowMs() },
    holdings: await holdings(rooms, refreshFrom),
    orders: await soldOrders(rooms, earnings),
    ...{ earnings: earnings.days, earningsWaiting: earnings.waiting },
    waiting: await waiting(rooms),
    onboarding: await onboarding(rooms, participant),
  };
}

async function waiting(rooms: Rooms): Promise<Overview['waiting']> {
  const flagged = rooms.fleet.all().filter((der) => der.maintenanceSinceMs !== null).length;
  return { questions: await openCount(rooms), maintenance: flagged };
}
