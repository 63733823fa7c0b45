/**
 * Ed25519 twice behind one interface: node:crypto on the hot path, @noble/ed25519 as the portable twin that must
 * agree with it byte for byte.
 */
import {
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  type KeyObject,
} from 'node:crypto';
import * as noble from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { bounded } from './bounded.ts';
import { KEY_OBJECTS, SEED_OBJECTS } from './limits.ts';
import { publicKeyFault } from './public-key.ts';

export interface Ed25519 {
  readonly name: 'node' | 'portable';
  /** Raw 32 bytes from a 32-byte seed. Throws a TypeError for another length. */
  publicKeyOf(seed: Uint8Array): Uint8Array;
  /** 64 bytes; deterministic (RFC 8032). Throws a TypeError for a seed of another length. */
  sign(message: Uint8Array, seed: Uint8Array): Uint8Array;
  /** False for whatever is no valid signature of a usable key: wrong lengths, low order, S + L. Never throws. */
  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
}

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

// Importing a key costs as much as verifying with it, so imported keys are kept.
const seeds = bounded<KeyObject>(SEED_OBJECTS);
const publicKeys = bounded<KeyObject | 'unusable'>(KEY_OBJECTS);

export const nodeEd25519: Ed25519 = {
  name: 'node',
  publicKeyOf: (seed) => {
    const spki = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
    return Uint8Array.from(spki.subarray(SPKI_PREFIX.length));
  },
  sign: (message, seed) => cryptoSign(null, message, privateKeyOf(seed)),
  verify: (message, signature, publicKey) => {
    if (signature.length !== 64) return false;
    const key = importPublicKey(publicKey);
    return key !== 'unusable' && cryptoVerify(null, message, key, signature);
  },
};

function privateKeyOf(seed: Uint8Array): KeyObject {
  requireSeed(seed);
  const bytes = Buffer.from(seed.buffer, seed.byteOffset, seed.length);
  return seeds.get(bytes.toString('latin1'), () =>
    createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' }),
  );
}

function importPublicKey(raw: Uint8Array): KeyObject | 'unusable' {
  if (raw.length !== 32) return 'unusable';
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  return publicKeys.get(bytes.toString('latin1'), () =>
    publicKeyFault(raw) === undefined
      ? createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' })
      : 'unusable',
  );
}

noble.hashes.sha512 = sha512;

export const portableEd25519: Ed25519 = {
  name: 'portable',
  publicKeyOf: (seed) => {
    requireSeed(seed);
    return noble.getPublicKey(seed);
  },
  sign: (message, seed) => {
    requireSeed(seed);
    return noble.sign(message, seed);
  },
  verify: (message, signature, publicKey) => {
    if (signature.length !== 64 || publicKeyFault(publicKey) !== undefined) return false;
    try {
      // RFC 8032 as node:crypto reads it; ZIP 215 would accept encodings that OpenSSL refuses.
      return noble.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
};

function requireSeed(seed: Uint8Array): void {
  if (seed.length !== 32) throw new TypeError(`a signing seed has 32 bytes, not ${seed.length}`);
}
