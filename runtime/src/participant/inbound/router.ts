import { type Action, isAction } from '@flexder/protocol/beckn/actions.ts';
import { ack, authenticateHeader, nack } from '@flexder/protocol/beckn/envelope.ts';
import {
  type InboundDeps,
  type InboundOutcome,
  type InboundRejection,
  type InboundStep,
  runInbound,
} from '@flexder/protocol/beckn/inbound.ts';
import { INBOUND_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import type { NextFunction, Request, Response, Router } from 'express';
import type { Context } from '../../context.ts';
import { rawBody } from '../raw-body.ts';
import type { WireHeaders } from '../tables.ts';
import type { InboundMessage, ParticipantConfig } from '../types.ts';
import type { Exchange, RejectionLog } from './rejections.ts';
import { wireHeaders } from './wire.ts';

export interface InboundDoor {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly rejections: RejectionLog;
  readonly steps?: readonly InboundStep[];
  /** What is served now; undefined before `serve` and after `close`. */
  actions(): ReadonlySet<Action> | undefined;
  /** All that the pipeline needs but the request's own. */
  deps(headers: WireHeaders): Omit<InboundDeps, 'nowMs' | 'actions'>;
  dispatch(message: InboundMessage): void;
}

const OWN_FAULTS = new Set(['store', 'overloaded', 'pipeline']);
/** Said in the future, or after it had run out: a clock is wrong, of the sender or here. */
const CLOCK_FAULTS: ReadonlySet<string> = new Set(['created', 'expired', 'timestamp']);

type Refusal = Pick<InboundRejection, 'status' | 'code' | 'text' | 'path' | 'challenge' | 'gateway' | 'cause'> & {
  readonly reason: string;
};

/** `POST /<action>` of every action there is: served, refused with a reason, or unknown; always in JSON. */
export function mountActions(router: Router, door: InboundDoor): void {
  const raw = rawBody(INBOUND_LIMITS.maxBodyBytes);
  router.post(
    '/:action',
    (request, response, next) => {
      if (isAction(request.params.action))
        raw(request, response, (error) => (error ? refuseUnread(door, request, response, error) : next()));
      else next('route');
    },
    (request: Request<{ action: string }>, response: Response) =>
      // A body still on its way is no activity: a slow sender must not hold a stepped scenario.
      door.context.activity.track('inbound', () => receive(door, request, response)),
  );
  router.all('/:action', (request: Request<{ action: string }>, response: Response, next: NextFunction) => {
    if (!isAction(request.params.action)) return next();
    response.setHeader('allow', 'POST');
    response.status(405).json(nack('SCH_INVALID_FORMAT', `${request.params.action} is a POST`));
  });
}

async function receive(door: InboundDoor, request: Request<{ action: string }>, response: Response): Promise<void> {
  const { context } = door;
  const { action } = request.params;
  const startedMs = context.wall.monotonicMs();
  const headers = wireHeaders(request.headersDistinct);
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  const outcome = await judge(door, request, action, body, headers);
  context.metrics.observe('inbound_seconds', (context.wall.monotonicMs() - startedMs) / 1000, { action });
  if (!outcome.accepted) return refuse(door, action, outcome, response, body && { body, headers });
  const { message, repeated } = outcome;
  context.metrics.count('inbound', { action, result: repeated ? 'replayed' : 'accepted', reason: 'none' });
  if (repeated) context.metrics.count('replayed', { action });
  else door.dispatch(inboundMessage(message, headers.authorization ?? ''));
  response.status(200).json(ack());
}

async function judge(
  door: InboundDoor,
  request: Request,
  action: string,
  body: Buffer | undefined,
  headers: WireHeaders,
): Promise<InboundOutcome> {
  const actions = door.actions();
  if (!actions) {
    const text = 'this participant is starting or stopping; try again';
    return { accepted: false, status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE', reason: 'overloaded', text };
  }
  try {
    return await runInbound(
      { action, headers: request.headersDistinct, body },
      { ...door.deps(headers), actions, nowMs: door.context.wall.nowMs() },
      door.steps,
    );
  } catch (cause) {
    const text = 'the message could not be judged; try again';
    return { accepted: false, status: 503, code: 'INTERNAL', reason: 'pipeline', text, cause };
  }
}

function inboundMessage(
  accepted: (InboundOutcome & { accepted: true })['message'],
  authorization: string,
): InboundMessage {
  const { raw, ...rest } = accepted;
  return { ...rest, raw: { text: Buffer.from(raw).toString('utf8'), authorization } };
}

async function refuse(
  door: InboundDoor,
  action: string,
  refusal: Refusal,
  response: Response,
  exchange?: Exchange,
): Promise<void> {
  const { context, config, rejections } = door;
  const { status, code, reason, text, path } = refusal;
  context.metrics.count('inbound', { action, result: 'rejected', reason });
  if (CLOCK_FAULTS.has(reason)) context.metrics.count('clock_skew', { reason });
  const fields = { subscriber: config.subscriberId, action, status, code, reason };
  if (status >= 500)
    context.log.error(
      { ...fields, cause: refusal.cause && String(refusal.cause) },
      'a message was refused for a fault of our own',
    );
  else context.log.info(fields, 'a message was refused');
  const recorded = rejections.record({ action, code, reason, text, exchange });
  // With the database away the sender still hears so within a second.
  if (!OWN_FAULTS.has(reason)) await recorded;
  if (response.headersSent || response.destroyed) return;
  if (refusal.challenge) {
    const { name, value } = authenticateHeader(config.subscriberId, refusal.gateway);
    response.setHeader(name, value);
  }
  if (status === 503) response.setHeader('retry-after', '1');
  response.status(status).json(nack(code, text, path));
}

/** The body could not be read: too large, encoded, broken off. */
async function refuseUnread(
  door: InboundDoor,
  request: Request<{ action: string }>,
  response: Response,
  error: { type?: string },
) {
  const limit = INBOUND_LIMITS.maxBodyBytes;
  const refusals: Record<string, Refusal> = {
    'entity.too.large': {
      status: 413,
      code: 'SCH_BODY_TOO_LARGE',
      reason: 'size',
      text: `the body exceeds ${limit} bytes`,
    },
    'encoding.unsupported': {
      status: 415,
      code: 'SCH_UNSUPPORTED_MEDIA_TYPE',
      reason: 'encoding',
      text: 'content-encoding is not accepted: send the bytes that were signed',
    },
  };
  const broken: Refusal = {
    status: 400,
    code: 'SCH_INVALID_FORMAT',
    reason: 'body',
    text: 'the body ended before its announced length',
  };
  await refuse(
    door,
    request.params.action,
    new Map(Object.entries(refusals)).get(error.type ?? '') ?? broken,
    response,
  );
}
