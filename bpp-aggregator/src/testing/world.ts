/** What is around an aggregator: a registry that knows it, and BAPs that buy from it. */
import type { CallbackAction, RequestAction } from '@flexder/protocol/beckn/actions.ts';
import { encryptChallenge } from '@flexder/protocol/beckn/challenge.ts';
import { documentRequest } from '@flexder/protocol/beckn/document-request.ts';
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import type { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { validateBeckn } from '@flexder/schemas/validators.ts';
import express from 'express';
import { request } from 'undici';
import { AGGREGATOR } from './portfolio.ts';

/** What is waited for comes within this, or never. */
export const PATIENCE_MS = 10_000;

interface Waiter {
  readonly matches: (body: BecknBody) => boolean;
  readonly resolve: (body: BecknBody) => void;
}

export type Buyer = ReturnType<Awaited<ReturnType<typeof openWorld>>['bap']>;

/** Registry and BAPs on one server. */
export async function openWorld(wall: ReturnType<typeof systemWallClock>) {
  const ids = systemIds();
  const app = express();
  app.use(express.json({ limit: '2mb' }));
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const registryKeys = generateKeys();
  const records = new Map<string, Record<string, unknown>>();
  const callbacks: BecknBody[] = [];
  const waiters = new Set<Waiter>();
  let answer: (body: BecknBody) => { status: number; body: unknown } = () => ({
    status: 200,
    body: { message: { ack: { status: 'ACK' } } },
  });
  const record = (
    id: string,
    type: string,
    url: string,
    keys: { signingPublicKey: string; encryptionPublicKey: string },
  ) => ({
    subscriber_id: id,
    type,
    url,
    domain: 'deg:demand-flexibility',
    city: 'std:020',
    key_id: `${id}-key`,
    signing_public_key: keys.signingPublicKey,
    encr_public_key: keys.encryptionPublicKey,
    valid_from: new Date(0).toISOString(),
    valid_until: '2100-01-01T00:00:00Z',
    status: 'SUBSCRIBED',
  });
  records.set('registry', record('registry', 'LREG', server.url, registryKeys));
  app.post('/lookup', (request, response) => {
    const { subscriber_id, type } = request.body as Record<string, string>;
    const found = [...records.values()].filter(
      (one) => (!subscriber_id || one.subscriber_id === subscriber_id) && (!type || one.type === type),
    );
    response.json(found);
  });
  app.post('/subscribe', async (request, response) => {
    const body = request.body as Record<string, string>;
    response.json({ status: 'UNDER_SUBSCRIPTION' });
    const challenge = encryptChallenge('a challenge', registryKeys.encryptionPrivateKey, String(body.encr_public_key));
    const answered = await post(`${body.url}/on_subscribe`, { subscriber_id: body.subscriber_id, challenge });
    if ((answered.body as { answer?: string }).answer === 'a challenge')
      records.set(String(body.subscriber_id), { ...body, city: 'std:020', status: 'SUBSCRIBED' });
  });
  app.post('/baps/:id/:action', (request, response) => {
    const body = request.body as BecknBody;
    const { status, body: reply } = answer(body);
    response.status(status).json(reply);
    if (status !== 200) return;
    const verdict = validateBeckn(String(request.params.action), body);
    if (!verdict.valid) throw new Error(`invalid ${request.params.action}: ${JSON.stringify(verdict.errors)}`);
    callbacks.push(body);
    for (const waiter of waiters) if (waiter.matches(body)) waiter.resolve(body);
  });

  /** A BAP of this name, with keys of its own: one of a name. */
  function bap(name: string) {
    if (records.has(name)) throw new Error(`there is a ${name} already`);
    const id = subscriberId(name);
    const keys = generateKeys();
    const url = `${server.url}/baps/${id}`;
    records.set(id, record(id, 'BAP', url, keys));
    return {
      id,
      /** Sends a signed request; returns the HTTP answer. */
      async send(
        action: RequestAction,
        message: unknown,
        { transactionId, messageId }: { transactionId: string; messageId?: string },
      ) {
        const bpp = records.get(AGGREGATOR);
        const nowMs = wall.nowMs();
        const body = JSON.stringify({
          context: {
            domain: 'deg:demand-flexibility',
            location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
            action,
            version: '1.1.0',
            bap_id: id,
            bap_uri: url,
            ...(action === 'search' ? {} : { bpp_id: AGGREGATOR, bpp_uri: bpp?.url }),
            transaction_id: transactionId,
            message_id: messageId ?? ids.uuid(),
            timestamp: new Date(nowMs).toISOString(),
            ttl: 'PT30S',
          },
          message,
        });
        const createdS = Math.floor(nowMs / 1000);
        const authorization = signMessage({
          body: Buffer.from(body),
          subscriberId: id,
          keyId: `${id}-key`,
          seed: keys.signingSeed,
          createdS,
          expiresS: createdS + 30,
        });
        return post(`${bpp?.url}/${action}`, body, { authorization });
      },
      async document(path: string) {
        const createdS = Math.floor(wall.nowMs() / 1000);
        const url = `${records.get(AGGREGATOR)?.url}${path}`;
        const authorization = signMessage({
          body: documentRequest(url),
          subscriberId: id,
          keyId: `${id}-key`,
          seed: keys.signingSeed,
          createdS,
          expiresS: createdS + 30,
        });
        const { statusCode, body } = await request(url, {
          headers: { authorization },
        });
        return { status: statusCode, text: await body.text() };
      },
    };
  }

  return {
    url: server.url,
    callbacks,
    bap,
    newId: () => ids.uuid(),
    set answer(how: typeof answer) {
      answer = how;
    },
    /** The first callback (already come or to come) that matches; rejects when it does not come. */
    async next(action: CallbackAction, transactionId: string, also: (body: BecknBody) => boolean = () => true) {
      const matches = (body: BecknBody) =>
        body.context.action === action && body.context.transaction_id === transactionId && also(body);
      const come = callbacks.find(matches);
      if (come) return come;
      return new Promise<BecknBody>((resolve, reject) => {
        const waiter: Waiter = { matches, resolve: (body) => finish(() => resolve(body)) };
        const cancel = wall.after(PATIENCE_MS, () =>
          finish(() => reject(new Error(`no ${action} for ${transactionId}`))),
        );
        const finish = (then: () => void) => {
          cancel();
          waiters.delete(waiter);
          then();
        };
        waiters.add(waiter);
      });
    },
    close: () => server.close(),
  };
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, body: (await response.body.json()) as unknown };
}
