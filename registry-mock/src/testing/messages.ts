/** Messages as a peer would build and sign them, byte for byte under the test's control. */
import { randomUUID } from 'node:crypto';
import type { Action } from '@flexder/protocol/beckn/actions.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { CITY, DOMAIN, type Peer } from './network.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { message?: { ack?: { status?: string } }; error?: { code: string; message: string; paths?: string } };
}

/** A schema-valid `status` request from `bap` to `bpp`. */
export function statusBody(bap: Peer, bpp: Peer, context: Record<string, unknown> = {}) {
  return {
    context: {
      domain: DOMAIN,
      location: { country: { code: 'GBR' }, city: { code: CITY } },
      action: 'status',
      version: '1.1.0',
      bap_id: bap.config.subscriberId,
      bap_uri: bap.config.url,
      bpp_id: bpp.config.subscriberId,
      bpp_uri: bpp.config.url,
      transaction_id: randomUUID(),
      message_id: randomUUID(),
      timestamp: new Date().toISOString(),
      ttl: 'PT30S',
      ...context,
    },
    message: { order_id: randomUUID() },
  };
}

export function sign(body: Uint8Array, subscriberId: string, keys: ParticipantKeys): string {
  const createdS = Math.floor(Date.now() / 1000);
  return signMessage({
    body,
    subscriberId,
    keyId: keys.keyId,
    seed: keys.signingSeed,
    createdS,
    expiresS: createdS + 30,
  });
}

export async function post(url: string, body: string | Uint8Array, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    body: body as BodyInit,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

/** Signs `body` as `from` and posts it to `to`. */
export function send(from: Peer, to: Peer, action: Action, body: unknown): Promise<Answer> {
  const bytes = Buffer.from(JSON.stringify(body));
  const authorization = sign(bytes, from.config.subscriberId, from.config.keys);
  return post(`${to.config.url}/${action}`, bytes, { authorization });
}
