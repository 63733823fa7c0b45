/** Key pairs of a participant, and every form in which peers write keys. */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { nodeEd25519 } from './ed25519.ts';

/** Raw keys in base64: an Ed25519 pair to sign, an X25519 pair for the registry's challenge. */
export interface KeyMaterial {
  /** 32 bytes. */
  readonly signingSeed: string;
  readonly signingPublicKey: string;
  readonly encryptionPrivateKey: string;
  readonly encryptionPublicKey: string;
}

/** @param random the source of 2 × 32 bytes; a simulation passes a seeded one */
export function generateKeys(random: (bytes: number) => Uint8Array = randomBytes): KeyMaterial {
  const signingSeed = random(32);
  const encryptionPrivateKey = random(32);
  return {
    signingSeed: base64(signingSeed),
    signingPublicKey: base64(nodeEd25519.publicKeyOf(signingSeed)),
    encryptionPrivateKey: base64(encryptionPrivateKey),
    encryptionPublicKey: base64(x25519PublicKey(encryptionPrivateKey)),
  };
}

/**
 * A signing seed from a 32-byte seed (beckn-onix) or a 64-byte libsodium private key (protocol-server), whose second
 * half is the public key. Throws a TypeError that does not show the key.
 */
export function readSeed(text: string): Uint8Array {
  const bytes = readBase64(text);
  if (bytes?.length === 32) return bytes;
  if (bytes?.length !== 64) throw new TypeError('a signing key is 32 bytes (seed) or 64 bytes (libsodium), in base64');
  const seed = bytes.subarray(0, 32);
  if (!Buffer.from(nodeEd25519.publicKeyOf(seed)).equals(bytes.subarray(32))) {
    throw new TypeError('the two halves of the 64-byte signing key do not belong together');
  }
  return seed;
}

const SPKI = {
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  x25519: Buffer.from('302a300506032b656e032100', 'hex'),
};

/** Raw 32 bytes of a public key given raw or as SPKI DER, in base64; undefined when it is neither. */
export function readPublicKey(text: string, curve: 'ed25519' | 'x25519'): Uint8Array | undefined {
  const bytes = readBase64(text);
  if (bytes?.length === 32) return bytes;
  const prefix = SPKI[curve];
  return bytes?.length === prefix.length + 32 && bytes.subarray(0, prefix.length).equals(prefix)
    ? bytes.subarray(prefix.length)
    : undefined;
}

/** SPKI DER of a raw public key, base64: the form some peers register. */
export function spkiOf(raw: Uint8Array, curve: 'ed25519' | 'x25519'): string {
  return base64(Buffer.concat([SPKI[curve], raw]));
}

/** DER prefix of a raw X25519 private key (PKCS#8). */
export const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

function x25519PublicKey(raw: Uint8Array): Uint8Array {
  const key = Buffer.concat([X25519_PKCS8, raw]);
  return createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
    .export({ format: 'der', type: 'spki' })
    .subarray(SPKI.x25519.length);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4}){1,64}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Strict standard base64 of at most 194 bytes. */
function readBase64(text: string): Buffer | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
