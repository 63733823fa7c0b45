/** The signature of a kept message, checked once more over the bytes that are stored. */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { INBOUND_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import { type ParsedSignature, signatureFault, windowFault } from '@flexder/protocol/beckn/signature.ts';
import { parseSignatureHeader } from '@flexder/protocol/beckn/signature-header.ts';
import type { KeptMessage } from './find.ts';

export interface Check {
  readonly what: 'record' | 'header' | 'key' | 'digest' | 'signature' | 'time';
  readonly holds: boolean;
  readonly detail: string;
}

export interface Verdict {
  readonly verified: boolean;
  /** In the order of checking; those after one that cannot be made without it are left out. */
  readonly checks: readonly Check[];
}

/** Whose key a message claims to be signed with; undefined where its header cannot be read. */
export function signerOf({ headers }: Pick<KeptMessage, 'headers'>): ParsedSignature | undefined {
  const header = parseSignatureHeader(headers.authorization ?? '');
  return header.ok ? header.parsed : undefined;
}

/**
 * @param publicKey of the key id that the message names, base64; undefined where nobody knows it
 * @param record what the audit chain says of the message
 */
export function verifyKept(message: KeptMessage, record: AuditEntry, publicKey: string | undefined): Verdict {
  const checks = [...recordChecks(message, record), ...signatureChecks(message, publicKey)];
  return { verified: checks.every(({ holds }) => holds), checks };
}

/** That these are the bytes, and the signature, that the chain tells of. A URL was filled in after the record of a few. */
function* recordChecks({ body, headers }: KeptMessage, record: AuditEntry): Generator<Check> {
  const { payload_sha256: recorded, signature } = record;
  if (recorded !== undefined) {
    const sha256 = createHash('sha256').update(body).digest('hex');
    const holds = sha256 === recorded;
    const detail = holds
      ? `the ${body.length} bytes have the SHA-256 of the audit record`
      : `the ${body.length} bytes have the SHA-256 ${sha256}, the audit record says ${recorded}: they are not what it tells of`;
    yield { what: 'record', holds, detail };
  }
  if (signature && signerOf({ headers })?.signature !== signature.value)
    yield { what: 'record', holds: false, detail: 'the signature is not the one of the audit record' };
}

function* signatureChecks({ body, headers, atMs }: KeptMessage, publicKey: string | undefined): Generator<Check> {
  if (headers.authorization === undefined)
    return yield { what: 'header', holds: false, detail: 'there is no Authorization header' };
  const header = parseSignatureHeader(headers.authorization);
  if (!header.ok) return yield { what: 'header', holds: false, detail: header.detail };
  const { parsed } = header;
  const key = `key ${parsed.keyId} of ${parsed.subscriberId}`;
  if (publicKey === undefined) return yield { what: 'key', holds: false, detail: `${key} is not known here` };
  yield { what: 'key', holds: true, detail: `${key}: ${publicKey}` };
  const fault = signatureFault({ body, parsed, publicKey, ...(headers.digest && { digest: headers.digest }) });
  if (fault) return yield { what: fault.reason, holds: false, detail: fault.detail };
  yield {
    what: 'signature',
    holds: true,
    detail: 'Ed25519 over created, expires and the BLAKE2b-512 digest of the bytes',
  };
  if (atMs === null) return;
  const { skewS, maxLifetimeS } = INBOUND_LIMITS;
  const late = windowFault(parsed, { nowS: atMs / 1000, skewS, maxLifetimeS });
  const from = new Date(parsed.createdS * 1000).toISOString();
  const until = new Date(parsed.expiresS * 1000).toISOString();
  yield { what: 'time', holds: !late, detail: late?.detail ?? `in force from ${from} to ${until}, as it was then` };
}
