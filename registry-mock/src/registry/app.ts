import { nack } from '@flexder/protocol/beckn/envelope.ts';
import { isJsonType } from '@flexder/protocol/beckn/inbound/media.ts';
import { parseStrict } from '@flexder/protocol/beckn/json.ts';
import { JSON_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import type { Context, Health } from '@flexder/runtime/context.ts';
import { rawBody } from '@flexder/runtime/participant/raw-body.ts';
import { createTokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import { BODY_BYTES, LOOKUPS_AT_ONCE, LOOKUPS_PER_S, SUBSCRIBE_AT_ONCE, SUBSCRIBE_PER_S } from '../limits.ts';
import { type AddressLimit, createAddressLimit } from './address-limit.ts';
import { RefusedError } from './application.ts';
import type { RegistryAudit } from './audit.ts';
import { parseFilter, present } from './lookup.ts';
import type { SubscriptionStore } from './store.ts';
import type { createSubscribe } from './subscribe.ts';

interface RegistryApp {
  readonly context: Context;
  readonly store: SubscriptionStore;
  readonly subscribe: ReturnType<typeof createSubscribe>['subscribe'];
  readonly audit: Pick<RegistryAudit, 'refused'>;
  /** The registry's own record, which carries its encryption key. */
  ownRecord(): Record<string, unknown>;
  health(): Promise<Health>;
}

/** `POST /subscribe`, `POST /lookup`, health; every answer is JSON. */
export function registryApp({ context, store, subscribe, audit, ownRecord, health }: RegistryApp): Express {
  const app = express();
  app.disable('x-powered-by');
  const raw = rawBody(BODY_BYTES);
  const lookups = createTokenBucket(LOOKUPS_AT_ONCE, LOOKUPS_PER_S, context.wall.monotonicMs);

  const monotonicMs = () => context.wall.monotonicMs();
  const subscribeShare = addressShare(
    'subscriptions',
    createAddressLimit(SUBSCRIBE_AT_ONCE, SUBSCRIBE_PER_S, monotonicMs),
  );
  const lookupShare = addressShare('lookups', createAddressLimit(LOOKUPS_AT_ONCE, LOOKUPS_PER_S, monotonicMs));

  app.post('/subscribe', raw, subscribeShare, async (request, response) => {
    const authorization = request.headersDistinct.authorization ?? [];
    response.json(await subscribe({ body: request.body, value: readJson(request), authorization }));
  });
  app.post('/lookup', raw, lookupShare, async (request, response) => {
    if (!lookups.take()) throw new RefusedError(429, 'AUT_RATE_LIMITED', 'too many lookups; try again in a second');
    const filter = parseFilter(readJson(request));
    if (filter.columns.type === 'LREG') return void response.json([ownRecord()]);
    const rows = await store.find(filter);
    response.json(rows.map((row) => present(row, context.wall.nowMs())));
  });
  app.get('/health/live', (_request, response) => void response.json({ live: true }));
  app.get('/health/ready', async (_request, response) => {
    const state = await health();
    response.status(state.ready ? 200 : 503).json(state);
  });
  app.use((request, response) => {
    response
      .status(404)
      .json(
        nack(
          'SCH_INVALID_FORMAT',
          `there is no ${request.method} ${request.path.slice(0, 80)}: use POST /subscribe or POST /lookup`,
        ),
      );
  });
  app.use(errorHandler(context, audit));
  return app;
}

function addressShare(what: string, limit: AddressLimit): RequestHandler {
  return (request, _response, next) => {
    if (limit.take(request.socket.remoteAddress)) return next();
    next(new RefusedError(429, 'AUT_RATE_LIMITED', `too many ${what} from this address; try again in a second`));
  };
}

function readJson(request: Request): unknown {
  if (!isJsonType(request.headersDistinct['content-type'] ?? []))
    throw new RefusedError(415, 'SCH_UNSUPPORTED_MEDIA_TYPE', 'Content-Type: send application/json in UTF-8');
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const parsed = parseStrict(body, JSON_LIMITS);
  if (!parsed.ok) throw new RefusedError(400, 'SCH_INVALID_JSON', parsed.message);
  return parsed.value;
}

function errorHandler(context: Context, audit: RegistryApp['audit']): ErrorRequestHandler {
  return async (error, request, response, _next) => {
    const { type, status } = error as { type?: string; status?: number };
    const refused =
      error instanceof RefusedError
        ? error
        : type === 'entity.too.large'
          ? new RefusedError(413, 'SCH_BODY_TOO_LARGE', `the body exceeds ${BODY_BYTES} bytes`)
          : type === 'encoding.unsupported'
            ? new RefusedError(415, 'SCH_UNSUPPORTED_MEDIA_TYPE', 'content-encoding is not accepted')
            : status && status < 500
              ? new RefusedError(status, 'SCH_INVALID_FORMAT', 'the request cannot be read')
              : new RefusedError(503, 'INTERNAL', 'the registry cannot answer now; try again');
    context.metrics.count('registry_refused', { code: refused.code });
    if (refused.status >= 500)
      context.log.error({ path: request.path, error: String(error?.stack ?? error) }, 'a registry request failed');
    // With the database away the sender still hears so at once.
    const recorded = audit.refused(request.path, refused);
    if (refused.status < 500) await recorded;
    if (response.headersSent || response.destroyed) return;
    if (refused.status === 429 || refused.status === 503) response.setHeader('retry-after', '1');
    response.status(refused.status).json(nack(refused.code, refused.message));
  };
}
