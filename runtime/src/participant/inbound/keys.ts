import type { InboundDeps, KeyLookup } from '@flexder/protocol/beckn/inbound.ts';
import { type RegistryClient, RegistryRateError, RegistryUnavailableError } from '../registry/client.ts';

/** The registry as the pipeline asks it: a key of a subscriber, or why there is none. */
export function inboundKeys(registry: RegistryClient): InboundDeps['keys'] {
  return {
    async find(subscriberId, keyId, { fresh, role }): Promise<KeyLookup> {
      try {
        const records = await registry.records(subscriberId, { fresh, keyId });
        if (records.length === 0) return { found: false, what: 'subscriber' };
        const keys = records.filter((candidate) => candidate.keyId === keyId);
        const record = keys.find(({ type }) => type === role) ?? keys[0];
        if (!record) return { found: false, what: 'key' };
        const { signingPublicKey: publicKey, url, validFromMs, validUntilMs, status, type } = record;
        return { found: true, publicKey, url, validFromMs, validUntilMs, status, type };
      } catch (error) {
        if (error instanceof RegistryRateError) return { limited: true };
        if (error instanceof RegistryUnavailableError) return { unavailable: true };
        throw error;
      }
    },
  };
}
