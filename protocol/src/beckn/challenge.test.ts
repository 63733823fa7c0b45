import { expect } from 'chai';
import { ChallengeError, decryptChallenge, encryptChallenge } from './challenge.ts';
import { generateKeys } from './keys.ts';
import { vectors } from './vectors.fixture.ts';

describe('challenge', () => {
  for (const vector of vectors.challenges) {
    it(`${vector.name}: both sides, raw and SPKI keys`, () => {
      const { registryPrivateKey, subscriberPublicKey, subscriberPublicKeySpki, plain, challenge } = vector;
      expect(encryptChallenge(plain, registryPrivateKey, subscriberPublicKey)).to.equal(challenge);
      expect(encryptChallenge(plain, registryPrivateKey, subscriberPublicKeySpki)).to.equal(challenge);
      expect(decryptChallenge(challenge, vector.subscriberPrivateKey, vector.registryPublicKey)).to.equal(plain);
    });
  }

  const [registry, subscriber] = [generateKeys(), generateKeys()];
  const sealed = encryptChallenge('réponse', registry.encryptionPrivateKey, subscriber.encryptionPublicKey);

  it('generated keys answer it; others, broken text and zero keys do not', () => {
    const answer = (challenge: string, own = subscriber.encryptionPrivateKey, peer = registry.encryptionPublicKey) =>
      decryptChallenge(challenge, own, peer);
    expect(answer(sealed)).to.equal('réponse');
    expect(() => answer(sealed, Buffer.alloc(31).toString('base64'))).to.throw(ChallengeError, '32 raw bytes');
    expect(() => answer(sealed, undefined, 'AAAA')).to.throw(ChallengeError, 'neither raw X25519 nor SPKI');
    expect(() => answer(sealed, undefined, Buffer.alloc(32).toString('base64'))).to.throw(ChallengeError, 'no shared');
    expect(() => answer('not base64!')).to.throw(ChallengeError, 'base64');
    expect(() => answer(sealed.slice(4))).to.throw(ChallengeError, 'not encrypted for this key');
  });
});
