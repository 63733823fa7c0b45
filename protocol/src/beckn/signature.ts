/**
 * Signatures of Beckn 1.1 (BECKN-006): BLAKE2b-512 over the raw body, Ed25519 over a three-line signing string.
 *
 * The digest does not travel in `Authorization`. A verifier alone cannot tell a changed body from changed times:
 * both are reason `signature`. A sender may add a `Digest` header (`digestHeader`); then a changed body is `digest`.
 */
import { createHash } from 'node:crypto';
import { type Ed25519, nodeEd25519 } from './ed25519.ts';
import type { KeyId, SubscriberId } from './identifiers.ts';
import { readPublicKey, readSeed } from './keys.ts';
import { publicKeyFault } from './public-key.ts';
import {
  formatSignatureHeader,
  type ParsedSignature,
  parseSignatureHeader,
  signatureBytes,
} from './signature-header.ts';

export { type ParsedSignature, parseSignatureHeader } from './signature-header.ts';

const DIGEST_LABEL = 'BLAKE-512=';

/** Base64 of BLAKE2b-512 over the raw bytes. The label on the wire says BLAKE-512. */
export function digestOf(body: Uint8Array): string {
  return createHash('blake2b512').update(body).digest('base64');
}

/** The optional `Digest` header: lets the receiver say that it was the body that changed. */
export function digestHeader(body: Uint8Array): string {
  return `${DIGEST_LABEL}${digestOf(body)}`;
}

export function signingString(createdS: number, expiresS: number, digest: string): string {
  return `(created): ${createdS}\n(expires): ${expiresS}\ndigest: ${DIGEST_LABEL}${digest}`;
}

export interface SignRequest {
  readonly body: Uint8Array;
  readonly subscriberId: string;
  readonly keyId: string;
  /** 32-byte seed or 64-byte libsodium private key, base64. */
  readonly seed: string;
  /** Unix seconds. Signed as given: the cap on a lifetime is the verifier's. */
  readonly createdS: number;
  readonly expiresS: number;
}

/** The value of `Authorization` (or of `X-Gateway-Authorization`). Throws a TypeError for a seed or id that is none. */
export function signMessage(request: SignRequest, ed25519: Ed25519 = nodeEd25519): string {
  const { body, createdS, expiresS } = request;
  const text = signingString(createdS, expiresS, digestOf(body));
  const signature = ed25519.sign(Buffer.from(text), readSeed(request.seed));
  return formatSignatureHeader({
    subscriberId: request.subscriberId as SubscriberId,
    keyId: request.keyId as KeyId,
    createdS,
    expiresS,
    signature: Buffer.from(signature).toString('base64'),
  });
}

export type VerifyReason =
  | 'header'
  | 'algorithm'
  | 'coverage'
  | 'created'
  | 'expired'
  | 'lifetime'
  | 'digest'
  | 'signature'
  | 'key';

export type Verification =
  | { readonly verified: true; readonly parsed: ParsedSignature }
  | { readonly verified: false; readonly reason: VerifyReason; readonly detail: string };

export interface VerifyRequest {
  readonly body: Uint8Array;
  readonly header: string;
  /** Raw 32 bytes or SPKI DER, base64. */
  readonly publicKey: string;
  /** Unix seconds, may have a fraction. */
  readonly nowS: number;
  readonly skewS: number;
  readonly maxLifetimeS: number;
  /** Value of the `Digest` header where the sender gave one. */
  readonly digest?: string;
}

/** All checks of one signature; never throws. */
export function verifyMessage(request: VerifyRequest, ed25519: Ed25519 = nodeEd25519): Verification {
  const header = parseSignatureHeader(request.header);
  if (!header.ok) return { verified: false, reason: header.reason, detail: header.detail };
  const { parsed } = header;
  const fault = windowFault(parsed, request) ?? signatureFault({ ...request, parsed }, ed25519);
  return fault === undefined ? { verified: true, parsed } : { verified: false, ...fault };
}

export interface SignatureFault<Reason extends VerifyReason = VerifyReason> {
  readonly reason: Reason;
  readonly detail: string;
}

/** Whether now lies in the signature's time; says which bound was missed, by how much, and the clock that judged it. */
export function windowFault(
  parsed: ParsedSignature,
  clock: { readonly nowS: number; readonly skewS: number; readonly maxLifetimeS: number },
): SignatureFault<'created' | 'expired' | 'lifetime'> | undefined {
  const { createdS, expiresS } = parsed;
  const { nowS, skewS, maxLifetimeS } = clock;
  const here = `this server's time is ${iso(nowS)}`;
  if (createdS > nowS + skewS) {
    const ahead = round(createdS - nowS);
    return {
      reason: 'created',
      detail: `created ${createdS} (${iso(createdS)}) lies ${ahead} s ahead, at most ${skewS} s are allowed; ${here}: check your clock`,
    };
  }
  if (nowS > expiresS) {
    const late = round(nowS - expiresS);
    return {
      reason: 'expired',
      detail: `expires ${expiresS} (${iso(expiresS)}) passed ${late} s ago; ${here}: sign again when sending`,
    };
  }
  if (createdS < nowS - maxLifetimeS) {
    const age = round(nowS - createdS);
    return {
      reason: 'created',
      detail: `created ${createdS} (${iso(createdS)}) is ${age} s old, at most ${maxLifetimeS} s are allowed; ${here}: sign again when sending`,
    };
  }
  const lifetimeS = expiresS - createdS;
  if (lifetimeS > maxLifetimeS || lifetimeS <= 0) {
    return {
      reason: 'lifetime',
      detail: `expires - created is ${lifetimeS} s, expected 1 to ${maxLifetimeS} s: sign for a shorter time`,
    };
  }
  return undefined;
}

/** Whether the signature is that key's over these bytes and times. */
export function signatureFault(
  claim: {
    readonly body: Uint8Array;
    readonly parsed: ParsedSignature;
    readonly publicKey: string;
    readonly digest?: string;
  },
  ed25519: Ed25519 = nodeEd25519,
): SignatureFault<'digest' | 'signature' | 'key'> | undefined {
  const publicKey = readPublicKey(claim.publicKey, 'ed25519');
  if (publicKey === undefined) return { reason: 'key', detail: 'the registered key is no Ed25519 public key' };
  const fault = publicKeyFault(publicKey);
  if (fault !== undefined) return { reason: 'key', detail: `the registered key cannot be used: ${fault}` };
  const digest = digestOf(claim.body);
  // Digests of other kinds say nothing here; the header is not signed, so leaving them out loses nothing.
  if (claim.digest?.startsWith(DIGEST_LABEL) && claim.digest !== `${DIGEST_LABEL}${digest}`) {
    return {
      reason: 'digest',
      detail: `the Digest header does not match the ${claim.body.length} bytes received: sign the bytes that are sent, after serialising`,
    };
  }
  const { createdS, expiresS } = claim.parsed;
  const signature = signatureBytes(claim.parsed.signature);
  if (signature === undefined) return { reason: 'signature', detail: 'the signature is not 64 bytes in base64' };
  if (ed25519.verify(Buffer.from(signingString(createdS, expiresS, digest)), signature, publicKey)) return undefined;
  return {
    reason: 'signature',
    detail:
      `the signature does not match created ${createdS}, expires ${expiresS} and the BLAKE2b-512 digest ${digest} of ` +
      `the ${claim.body.length} bytes received: sign the raw bytes that are sent, with the registered key`,
  };
}

const iso = (seconds: number) => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'beyond the calendar' : date.toISOString();
};
const round = (seconds: number) => Math.round(seconds * 1000) / 1000;
