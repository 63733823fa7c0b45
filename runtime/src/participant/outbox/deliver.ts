import { type BecknError, readAnswer } from '@flexder/protocol/beckn/envelope.ts';
import { digestHeader, signMessage } from '@flexder/protocol/beckn/signature.ts';
import type { Context } from '../../context.ts';
import { ForbiddenAddressError } from '../../http/outbound.ts';
import { ACK_BYTES, POST_LEAST_MS, POST_TIMEOUT_MS, SIGNATURE_LIFETIME_MS } from '../limits.ts';
import type { OutboxMessage, WireHeaders } from '../tables.ts';
import type { ParticipantConfig, SubscriberRecord, Undelivered } from '../types.ts';

export type DeliveryOutcome =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'final';
      readonly reason: Undelivered['reason'];
      readonly status?: number;
      readonly error?: BecknError;
    }
  | { readonly kind: 'retry'; readonly why: string; readonly counterpartyFault: boolean };

/** One attempt, signed for it: posted to the registered URL and nowhere else, the answer read in any peer's dialect. */
export async function deliver(
  { http, wall }: Pick<Context, 'http' | 'wall'>,
  config: ParticipantConfig,
  payload: OutboxMessage,
  headers: WireHeaders,
  record: SubscriberRecord,
  deliverBeforeMs: number,
): Promise<DeliveryOutcome> {
  try {
    const response = await http.request(`${record.url}/${payload.action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: Buffer.from(payload.text),
      // An answer after its time is of no use: who waits for it is told in time instead.
      timeoutMs: Math.min(POST_TIMEOUT_MS, Math.max(deliverBeforeMs - wall.nowMs(), POST_LEAST_MS)),
      maxResponseBytes: ACK_BYTES,
      // The registry holds this address: under `sandbox` it is the one origin this call may go to.
      allow: { profile: config.networkProfile, sandboxOrigins: new Set([new URL(record.url).origin]) },
    });
    return judge(response.status, parsed(response.body));
  } catch (error) {
    if (error instanceof ForbiddenAddressError) {
      return { kind: 'final', reason: 'refused', error: { code: 'NET_FORBIDDEN_ADDRESS', message: error.message } };
    }
    return { kind: 'retry', why: String((error as Error).message), counterpartyFault: true };
  }
}

/** The signature of one attempt. */
export function signed(
  config: ParticipantConfig,
  payload: OutboxMessage,
  nowMs: number,
  deliverBeforeMs: number,
): WireHeaders {
  const { subscriberId, keys } = config;
  const body = Buffer.from(payload.text);
  const createdS = Math.floor(nowMs / 1000);
  // `expires` has whole seconds and no tolerance: never less than a second ahead.
  const lifeMs = Math.min(Math.max(deliverBeforeMs - nowMs, 1_000), SIGNATURE_LIFETIME_MS);
  const untilS = Math.ceil((nowMs + lifeMs) / 1000);
  const expiresS = Math.min(untilS, createdS + SIGNATURE_LIFETIME_MS / 1000, keyEndS(config));
  const own = signMessage({ body, subscriberId, keyId: keys.keyId, seed: keys.signingSeed, createdS, expiresS });
  const digest = digestHeader(body);
  return payload.forwarded === undefined
    ? { authorization: own, digest }
    : { authorization: payload.forwarded, 'x-gateway-authorization': own, digest };
}

function keyEndS({ keysValidUntilMs }: ParticipantConfig): number {
  return keysValidUntilMs === undefined ? Number.POSITIVE_INFINITY : Math.floor(keysValidUntilMs / 1000);
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A NACK of the 4xx family is the last word, but for 429; so is one with status 200. What else fails is tried again. */
function judge(status: number, body: unknown): DeliveryOutcome {
  const answer = readAnswer(status, body);
  if (answer.acknowledged) return { kind: 'done' };
  const { error } = answer;
  const said = status < 300 && error.code !== `HTTP_${status}`;
  if (said || (status >= 400 && status < 500 && status !== 429 && status !== 408)) {
    return { kind: 'final', reason: 'nack', status, error };
  }
  return { kind: 'retry', why: `${status} ${error.code}: ${error.message}`, counterpartyFault: status !== 429 };
}
