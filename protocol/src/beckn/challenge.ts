/**
 * The registry's challenge at subscription: the X25519 shared secret, 32 raw bytes, is the AES-256-ECB key, as all
 * implementations have it. ECB is harmless for one random text that is used once.
 */
import { createCipheriv, createDecipheriv, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { readPublicKey, spkiOf, X25519_PKCS8 } from './keys.ts';

/** A key or a challenge that is none; the text says which and shows no secret. */
export class ChallengeError extends Error {
  override name = 'ChallengeError';
}

/** Longest challenge that is decrypted: registries send 32 characters. */
const MAX_CHARS = 1024;

/**
 * @param privateKey own X25519 key, raw 32 bytes, base64
 * @param peerPublicKey raw 32 bytes or SPKI DER, base64
 * @returns base64
 */
export function encryptChallenge(plain: string, privateKey: string, peerPublicKey: string): string {
  const cipher = createCipheriv('aes-256-ecb', sharedSecret(privateKey, peerPublicKey), null);
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64');
}

/** The answer to a challenge; keys as above. Throws a ChallengeError. */
export function decryptChallenge(challenge: string, privateKey: string, peerPublicKey: string): string {
  if (challenge.length > MAX_CHARS || !/^[A-Za-z0-9+/]+={0,2}$/.test(challenge)) {
    throw new ChallengeError(`a challenge is at most ${MAX_CHARS} characters of base64`);
  }
  const key = sharedSecret(privateKey, peerPublicKey);
  try {
    const decipher = createDecipheriv('aes-256-ecb', key, null);
    return Buffer.concat([decipher.update(challenge, 'base64'), decipher.final()]).toString('utf8');
  } catch {
    throw new ChallengeError(
      'the challenge was not encrypted for this key pair: compare the registered encr_public_key',
    );
  }
}

function sharedSecret(privateKey: string, peerPublicKey: string): Buffer {
  const own = Buffer.from(privateKey, 'base64');
  if (own.length !== 32) throw new ChallengeError('the encryption private key is not 32 raw bytes in base64');
  const peer = readPublicKey(peerPublicKey, 'x25519');
  if (peer === undefined) throw new ChallengeError("the peer's encryption key is neither raw X25519 nor SPKI DER");
  try {
    return diffieHellman({
      privateKey: createPrivateKey({ key: Buffer.concat([X25519_PKCS8, own]), format: 'der', type: 'pkcs8' }),
      publicKey: createPublicKey({ key: Buffer.from(spkiOf(peer, 'x25519'), 'base64'), format: 'der', type: 'spki' }),
    });
  } catch {
    // OpenSSL refuses points of small order: the secret would be zero whoever holds the other key.
    throw new ChallengeError("the peer's encryption key gives no shared secret");
  }
}
