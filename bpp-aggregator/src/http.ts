import { createHash, timingSafeEqual } from 'node:crypto';
import { onlyUnderOwnName } from '@flexder/runtime/access/own-name.ts';
import type { Health } from '@flexder/runtime/context.ts';
import express, { type Express, type RequestHandler } from 'express';
import type { AggregatorConfig } from './config.ts';
import type { Rooms } from './context.ts';
import { LIMITS } from './limits.ts';
import { devicesOf } from './view/portfolio.ts';

/** Probes, metrics, the Beckn door and, for the aggregator's own people, what it has and what it sold. */
export function createApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/health/live', (_request, response) => void response.json({ live: true }));
  return app;
}

export function mountProbes(app: Express, rooms: Rooms, health: () => Promise<Health>): void {
  app.get('/health/ready', async (_request, response) => {
    const state = await health();
    response.status(state.ready ? 200 : 503).json(state);
  });
  app.get('/metrics', async (_request, response) => {
    response.type('text/plain; version=0.0.4').send(await rooms.context.metrics.text());
  });
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** No token is set, and nobody from elsewhere reaches it. */
export function isOpen({ operatorToken, host }: AggregatorConfig): boolean {
  return operatorToken === undefined && LOOPBACK.has(host);
}

/** Undefined: the portfolio is not shown, because anybody could read it. */
function guardOf(config: AggregatorConfig): RequestHandler | undefined {
  const { operatorToken } = config;
  if (isOpen(config)) return onlyUnderOwnName;
  if (operatorToken === undefined) return undefined;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${operatorToken}`);
  return (request, response, next) => {
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return next();
    response.status(401).json({
      error: { code: 'AUT_UNAUTHORIZED_ACTION', message: 'send Authorization: Bearer and the operator token' },
    });
  };
}

export function mountApi(app: Express, rooms: Rooms): void {
  const guard = guardOf(rooms.config);
  if (!guard) return;
  app.get('/api/v1/portfolio', guard, async (_request, response) => void response.json(await portfolio(rooms)));
  app.get('/api/v1/orders', guard, async (_request, response) => void response.json(await orders(rooms)));
}

/** Devices as they are now, and why one could not serve the next half hour. MSIDs stay inside. */
async function portfolio(rooms: Rooms) {
  const feeders = [];
  for (const feederId of rooms.fleet.feeders()) feeders.push({ feederId, ders: await devicesOf(rooms, feederId) });
  return { gridTime: new Date(rooms.context.grid.nowMs()).toISOString(), feeders };
}

async function orders(rooms: Rooms) {
  const rows = await rooms.database
    .selectFrom('flex_order')
    .select(['order_id', 'bap_id', 'transaction_id', 'state', 'feeder_id', 'window_start_at', 'window_end_at'])
    .select(['committed_kw', 'order_references', 'answers_closed', 'is_short', 'performance'])
    .orderBy('order_no', 'desc')
    .limit(LIMITS.maxOrdersShown)
    .execute();
  return {
    orders: rows.map((row) => ({
      orderId: row.order_id,
      bapId: row.bap_id,
      transactionId: row.transaction_id,
      state: row.state,
      feederId: row.feeder_id,
      windowStart: row.window_start_at,
      windowEnd: row.window_end_at,
      committedKw: row.committed_kw,
      obpId: row.order_references?.obpId ?? null,
      eventId: row.order_references?.eventId ?? null,
      answersClosed: row.answers_closed,
      short: row.is_short,
      performance: row.performance,
    })),
  };
}
