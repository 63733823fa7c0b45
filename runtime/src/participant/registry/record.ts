import { isIdentifier, type KeyId, type SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { SubscriberRecord } from '../types.ts';

const TYPES = new Set(['BAP', 'BPP', 'BG', 'LREG']);
const STATUSES = new Set(['INITIATED', 'UNDER_SUBSCRIPTION', 'SUBSCRIBED', 'EXPIRED', 'UNSUBSCRIBED', 'INVALID_SSL']);
const LONGEST = 2_048;

function text(...candidates: unknown[]): string | undefined {
  return candidates.find((value): value is string => typeof value === 'string' && value.length <= LONGEST);
}

function instant(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}

function cityOf(entry: Record<string, unknown>): string {
  const location = entry.location as { city?: { code?: unknown } } | undefined;
  return text(entry.city, location?.city?.code) ?? '*';
}

/** Only http(s) addresses without user, query or fragment, and without a slash at the end. */
function baseUrl(value: string | undefined): string | undefined {
  if (value === undefined || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username || url.password || url.search || url.hash) return undefined;
  return value.replace(/\/+$/, '');
}

/** One entry of a lookup answer, in whichever spelling the registry uses; undefined when it cannot be used. */
export function parseSubscriberRecord(value: unknown): SubscriberRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entry = value as Record<string, unknown>;
  const subscriberId = text(entry.subscriber_id, entry.subscriberId);
  const keyId = text(entry.key_id, entry.unique_key_id, entry.ukId, entry.uniqueKeyId);
  const url = baseUrl(text(entry.url, entry.subscriber_url));
  const signingPublicKey = text(entry.signing_public_key);
  const type = text(entry.type)?.toUpperCase();
  const status = text(entry.status)?.toUpperCase();
  const validFromMs = instant(entry.valid_from);
  const validUntilMs = instant(entry.valid_until);
  if (!isIdentifier(subscriberId) || !isIdentifier(keyId) || !url || !signingPublicKey) return undefined;
  if (!type || !TYPES.has(type) || !status || !STATUSES.has(status)) return undefined;
  if (Number.isNaN(validFromMs) || Number.isNaN(validUntilMs)) return undefined;
  return {
    subscriberId: subscriberId as SubscriberId,
    keyId: keyId as KeyId,
    type: type as SubscriberRecord['type'],
    url,
    domain: text(entry.domain) ?? '',
    city: cityOf(entry),
    signingPublicKey,
    encrPublicKey: text(entry.encr_public_key) ?? '',
    validFromMs,
    validUntilMs,
    status: status as SubscriberRecord['status'],
  };
}

/** The record whose URL and keys count now: subscribed, in its validity, the newest key. */
export function currentRecord(records: readonly SubscriberRecord[], nowMs: number): SubscriberRecord | undefined {
  return records
    .filter((r) => r.status === 'SUBSCRIBED' && r.validFromMs <= nowMs && nowMs < r.validUntilMs)
    .sort((a, b) => b.validFromMs - a.validFromMs || (a.keyId < b.keyId ? -1 : 1))[0];
}
