import { ChallengeError, decryptChallenge } from '@flexder/protocol/beckn/challenge.ts';
import { digestHeader, signMessage } from '@flexder/protocol/beckn/signature.ts';
import type { Response, Router } from 'express';
import type { Context } from '../context.ts';
import { recordable } from './facts.ts';
import {
  CHALLENGE_BODY_BYTES,
  RECORDED_TEXT,
  SUBSCRIBE_ATTEMPTS,
  SUBSCRIBE_BACKOFF_MS,
  SUBSCRIBE_POLL_MS,
  SUBSCRIBE_TIMEOUT_MS,
} from './limits.ts';
import { rawBody } from './raw-body.ts';
import type { RegistryClient } from './registry/client.ts';
import { registryTransport } from './registry/transport.ts';
import { subscribingHere } from './subscribing.ts';
import type { ParticipantConfig } from './types.ts';

/** The registry said no; trying again changes nothing. */
export class SubscriptionRefusedError extends Error {
  override name = 'SubscriptionRefusedError';
}

export interface Subscription {
  /** Serves `POST /on_subscribe`. */
  mount(router: Router): void;
  subscribe(): Promise<void>;
  /** The newest one that came to this process; undefined before the first. */
  lastChallenge(): LastChallenge | undefined;
}

/** What the registry, or somebody in its name, asked of us to prove that the address is ours. */
export interface LastChallenge {
  /** Wall time. */
  readonly atMs: number;
  readonly answered: boolean;
  /** Why not, in words. */
  readonly refusal?: string;
}

const YEAR_MS = 365 * 86_400_000;

export function createSubscription(
  context: Context,
  config: ParticipantConfig,
  registry: RegistryClient,
  underWay = subscribingHere(),
): Subscription {
  const { wall, ids } = context;
  let last: LastChallenge | undefined;
  const transport = registryTransport(context.http, config.registryUrl, config.networkProfile);

  async function ask(): Promise<void> {
    const body = Buffer.from(JSON.stringify(subscriptionOf(config, wall.nowMs(), ids.uuid())));
    const createdS = Math.floor(wall.nowMs() / 1000);
    // A rotation is signed by the key the registry knows.
    const { keyId, signingSeed: seed } = config.previousKeys ?? config.keys;
    const authorization = signMessage({
      body,
      subscriberId: config.subscriberId,
      keyId,
      seed,
      createdS,
      expiresS: createdS + 60,
    });
    const headers = { authorization, digest: digestHeader(body) };
    const { status, data } = await transport.post<string>('/subscribe', body.toString('utf8'), { headers });
    if (status === 200 || status === 202) return;
    const text = `the registry answered ${status}: ${recordable(String(data), RECORDED_TEXT)}`;
    if (status >= 400 && status < 500 && status !== 429) throw new SubscriptionRefusedError(text);
    throw new Error(text);
  }

  /** The registry challenges us after its answer; subscribed is who its lookup shows as such. */
  async function confirmed(): Promise<boolean> {
    const untilMs = wall.monotonicMs() + SUBSCRIBE_TIMEOUT_MS;
    for (let pauseMs = SUBSCRIBE_POLL_MS; wall.monotonicMs() < untilMs; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      const records = await registry.records(config.subscriberId, { fresh: 'now' }).catch(() => []);
      if (records.some((record) => record.keyId === config.keys.keyId && record.status === 'SUBSCRIBED')) return true;
      await wall.sleep(pauseMs);
    }
    return false;
  }

  return {
    mount(router) {
      const parse = rawBody(CHALLENGE_BODY_BYTES);
      router.post('/on_subscribe', (request, response) =>
        parse(request, response, async (error) => {
          // No other challenge is answered: who subscribes in our name must not be helped by us.
          const registryKey = await underWay.registryKey().catch(() => undefined);
          const refusal = answer(response, error ? undefined : request.body, registryKey, config);
          last = { atMs: wall.nowMs(), answered: refusal === undefined, ...(refusal && { refusal }) };
        }),
      );
    },
    lastChallenge: () => last,
    async subscribe() {
      let failure: unknown;
      for (let attempt = 0; attempt < SUBSCRIBE_ATTEMPTS; attempt++) {
        if (attempt > 0) await wall.sleep(SUBSCRIBE_BACKOFF_MS * 2 ** (attempt - 1));
        try {
          await underWay.begin((await registry.registry()).encrPublicKey);
          await ask();
          if (await confirmed()) return;
          failure = new Error(`the registry did not challenge ${config.url}/on_subscribe, or did not take the answer`);
        } catch (error) {
          if (error instanceof SubscriptionRefusedError) throw error;
          failure = error;
        } finally {
          await underWay.end().catch(() => {});
        }
        context.log.warn(
          { subscriber: config.subscriberId, attempt, error: String(failure) },
          'subscribing failed; will be tried again',
        );
      }
      throw new Error(`${config.subscriberId} could not subscribe at ${config.registryUrl}`, { cause: failure });
    },
  };
}

function subscriptionOf(config: ParticipantConfig, nowMs: number, nonce: string) {
  const { keys } = config;
  return {
    subscriber_id: config.subscriberId,
    url: config.url,
    type: config.type,
    domain: config.domain,
    location: { country: { code: config.country }, city: { code: config.city } },
    key_id: keys.keyId,
    signing_public_key: keys.signingPublicKey,
    encr_public_key: keys.encryptionPublicKey,
    // A clock behind ours must not find the key not yet valid.
    valid_from: new Date(nowMs - 60_000).toISOString(),
    valid_until: new Date(config.keysValidUntilMs ?? nowMs + YEAR_MS).toISOString(),
    nonce,
  };
}

/** Returns why it was refused. */
function answer(
  response: Response,
  body: unknown,
  registryKey: string | undefined,
  config: ParticipantConfig,
): string | undefined {
  const refuse = (status: number, message: string) => {
    response.status(status).json({ error: { code: 'AUT_UNAUTHORIZED_ACTION', message } });
    return message;
  };
  if (!registryKey) return refuse(401, 'no subscription of this participant is under way');
  const { challenge, subscriber } = challengeIn(body);
  if (challenge === undefined) return refuse(400, 'expected JSON with a text member `challenge`');
  // Else somebody could have his own id proven at our address, while we subscribe.
  if (subscriber !== undefined && subscriber !== config.subscriberId)
    return refuse(401, `this is ${config.subscriberId}: no challenge is answered for another`);
  try {
    const answer = decryptChallenge(challenge, config.keys.encryptionPrivateKey, registryKey);
    response.status(200).json({ answer });
    return undefined;
  } catch (error) {
    if (error instanceof ChallengeError) return refuse(400, error.message);
    throw error;
  }
}

/** Not every registry names the subscriber that it challenges. */
function challengeIn(body: unknown): { challenge?: string; subscriber?: unknown } {
  if (!Buffer.isBuffer(body)) return {};
  try {
    const { challenge, subscriber_id } = (JSON.parse(body.toString('utf8')) ?? {}) as Record<string, unknown>;
    return { ...(typeof challenge === 'string' && { challenge }), subscriber: subscriber_id };
  } catch {
    return {};
  }
}
