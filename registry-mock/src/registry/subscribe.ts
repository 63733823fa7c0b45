import { verifyMessage } from '@flexder/protocol/beckn/signature.ts';
import { parseSignatureHeader } from '@flexder/protocol/beckn/signature-header.ts';
import type { Context } from '@flexder/runtime/context.ts';
import { createLanes } from '@flexder/runtime/participant/lanes.ts';
import { createTokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { CHALLENGES_AT_ONCE, SUBSCRIBE_AT_ONCE, SUBSCRIBE_PER_S } from '../limits.ts';
import { type Application, parseApplication, RefusedError } from './application.ts';
import type { RegistryAudit } from './audit.ts';
import { challenge } from './challenge.ts';
import type { SubscriptionRow, SubscriptionStore } from './store.ts';

export interface SubscribeRequest {
  readonly body: Uint8Array;
  /** Parsed strictly. */
  readonly value: unknown;
  /** Every Authorization header. */
  readonly authorization: readonly string[];
}

interface SubscribeDeps {
  readonly context: Context;
  readonly store: SubscriptionStore;
  readonly keys: ParticipantKeys;
  readonly audit: Pick<RegistryAudit, 'note'>;
  readonly profile: 'strict' | 'sandbox';
}

/**
 * Takes a subscription and challenges it afterwards: SUBSCRIBED is who answered. Who is registered already has to sign
 * with a key that is in force, so nobody takes over an id by answering at an address of his own.
 */
export function createSubscribe({ context, store, keys, audit, profile }: SubscribeDeps) {
  const { wall, metrics, activity } = context;
  const log = context.log.child({ service: 'registry' });
  const bucket = createTokenBucket(SUBSCRIBE_AT_ONCE, SUBSCRIBE_PER_S, wall.monotonicMs);
  const challenges = createLanes(CHALLENGES_AT_ONCE);

  async function prove(application: Application): Promise<void> {
    const result = await challenge(context, keys, application, profile);
    metrics.count('registry_challenges', { result: result.solved ? 'solved' : 'failed' });
    const { subscriber_id: subscriber, key_id: keyId } = application;
    if (!result.solved) {
      log.warn({ subscriber, keyId, why: result.why }, 'a challenge was not solved');
      return audit.note('unproven', application, `the challenge was not solved: ${result.why}`);
    }
    // Somebody may have proven the same key or address meanwhile: the store asks once more.
    await store.register(application, 'SUBSCRIBED', new Date(wall.nowMs()));
    log.info({ subscriber, keyId, type: application.type, url: application.url }, 'subscribed');
    await audit.note('subscribed', application, `${application.type} at ${application.url}`);
  }

  return {
    async subscribe(request: SubscribeRequest): Promise<{ status: 'UNDER_SUBSCRIPTION' }> {
      if (!bucket.take())
        throw new RefusedError(429, 'AUT_RATE_LIMITED', 'too many subscriptions; try again in a second');
      const nowMs = wall.nowMs();
      const application = parseApplication(request.value, profile, nowMs);
      assertAllowed(application, request, await store.keysOf(application.subscriber_id), nowMs);
      if (challenges.size >= SUBSCRIBE_AT_ONCE)
        throw new RefusedError(429, 'AUT_RATE_LIMITED', 'too many challenges under way');
      await store.register(application, 'UNDER_SUBSCRIPTION', new Date(nowMs));
      void activity
        .track('challenge', () => challenges.run(application.subscriber_id, () => prove(application)))
        .catch((error: unknown) =>
          log.warn(
            { subscriber: application.subscriber_id, error: String(error) },
            'a proven subscription was refused',
          ),
        );
      return { status: 'UNDER_SUBSCRIPTION' };
    },
    idle: () => challenges.idle(),
  };
}

function assertAllowed(
  application: Application,
  request: SubscribeRequest,
  rows: readonly SubscriptionRow[],
  nowMs: number,
): void {
  const same = rows.find((row) => row.key_id === application.key_id && row.status !== 'UNDER_SUBSCRIPTION');
  if (same && same.signing_public_key !== application.signing_public_key) {
    throw new RefusedError(
      409,
      'AUT_UNAUTHORIZED_ACTION',
      `key_id ${application.key_id} is taken by another key: choose a new id`,
    );
  }
  if (same?.status === 'UNSUBSCRIBED') {
    throw new RefusedError(409, 'AUT_KEY_EXPIRED_OR_REVOKED', 'this key was taken back and is not registered again');
  }
  const proven = rows.filter((row) => row.status !== 'UNDER_SUBSCRIPTION');
  const signer = signerOf(request, application, proven, nowMs);
  if (proven.length === 0 || signer?.status === 'SUBSCRIBED') return;
  // All keys ended: the address that was proven before may start anew, nobody else.
  const anyInForce = proven.some((row) => row.status === 'SUBSCRIBED' && row.valid_until.getTime() > nowMs);
  if (!anyInForce && proven.some((row) => row.url === application.url)) return;
  throw new RefusedError(
    401,
    'AUT_UNAUTHORIZED_ACTION',
    `${application.subscriber_id} is registered: sign the request with one of its keys in force`,
  );
}

/** The registered key that signed, undefined for the new key itself or no signature; a wrong signature is refused. */
function signerOf(
  { authorization, body }: SubscribeRequest,
  application: Application,
  proven: readonly SubscriptionRow[],
  nowMs: number,
): SubscriptionRow | undefined {
  const [header, ...more] = authorization;
  if (header === undefined) return undefined;
  const refuse = (why: string) => new RefusedError(401, 'AUT_SIGNATURE_INVALID', why);
  if (more.length > 0) throw refuse('one Authorization header is expected');
  const read = parseSignatureHeader(header);
  if (!read.ok) throw refuse(read.detail);
  const { subscriberId, keyId } = read.parsed;
  if (subscriberId !== application.subscriber_id)
    throw refuse(`signed by ${subscriberId} for ${application.subscriber_id}`);
  const registered = proven.find((row) => row.key_id === keyId && row.valid_until.getTime() > nowMs);
  if (!registered && keyId !== application.key_id)
    throw refuse(`the key ${keyId} is neither registered nor the new one`);
  const publicKey = registered?.signing_public_key ?? application.signing_public_key;
  const verified = verifyMessage({ body, header, publicKey, nowS: nowMs / 1000, skewS: 5, maxLifetimeS: 300 });
  if (!verified.verified) throw refuse(`${verified.reason}: ${verified.detail}`);
  return registered;
}
