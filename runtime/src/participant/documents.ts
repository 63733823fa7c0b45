import { createHash } from 'node:crypto';
import { documentRequest } from '@flexder/protocol/beckn/document-request.ts';
import { authenticateHeader, nack } from '@flexder/protocol/beckn/envelope.ts';
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { INBOUND_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import { parseSignatureHeader, signMessage, verifyMessage } from '@flexder/protocol/beckn/signature.ts';
import type { Request, Response, Router } from 'express';
import type { Context } from '../context.ts';
import type { Breakers } from '../http/breaker.ts';
import { OutboundError } from '../http/outbound.ts';
import type { RejectionLog } from './inbound/rejections.ts';
import { DOCUMENT_SIGNATURE_MS, DOCUMENT_TIMEOUT_MS } from './limits.ts';
import { type RegistryClient, RegistryRateError, RegistryUnavailableError } from './registry/client.ts';
import type { DocumentHandler, ParticipantConfig, SubscriberRecord } from './types.ts';

/** The document could not be fetched; `status` is the counterparty's, absent when it was not reached. */
export class DocumentError extends Error {
  override name = 'DocumentError';
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

export async function fetchDocument(
  { http, wall, breakers }: Pick<Context, 'http' | 'wall'> & { readonly breakers: Breakers },
  config: ParticipantConfig,
  record: SubscriberRecord | undefined,
  from: SubscriberId,
  path: string,
  limitBytes: number,
): Promise<Uint8Array> {
  if (!record) throw new DocumentError(`${from} is not subscribed at the registry`);
  const url = new URL(record.url + path);
  // A path from a message must stay below the registered URL, whatever dots and slashes it has.
  if (!path.startsWith('/') || !url.href.startsWith(`${record.url}/`)) {
    throw new DocumentError(`the path ${JSON.stringify(path.slice(0, 80))} leads away from ${record.url}`);
  }
  const waitMs = breakers.waitMs(from);
  if (waitMs > 0)
    throw new DocumentError(`${from} did not answer lately: not asked for another ${Math.ceil(waitMs)} ms`);
  const createdS = Math.floor(wall.nowMs() / 1000);
  const { keyId, signingSeed: seed } = config.keys;
  const authorization = signMessage({
    body: documentRequest(url.href),
    subscriberId: config.subscriberId,
    keyId,
    seed,
    createdS,
    expiresS: createdS + DOCUMENT_SIGNATURE_MS / 1000,
  });
  const response = await http
    .request(url.href, {
      method: 'GET',
      headers: { authorization },
      timeoutMs: DOCUMENT_TIMEOUT_MS,
      maxResponseBytes: limitBytes,
      allow: { profile: config.networkProfile, sandboxOrigins: new Set([new URL(record.url).origin]) },
    })
    .catch((error: unknown) => {
      // Larger than was asked for is no sign that nobody is there.
      if (error instanceof OutboundError && error.kind !== 'too-large') breakers.failed(from);
      throw error;
    });
  if (response.status < 500) breakers.answered(from);
  if (response.status !== 200)
    throw new DocumentError(`${from} answered ${response.status} for ${path}`, response.status);
  return response.body;
}

interface DocumentDoor {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly registry: RegistryClient;
  readonly rejections: RejectionLog;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly text: string;
}

export function mountDocument(router: Router, door: DocumentDoor, pattern: string, handler: DocumentHandler): void {
  router.get(pattern, async (request: Request, response: Response) => {
    const asker = await authenticate(door, request);
    if ('status' in asker) return refuse(door, response, asker);
    const document = await handler({ signerId: asker.signerId, params: textParams(request.params) });
    if (!document) {
      response.status(404).json(nack('ORD_UNKNOWN', 'there is no such document for you'));
      return;
    }
    response.setHeader('content-type', document.contentType);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('x-content-sha256', createHash('sha256').update(document.bytes).digest('hex'));
    response.status(200).end(document.bytes);
  });
}

async function authenticate(
  { context, config, registry }: DocumentDoor,
  request: Request,
): Promise<{ signerId: SubscriberId } | Refusal> {
  const [value, ...more] = request.headersDistinct.authorization ?? [];
  if (value === undefined)
    return unauthorized(
      'AUT_SIGNATURE_MISSING',
      'missing',
      'sign the request: Authorization over `GET` and this address',
    );
  if (more.length > 0) return unauthorized('AUT_SIGNATURE_INVALID', 'header', 'one Authorization header is expected');
  const header = parseSignatureHeader(value);
  if (!header.ok) return unauthorized('AUT_SIGNATURE_INVALID', header.reason, header.detail);
  const { subscriberId, keyId } = header.parsed;
  try {
    const records = await registry.records(subscriberId, { keyId });
    const nowMs = context.wall.nowMs();
    const record = records.find((candidate) => candidate.keyId === keyId);
    if (!record)
      return unauthorized('AUT_KEY_NOT_FOUND', 'key-unknown', `the registry has no key ${keyId} of ${subscriberId}`);
    if (record.status !== 'SUBSCRIBED' || nowMs < record.validFromMs || nowMs >= record.validUntilMs) {
      return unauthorized('AUT_KEY_EXPIRED_OR_REVOKED', 'key-validity', `the key ${keyId} is not in force`);
    }
    const { skewS, maxLifetimeS } = INBOUND_LIMITS;
    const verified = verifyMessage({
      // The registered address and what is below it here, whatever a proxy before us calls itself.
      body: documentRequest(config.url.replace(/\/+$/, '') + request.url),
      header: value,
      publicKey: record.signingPublicKey,
      nowS: nowMs / 1000,
      skewS,
      maxLifetimeS,
    });
    if (!verified.verified) return unauthorized('AUT_SIGNATURE_INVALID', verified.reason, verified.detail);
    return { signerId: subscriberId };
  } catch (error) {
    if (error instanceof RegistryRateError)
      return { status: 429, code: 'AUT_RATE_LIMITED', reason: 'rate', text: error.message };
    if (!(error instanceof RegistryUnavailableError)) throw error;
    return {
      status: 503,
      code: 'NET_DOWNSTREAM_UNAVAILABLE',
      reason: 'registry',
      text: 'the registry cannot be asked; try again',
    };
  }
}

function unauthorized(code: string, reason: string, text: string): Refusal {
  return { status: 401, code, reason, text };
}

async function refuse(
  { config, context, rejections }: DocumentDoor,
  response: Response,
  refusal: Refusal,
): Promise<void> {
  const { status, code, reason, text } = refusal;
  context.metrics.count('inbound', { action: 'document', result: 'rejected', reason });
  await rejections.record({ action: 'document', code, reason, text });
  const { name, value } = authenticateHeader(config.subscriberId);
  if (status === 401) response.setHeader(name, value);
  response.status(status).json(nack(code, text));
}

function textParams(params: Request['params']): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
}
