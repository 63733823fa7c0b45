/** A participant of the test's own: really subscribed, with keys it can misuse, and no code of ours between it and the wire. */
import type { Action } from '@flexder/protocol/beckn/actions.ts';
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import { type KeyId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { digestHeader, signMessage } from '@flexder/protocol/beckn/signature.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { createRegistryClient } from '@flexder/runtime/participant/registry/client.ts';
import { createSubscription } from '@flexder/runtime/participant/subscription.ts';
import type { ParticipantConfig, ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { CITY, COUNTRY, DOMAIN, HOST } from '@flexder/sandbox/network/ids.ts';
import type { Network } from '@flexder/sandbox/network/network.ts';
import express, { type Response, type Router } from 'express';
import { sendWire, type WireAnswer } from './wire.ts';

export interface Address {
  readonly id: string;
  /** Registered base URL. */
  readonly url: string;
}

export interface CounterpartyOptions {
  readonly id: string;
  readonly type: 'BAP' | 'BPP';
  readonly keys?: ParticipantKeys;
}

export interface Exchange {
  readonly transactionId: string;
  readonly messageId?: string;
}

export interface Counterparty extends Address {
  readonly type: 'BAP' | 'BPP';
  readonly keys: ParticipantKeys;
  /** Every Beckn message it was sent, in order of arrival. */
  readonly received: readonly BecknBody[];
  /** What it answers a message with instead of an ACK. */
  reply: ((body: BecknBody, response: Response) => void) | undefined;
  /** What it does after it has acknowledged a message. */
  react: ((body: BecknBody) => Promise<unknown>) | undefined;
  /** The context of a message to `to`. */
  contextOf(action: Action, to: Address, exchange: Exchange): Record<string, unknown>;
  /** Signs and posts an honest message. */
  send(to: Address, action: Action, content: object, exchange: Exchange): Promise<WireAnswer>;
  /** Posts these bytes to the path of `action`, signed by this participant or by `keys`. */
  post(to: Address, action: string, body: Uint8Array, keys?: ParticipantKeys): Promise<WireAnswer>;
  /** The last message of this kind in this transaction. */
  last(action: Action, transactionId: string): BecknBody | undefined;
  /** Registers further keys for itself, signed by those it has; it still signs with the old ones. */
  addKeys(keys: ParticipantKeys): Promise<void>;
  close(): Promise<void>;
}

export function newKeys(keyId = 'key-1'): ParticipantKeys {
  return { keyId: keyId as KeyId, ...generateKeys() };
}

export async function openCounterparty(
  { context, registry }: Pick<Network, 'context' | 'registry'>,
  options: CounterpartyOptions,
): Promise<Counterparty> {
  const { id, type, keys = newKeys() } = options;
  const app = express();
  const received: BecknBody[] = [];
  let subscriptions: Router = express.Router();
  const server = await listen(app, { host: HOST, port: 0, wall: context.wall });
  const url = `${server.url}/beckn`;
  const client = createRegistryClient(context, registry.url, 'sandbox');

  async function subscribe(changes: Partial<ParticipantConfig>): Promise<void> {
    const place = { url, registryUrl: registry.url, domain: DOMAIN, country: COUNTRY, city: CITY };
    const config = { subscriberId: subscriberId(id), type, ...place, networkProfile: 'sandbox' as const, keys };
    const subscription = createSubscription(context, { ...config, ...changes }, client);
    subscriptions = express.Router();
    subscription.mount(subscriptions);
    await subscription.subscribe();
  }

  function contextOf(action: Action, to: Address, { transactionId, messageId }: Exchange) {
    const [own, other] = type === 'BAP' ? ['bap', 'bpp'] : ['bpp', 'bap'];
    return {
      domain: DOMAIN,
      location: { country: { code: COUNTRY }, city: { code: CITY } },
      action,
      version: '1.1.0',
      [`${own}_id`]: id,
      [`${own}_uri`]: url,
      [`${other}_id`]: to.id,
      [`${other}_uri`]: to.url,
      transaction_id: transactionId,
      message_id: messageId ?? context.ids.uuid(),
      timestamp: new Date(context.wall.nowMs()).toISOString(),
      ttl: 'PT30S',
    };
  }

  async function post(to: Address, action: string, body: Uint8Array, by = keys): Promise<WireAnswer> {
    const createdS = Math.floor(context.wall.nowMs() / 1000);
    const { keyId, signingSeed: seed } = by;
    const authorization = signMessage({ body, subscriberId: id, keyId, seed, createdS, expiresS: createdS + 30 });
    const headers: [string, string][] = [
      ['Content-Type', 'application/json'],
      ['Authorization', authorization],
      ['Digest', digestHeader(body)],
    ];
    return sendWire({ url: `${to.url}/${action}`, headers, body });
  }

  const self: Counterparty = {
    ...{ id, type, url, keys, received, contextOf, post },
    reply: undefined,
    react: undefined,
    send(to, action, content, exchange) {
      const body = { context: contextOf(action, to, exchange), ...content };
      return post(to, action, Buffer.from(JSON.stringify(body)));
    },
    last: (action, transactionId) =>
      received.findLast(({ context: c }) => c.action === action && c.transaction_id === transactionId),
    addKeys: (added) => subscribe({ keys: added, previousKeys: keys }),
    close: () => server.close(),
  };
  app.use('/beckn', (request, response, next) => subscriptions(request, response, next));
  app.post('/beckn/:action', express.json({ limit: '2mb' }), (request, response) => {
    const body = request.body as BecknBody;
    received.push(body);
    if (self.reply) return self.reply(body, response);
    response.json({ message: { ack: { status: 'ACK' } } });
    // What it does next is part of the story that a scenario waits for.
    if (self.react) void context.activity.track('counterparty', () => self.react!(body).then(() => {}));
  });
  await subscribe({});
  return self;
}
