import {
  type Credential,
  type InboundDeps,
  type InboundRejection,
  incomplete,
  type KeyFound,
  type KeyLookup,
  reject,
  type StepRun,
} from './types.ts';

/** The registered key of each signer, subscribed and within its validity. */
export const key: StepRun = async ({ credentials }, deps) => {
  if (credentials.length === 0) return incomplete('header');
  for (const credential of credentials) {
    const rejection = await acquireKey(credential, deps);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
};

/** A cached key that may not be used may have been renewed since: it is fetched fresh once. */
async function acquireKey(credential: Credential, deps: InboundDeps): Promise<InboundRejection | undefined> {
  const first = await findKey(credential, deps, false);
  if ('rejection' in first) return first.rejection;
  const fault = keyFault(first.key, credential, deps.nowMs);
  if (fault === undefined) {
    credential.key = first.key;
    return undefined;
  }
  const second = await findKey(credential, deps, true);
  // The registry being away now does not make a refused key good.
  if ('rejection' in second) return second.rejection.status === 401 ? second.rejection : fault;
  const still = keyFault(second.key, credential, deps.nowMs);
  if (still === undefined) credential.key = second.key;
  return still;
}

export async function findKey(
  credential: Credential,
  deps: InboundDeps,
  fresh: boolean,
): Promise<{ key: KeyFound } | { rejection: InboundRejection }> {
  const { subscriberId, keyId } = credential.parsed;
  const gateway = credential.by === 'gateway';
  let lookup: KeyLookup;
  try {
    lookup = await deps.keys.find(subscriberId, keyId, { fresh, role: credential.role });
  } catch (cause) {
    return { rejection: unavailable({ gateway, cause }) };
  }
  if ('unavailable' in lookup) return { rejection: unavailable({ gateway }) };
  if ('limited' in lookup) {
    const text = 'too many keys unknown to this server were asked for: send again in a minute';
    return { rejection: reject('AUT_RATE_LIMITED', 'rate', text, { gateway }) };
  }
  if (lookup.found) return { key: lookup };
  const rejection =
    lookup.what === 'subscriber'
      ? reject(
          'AUT_SUBSCRIBER_NOT_FOUND',
          'subscriber-unknown',
          `the registry knows no subscriber ${subscriberId}: subscribe first`,
          { gateway },
        )
      : reject(
          'AUT_KEY_NOT_FOUND',
          'key-unknown',
          `subscriber ${subscriberId} has no key ${keyId} in the registry: register it or sign with one it has`,
          { gateway },
        );
  return { rejection };
}

function unavailable(more: { gateway: boolean; cause?: unknown }): InboundRejection {
  const text = 'the registry cannot be asked for your key at the moment: send again later';
  return reject('NET_DOWNSTREAM_UNAVAILABLE', 'registry', text, more);
}

/** Why a key that was found may not be used. */
export function keyFault(found: KeyFound, credential: Credential, nowMs: number): InboundRejection | undefined {
  const { subscriberId, keyId } = credential.parsed;
  const gateway = credential.by === 'gateway';
  const name = `key ${keyId} of ${subscriberId}`;
  const now = new Date(nowMs).toISOString();
  if (found.status !== 'SUBSCRIBED') {
    const text = `${name} is ${found.status} in the registry, expected SUBSCRIBED: subscribe again`;
    return reject('AUT_KEY_EXPIRED_OR_REVOKED', 'key-status', text, { gateway });
  }
  if (nowMs < found.validFromMs) {
    const text = `${name} is valid only from ${iso(found.validFromMs)}; this server's time is ${now}: use the previous key until then`;
    return reject('AUT_KEY_EXPIRED_OR_REVOKED', 'key-validity', text, { gateway });
  }
  if (nowMs >= found.validUntilMs) {
    const text = `${name} was valid until ${iso(found.validUntilMs)}; this server's time is ${now}: register a new key`;
    return reject('AUT_KEY_EXPIRED_OR_REVOKED', 'key-validity', text, { gateway });
  }
  if (gateway && found.type !== undefined && found.type !== credential.role) {
    const text = `${subscriberId} is registered as ${found.type}: only a gateway (BG) passes searches on`;
    return reject('AUT_UNAUTHORIZED_ACTION', 'key-type', text, { gateway });
  }
  return undefined;
}

const iso = (ms: number) => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : 'a time beyond the calendar');
