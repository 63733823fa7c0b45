/** The operator API of a DSO and the page that shows it, for its own origin. */
import { pageRoutes } from '@flexder/runtime/page/serve.ts';
import { type Request, Router } from 'express';
import { impactOf } from '../audit-settlement/reports/impact.ts';
import { usageByFeeder } from '../audit-settlement/reports/usage.ts';
import { createGuard } from './access/guard.ts';
import { sessionRoutes } from './access/routes.ts';
import { actionRoutes } from './actions/routes.ts';
import { aggregatorViews } from './aggregators/aggregators.ts';
import { scoreViews } from './aggregators/scores.ts';
import { alarmRoutes, alarmViews } from './alarms/alarms.ts';
import { auditRoutes } from './audit.ts';
import type { OperatorApiDeps } from './deps.ts';
import { derRoutes } from './ders/routes.ts';
import { decisionViews, restrictionViews } from './events/decisions.ts';
import { overloadViews } from './events/overloads.ts';
import { eventRoutes } from './events/routes.ts';
import { answering, failures, notFound, readOnly, security } from './http.ts';
import { networkView } from './network.ts';
import { liveView } from './orders/live.ts';
import { orderViews } from './orders/orders.ts';
import { BadRequestError, date, identifier, oneOf, PAGE, page, parameters } from './parameters.ts';
import { settlementRoutes } from './settlement/settlement.ts';
import { settlementRunRoutes } from './settlement/settlement-runs.ts';
import { handoverRoutes } from './shift/handover.ts';
import { heatOf } from './shift/heat.ts';
import { alarmKpi } from './shift/kpi-view.ts';
import { bapTables, recentLoad, snapshot } from './stream/snapshot.ts';
import { createStream } from './stream/stream.ts';
import { summarise } from './summary.ts';

export type { FeederView, OperatorApiDeps } from './deps.ts';

/** Everything under `/api` and the dashboard at `/`; `close` ends the streams. Other paths pass to the next handler. */
export type OperatorApi = Router & { close(): Promise<void> };

export function createOperatorApi(deps: OperatorApiDeps): OperatorApi {
  const stream = createStream(deps);
  const guard = createGuard(deps);
  const api = Router();
  api.use(security, sessionRoutes(deps, guard));
  if (deps.hands) api.use(actionRoutes(deps, guard));
  api.use(settlementRunRoutes(deps, guard));
  api.use(alarmRoutes(deps, guard), handoverRoutes(deps, guard));
  api.use(readOnly, guard.needs('viewer'));
  api.get(
    '/v1/snapshot',
    plain(() => snapshot(deps)),
  );
  api.get('/v1/stream', (request, response, next) => stream.handle(request, response).catch(next));
  api.get(
    '/v1/feeders',
    plain(async () => ({ feeders: deps.feeders() })),
  );
  api.get(
    '/v1/load',
    answering((request) => load(deps, request)),
  );
  api.get(
    '/v1/load/heat',
    answering((request) => heatOf(deps, request)),
  );
  api.get(
    '/v1/overloads',
    answering((request) => overloads(deps, request)),
  );
  api.get(
    '/v1/orders',
    answering((request) => orders(deps, request)),
  );
  api.get(
    '/v1/orders/:obpId/live',
    answering((request) => liveView(deps, request)),
  );
  api.get(
    '/v1/decisions',
    answering((request) => decisions(deps, request)),
  );
  api.get(
    '/v1/alarms',
    answering((request) => alarms(deps, request)),
  );
  api.get(
    '/v1/alarms/kpi',
    answering((request) => alarmKpi(deps, request)),
  );
  api.get(
    '/v1/aggregators',
    plain(() => aggregatorViews(deps)),
  );
  api.get(
    '/v1/scores',
    plain(async () => ({ scores: await scoreViews(bapTables(deps), deps.context.wall.nowMs()) })),
  );
  api.get(
    '/v1/restrictions',
    plain(async () => ({ restrictions: await restrictionViews(bapTables(deps)) })),
  );
  api.get(
    '/v1/usage',
    answering((request) => usage(deps, request)),
  );
  api.get(
    '/v1/impact',
    answering((request) => impact(deps, request)),
  );
  api.get(
    '/v1/open-data',
    plain(async () => ({ enabled: deps.openData !== undefined, datasets: deps.openData?.statuses() ?? [] })),
  );
  api.get(
    '/v1/network',
    plain(async () => networkView(deps.config.network)),
  );
  api.get(
    '/v1/summary',
    plain(async () => {
      // What happened before the question is part of the answer; a failure to seal is heard elsewhere.
      await deps.participant.audit.sealNow().catch(() => {});
      return summarise(deps.participant.database);
    }),
  );
  api.use(derRoutes(deps), eventRoutes(deps), auditRoutes(deps), settlementRoutes(deps));
  api.use(notFound, failures(deps.context.log));

  const router = Router();
  router.use('/api', api);
  router.use(pageRoutes('bap-dso', '/'));
  return Object.assign(router, { close: () => stream.close() });
}

/** An address without parameters. */
function plain(read: () => Promise<unknown>) {
  return answering((request) => {
    parameters(request, {});
    return read();
  });
}

/** The three hours behind one feeder. */
async function load(deps: OperatorApiDeps, request: Request) {
  const { feeder_id: feederId } = parameters(request, { feeder_id: identifier });
  if (feederId === undefined) throw new BadRequestError('feeder_id', 'is required');
  const found = await recentLoad(bapTables(deps), deps.context.grid.nowMs(), feederId);
  return { feederId, points: found[feederId] ?? [] };
}

async function overloads(deps: OperatorApiDeps, request: Request) {
  const query = parameters(request, {
    ...PAGE,
    event_id: identifier,
    feeder_id: identifier,
    open: oneOf(['true', 'false']),
  });
  const open = query.open === undefined ? undefined : query.open === 'true';
  const filter = { eventId: query.event_id, feederId: query.feeder_id, open, ...page(query) };
  return { overloads: await overloadViews(bapTables(deps), filter) };
}

async function decisions(deps: OperatorApiDeps, request: Request) {
  const of = { event_id: identifier, feeder_id: identifier, open: oneOf(['true', 'false']) };
  const query = parameters(request, { ...PAGE, ...of });
  const open = query.open === undefined ? undefined : query.open === 'true';
  const filter = { eventId: query.event_id, feederId: query.feeder_id, open, ...page(query) };
  return { decisions: await decisionViews(bapTables(deps), filter) };
}

async function alarms(deps: OperatorApiDeps, request: Request) {
  const query = parameters(request, { ...PAGE, event_id: identifier });
  return {
    alarms: await alarmViews(bapTables(deps), deps.context.wall.nowMs(), { eventId: query.event_id, ...page(query) }),
  };
}

async function orders(deps: OperatorApiDeps, request: Request) {
  const of = { event_id: identifier, feeder_id: identifier, obp_id: identifier };
  const query = parameters(request, { ...PAGE, ...of });
  const filter = { eventId: query.event_id, feederId: query.feeder_id, obpId: query.obp_id, ...page(query) };
  return { orders: await orderViews(bapTables(deps), filter) };
}

async function impact(deps: OperatorApiDeps, request: Request) {
  const { from, to } = parameters(request, { from: date, to: date });
  const { feeders } = deps.config;
  const limits = new Map(feeders.map(({ feederId, limitKw }) => [feederId, limitKw]));
  const exportLimits = new Map(
    feeders.flatMap(({ feederId, exportLimitKw }) => (exportLimitKw === undefined ? [] : [[feederId, exportLimitKw]])),
  );
  return impactOf(bapTables(deps), { from, to, limits, exportLimits });
}

/** Dates are of the wall clock, UTC, both included. */
async function usage(deps: OperatorApiDeps, request: Request) {
  const query = parameters(request, { from: date, to: date });
  const from = query.from === undefined ? undefined : new Date(`${query.from}T00:00:00Z`);
  const to = query.to === undefined ? undefined : new Date(Date.parse(`${query.to}T00:00:00Z`) + 86_400_000);
  return { feeders: await usageByFeeder(bapTables(deps), { from, to }) };
}
