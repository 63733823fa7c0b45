/**
 * Which Ed25519 public keys may be used at all.
 *
 * Eight points have small order; under such a key one fixed signature verifies for many messages, so whoever
 * registers it can disown or forge. They have 14 encodings (some of them not canonical) and OpenSSL imports all.
 */
import { Point } from '@noble/ed25519';

export type PublicKeyFault = 'length' | 'low-order' | 'not-canonical' | 'not-a-point';

/** The seven y coordinates of small order, little-endian hex, sign bit clear; each comes with either sign bit. */
const LOW_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** The 14 encodings of points of small order, raw 32 bytes each. */
export function lowOrderEncodings(): Uint8Array[] {
  return [...LOW_ORDER_Y].flatMap((hex) => {
    const plain = Buffer.from(hex, 'hex');
    const signed = Buffer.from(plain);
    signed[31] = (signed[31] ?? 0) | 0x80;
    return [plain, signed];
  });
}

/** Why a raw key may not be used, or undefined. Does not ask whether it is a point: `registrationFault` does. */
export function publicKeyFault(raw: Uint8Array): PublicKeyFault | undefined {
  if (raw.length !== 32) return 'length';
  const y = Buffer.from(raw);
  y[31] = (y[31] ?? 0) & 0x7f;
  const hex = y.toString('hex');
  if (LOW_ORDER_Y.has(hex)) return 'low-order';
  // y must be below 2^255 - 19 (RFC 8032 §5.1.3).
  const aboveField = y[31] === 0x7f && (y[0] ?? 0) >= 0xed && y.subarray(1, 31).every((byte) => byte === 0xff);
  return aboveField ? 'not-canonical' : undefined;
}

/** As `publicKeyFault`, and also that it is a point: what a registry asks once, before it keeps a key. */
export function registrationFault(raw: Uint8Array): PublicKeyFault | undefined {
  const fault = publicKeyFault(raw);
  if (fault !== undefined) return fault;
  try {
    return Point.fromBytes(raw).isSmallOrder() ? 'low-order' : undefined;
  } catch {
    return 'not-a-point';
  }
}
