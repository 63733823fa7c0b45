/**
 * The signature header of BECKN-006: reads what peers send, writes one exact form.
 *
 * Readers of other implementations split on commas or look for `,signature="`, so what is written has a fixed
 * order, no space after commas and every value quoted. What is read may have spaces, other orders and unquoted
 * integers; a parameter that comes twice or is not known is refused, since two readers could take different ones.
 */
import { isIdentifier, type KeyId, type SubscriberId } from './identifiers.ts';

export const ALGORITHM = 'ed25519';
export const COVERAGE = '(created) (expires) digest';

export interface ParsedSignature {
  readonly subscriberId: SubscriberId;
  readonly keyId: KeyId;
  /** Unix seconds. */
  readonly createdS: number;
  readonly expiresS: number;
  /** Base64 of 64 bytes. */
  readonly signature: string;
}

export type HeaderVerdict =
  | { readonly ok: true; readonly parsed: ParsedSignature }
  | { readonly ok: false; readonly reason: 'header' | 'algorithm' | 'coverage'; readonly detail: string };

const NAMES = ['keyId', 'algorithm', 'created', 'expires', 'headers', 'signature'] as const;
type Name = (typeof NAMES)[number];
const known = new Set<string>(NAMES);

/** Longest header that is read when the caller names no bound. */
const MAX_CHARS = 1024;
/** One parameter and the comma or the end behind it; possessive in effect, as no two parts can match the same text. */
const PARAMETER = /[ \t]*([A-Za-z]+)[ \t]*=[ \t]*(?:"([^"\\\r\n]*)"|(\d{1,12}))[ \t]*(,|$)/y;
const SECONDS = /^\d{1,12}$/;
/** 64 bytes in base64: 86 characters and the padding. */
const SIGNATURE = /^[A-Za-z0-9+/]{85}[AQgw]==$/;

/** Never throws; `detail` says what is wrong and quotes at most 40 characters of it. */
export function parseSignatureHeader(value: string, maxChars = MAX_CHARS): HeaderVerdict {
  if (value.length > maxChars) return bad('header', `the header has ${value.length} characters, at most ${maxChars}`);
  const scheme = /^[ \t]*Signature[ \t]+/i.exec(value);
  if (scheme === null) return bad('header', 'expected the scheme Signature, as in: Signature keyId="…",algorithm="…"');
  const parameters = readParameters(value, scheme[0].length);
  if (typeof parameters === 'string') return bad('header', parameters);
  return interpret(parameters);
}

function readParameters(value: string, start: number): Map<Name, string> | string {
  const found = new Map<Name, string>();
  let at = start;
  let more = true;
  while (more) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(value);
    if (match === null) return `cannot read a parameter at character ${at}: ${quote(value.slice(at))}`;
    const [whole, name = '', quoted, bare, end] = match;
    if (!known.has(name)) return `unknown parameter ${quote(name)}`;
    if (found.has(name as Name)) return `parameter ${name} comes twice`;
    found.set(name as Name, quoted ?? bare ?? '');
    at += whole.length;
    more = end === ',';
  }
  const absent = NAMES.filter((name) => !found.has(name));
  return absent.length > 0 ? `parameter ${absent.join(', ')} is missing` : found;
}

function interpret(parameters: ReadonlyMap<Name, string>): HeaderVerdict {
  const get = (name: Name) => parameters.get(name) ?? '';
  const parts = get('keyId').split('|');
  const [subscriber, key, algorithm] = parts;
  if (parts.length !== 3 || !isIdentifier(subscriber) || !isIdentifier(key)) {
    return bad('header', `keyId must be subscriber_id|unique_key_id|${ALGORITHM}, got ${quote(get('keyId'))}`);
  }
  if (get('algorithm') !== ALGORITHM)
    return bad('algorithm', `algorithm must be ${ALGORITHM}, got ${quote(get('algorithm'))}`);
  if (algorithm !== ALGORITHM)
    return bad('algorithm', `the third part of keyId must be ${ALGORITHM}, got ${quote(algorithm)}`);
  if (get('headers') !== COVERAGE)
    return bad('coverage', `headers must be exactly "${COVERAGE}", got ${quote(get('headers'))}`);
  if (!SECONDS.test(get('created'))) return bad('header', `created must be Unix seconds, got ${quote(get('created'))}`);
  if (!SECONDS.test(get('expires'))) return bad('header', `expires must be Unix seconds, got ${quote(get('expires'))}`);
  // The shape of the signature is judged with the signature: a wrong one is a false signature, not a broken header.
  return {
    ok: true,
    parsed: {
      subscriberId: subscriber as SubscriberId,
      keyId: key as KeyId,
      createdS: Number(get('created')),
      expiresS: Number(get('expires')),
      signature: get('signature'),
    },
  };
}

/** Raw 64 bytes, or undefined when the text is anything else: other lengths, other alphabets, loose padding bits. */
export function signatureBytes(text: string): Uint8Array | undefined {
  return SIGNATURE.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** The exact form, BECKN-006 §3. Throws a TypeError for ids that would break it: those are ours, so it is a bug. */
export function formatSignatureHeader(parsed: ParsedSignature): string {
  const { subscriberId, keyId, createdS, expiresS, signature } = parsed;
  if (!isIdentifier(subscriberId) || !isIdentifier(keyId)) {
    throw new TypeError(`cannot sign as ${quote(subscriberId)} with key ${quote(keyId)}: not identifiers`);
  }
  if (!Number.isSafeInteger(createdS) || !Number.isSafeInteger(expiresS) || createdS < 0 || expiresS < 0) {
    throw new TypeError(`created ${createdS} and expires ${expiresS} must be whole Unix seconds`);
  }
  return (
    `Signature keyId="${subscriberId}|${keyId}|${ALGORITHM}",algorithm="${ALGORITHM}",created="${createdS}",` +
    `expires="${expiresS}",headers="${COVERAGE}",signature="${signature}"`
  );
}

function bad(reason: 'header' | 'algorithm' | 'coverage', detail: string): HeaderVerdict {
  return { ok: false, reason, detail };
}

function quote(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 40));
}
