/** The key of a checkpoint as a bundle shows it: what it is, and what ties it to the registry. */
import type { BundleKey } from '@flexder/protocol/audit/bundle.ts';
import { readPublicKey } from '@flexder/protocol/beckn/keys.ts';

/** One entry of the registry. Instants are epoch milliseconds; the key is base64, raw or SPKI. */
export interface RegistryEntry {
  readonly subscriberId: string;
  readonly keyId: string;
  readonly type: string;
  readonly url: string;
  readonly signingPublicKey: string;
  readonly validFromMs: number;
  readonly validUntilMs: number;
  readonly status: string;
}

export interface RegistryAnswer {
  /** Where it was asked. */
  readonly registry: string;
  readonly retrievedAtMs: number;
  readonly entries: readonly RegistryEntry[];
}

/**
 * @param own public key of that id, base64, as the subscriber has it; undefined when it has forgotten it
 * @param asked what the registry says of the subscriber, or why it was not asked
 */
export function bundleKey(
  keyId: string,
  own: string | undefined,
  asked: RegistryAnswer | string,
): BundleKey | undefined {
  const entry = typeof asked === 'string' ? undefined : asked.entries.find((one) => one.keyId === keyId);
  const publicKey = raw(own ?? entry?.signingPublicKey);
  if (publicKey === undefined) return undefined;
  const base = { key_id: keyId, alg: 'ed25519' as const, public_key: publicKey };
  if (typeof asked === 'string') return { ...base, registry: null, note: asked };
  if (!entry) return { ...base, registry: null, note: `${asked.registry} has no entry of this key` };
  const evidence = {
    registry: asked.registry,
    retrieved_at: utc(asked.retrievedAtMs),
    record: {
      subscriber_id: entry.subscriberId,
      key_id: entry.keyId,
      type: entry.type,
      url: entry.url,
      signing_public_key: raw(entry.signingPublicKey) ?? entry.signingPublicKey,
      valid_from: utc(entry.validFromMs),
      valid_until: utc(entry.validUntilMs),
      status: entry.status,
    },
  };
  const note = 'the entry is a copy: ask the registry yourself for this subscriber and key id, and compare';
  return { ...base, registry: evidence, note };
}

function raw(key: string | undefined): string | undefined {
  const bytes = key === undefined ? undefined : readPublicKey(key, 'ed25519');
  return bytes && Buffer.from(bytes).toString('base64');
}

const utc = (ms: number) => new Date(ms).toISOString();
