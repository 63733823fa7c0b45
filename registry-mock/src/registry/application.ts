import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { readPublicKey } from '@flexder/protocol/beckn/keys.ts';
import { registrationFault } from '@flexder/protocol/beckn/public-key.ts';
import { AnswerError } from '@flexder/runtime/http/answer-error.ts';
import { allowedUrl } from '@flexder/runtime/http/policy.ts';
import { KEY_VALIDITY_MS, TEXT_CHARS, URL_CHARS } from '../limits.ts';
import type { SubscriptionTable } from './tables.ts';

/** What a subscriber asks to be registered as, checked; keys raw in base64. */
export type Application = Pick<
  SubscriptionTable,
  'subscriber_id' | 'key_id' | 'type' | 'url' | 'domain' | 'country' | 'city' | 'signing_public_key' | 'encr_public_key'
> & { readonly valid_from: Date; readonly valid_until: Date };

/** An answer with a 4xx or 5xx status. */
export class RefusedError extends AnswerError {
  override name = 'RefusedError';
}

const bad = (message: string) => new RefusedError(400, 'SCH_INVALID_FORMAT', message);

export function parseApplication(value: unknown, profile: 'strict' | 'sandbox', nowMs: number): Application {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad('expected one subscription as a JSON object');
  const entry = value as Record<string, unknown>;
  const location = entry.location as { country?: { code?: unknown }; city?: { code?: unknown } } | undefined;
  const type = entry.type;
  if (type !== 'BAP' && type !== 'BPP' && type !== 'BG') throw bad('type must be BAP, BPP or BG');
  nonceOf(entry.nonce);
  return {
    subscriber_id: identifierOf('subscriber_id', entry.subscriber_id),
    key_id: identifierOf('key_id', entry.key_id ?? entry.unique_key_id ?? entry.ukId),
    type,
    url: urlOf(entry.url ?? entry.subscriber_url, profile),
    domain: textOf('domain', entry.domain),
    country: textOf('location.country.code', location?.country?.code ?? entry.country),
    city: textOf('location.city.code', location?.city?.code ?? entry.city),
    signing_public_key: signingKeyOf(entry.signing_public_key),
    encr_public_key: encryptionKeyOf(entry.encr_public_key),
    ...validityOf(entry.valid_from, entry.valid_until, nowMs),
  };
}

function identifierOf(name: string, value: unknown): string {
  if (isIdentifier(value)) return value;
  throw bad(`${name} must be 1 to 128 letters, digits, dots, underscores and hyphens, the first a letter or a digit`);
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= TEXT_CHARS && /^[\x21-\x7e]+$/.test(value))
    return value;
  throw bad(`${name} must be 1 to ${TEXT_CHARS} printable ASCII characters without blanks`);
}

function nonceOf(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:+/=-]{8,128}$/.test(value)) return value;
  throw bad('nonce must be 8 to 128 characters, new for each request');
}

function urlOf(value: unknown, profile: 'strict' | 'sandbox'): string {
  if (typeof value !== 'string' || value.length > URL_CHARS || !URL.canParse(value)) {
    throw bad(`url must be a URL of at most ${URL_CHARS} characters`);
  }
  const url = new URL(value);
  if (url.search || url.hash) throw bad('url must have no query and no fragment');
  try {
    allowedUrl(value, { profile, sandboxOrigins: new Set([url.origin]) });
  } catch (error) {
    throw bad(`url: ${(error as Error).message}`);
  }
  return url.href.replace(/\/+$/, '');
}

function signingKeyOf(value: unknown): string {
  const raw = typeof value === 'string' ? readPublicKey(value, 'ed25519') : undefined;
  if (!raw) throw bad('signing_public_key must be an Ed25519 public key: 32 bytes, or SPKI DER, in base64');
  const fault = registrationFault(raw);
  if (fault) throw bad(`signing_public_key is refused: ${fault}`);
  return Buffer.from(raw).toString('base64');
}

function encryptionKeyOf(value: unknown): string {
  const raw = typeof value === 'string' ? readPublicKey(value, 'x25519') : undefined;
  if (!raw) throw bad('encr_public_key must be an X25519 public key: 32 bytes, or SPKI DER, in base64');
  return Buffer.from(raw).toString('base64');
}

function validityOf(from: unknown, until: unknown, nowMs: number): { valid_from: Date; valid_until: Date } {
  const fromMs = instantOf('valid_from', from);
  const untilMs = instantOf('valid_until', until);
  if (untilMs <= nowMs || untilMs <= fromMs) throw bad('valid_until must lie in the future and after valid_from');
  if (untilMs - Math.max(fromMs, nowMs) > KEY_VALIDITY_MS) throw bad('a key is registered for two years at most');
  return { valid_from: new Date(fromMs), valid_until: new Date(untilMs) };
}

function instantOf(name: string, value: unknown): number {
  const ms = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw bad(`${name} must be an RFC 3339 instant`);
  return ms;
}
