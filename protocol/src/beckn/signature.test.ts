import { expect } from 'chai';
import { type Ed25519, nodeEd25519, portableEd25519 } from './ed25519.ts';
import { generateKeys, readPublicKey, readSeed, spkiOf } from './keys.ts';
import { lowOrderEncodings, publicKeyFault, registrationFault } from './public-key.ts';
import { digestHeader, digestOf, signingString, signMessage, type VerifyRequest, verifyMessage } from './signature.ts';
import { vectors } from './vectors.fixture.ts';

const engines: readonly Ed25519[] = [nodeEd25519, portableEd25519];
const bytes = (text: string) => Buffer.from(text, 'base64');

for (const ed25519 of engines) {
  describe(`signature vectors, ${ed25519.name}`, () => {
    for (const vector of vectors.signatures) {
      it(`${vector.name}: key, signing string, signature`, () => {
        expect(Buffer.from(ed25519.publicKeyOf(bytes(vector.seed))).toString('base64')).to.equal(vector.publicKey);
        const text = signingString(vector.createdS, vector.expiresS, vector.digest);
        expect(text).to.equal(vector.signingString);
        const signature = ed25519.sign(Buffer.from(text), bytes(vector.seed));
        expect(Buffer.from(signature).toString('base64')).to.equal(vector.signature);
        expect(ed25519.verify(Buffer.from(text), signature, bytes(vector.publicKey))).to.equal(true);
        expect(ed25519.verify(Buffer.from(`${text} `), signature, bytes(vector.publicKey))).to.equal(false);
      });
      if (vector.body === undefined) continue;
      const body = Buffer.from(vector.body);
      it(`${vector.name}: digest and header of the body, from either form of the private key`, () => {
        expect(digestOf(body)).to.equal(vector.digest);
        for (const seed of [vector.seed, vector.privateKey64 ?? vector.seed]) {
          expect(signMessage({ ...vector, body, seed }, ed25519)).to.equal(vector.header);
        }
      });
    }

    it('false, not a throw, for signatures and keys of other lengths', () => {
      const [vector] = vectors.signatures;
      const text = Buffer.from(vector!.signingString);
      const good = bytes(vector!.signature);
      const key = bytes(vector!.publicKey);
      expect(ed25519.verify(text, good, key)).to.equal(true);
      for (const wrong of [Buffer.alloc(0), good.subarray(0, 63), Buffer.concat([good, Buffer.alloc(1)])]) {
        expect(ed25519.verify(text, wrong, key)).to.equal(false);
      }
      for (const wrong of [Buffer.alloc(0), key.subarray(0, 31), Buffer.concat([key, Buffer.alloc(1)])]) {
        expect(ed25519.verify(text, good, wrong)).to.equal(false);
      }
    });

    it('refuses a malleated signature, S + L', () => {
      const [vector] = vectors.signatures;
      const signature = bytes(vector!.signature);
      const order = 2n ** 252n + 27742317777372353535851937790883648493n;
      const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
      const malleated = Buffer.concat([
        signature.subarray(0, 32),
        Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(),
      ]);
      const text = Buffer.from(vector!.signingString);
      expect(ed25519.verify(text, signature, bytes(vector!.publicKey))).to.equal(true);
      expect(ed25519.verify(text, malleated, bytes(vector!.publicKey))).to.equal(false);
    });

    it('refuses all 14 keys of low order, under which a made-up signature would verify', () => {
      const encodings = lowOrderEncodings();
      expect(new Set(encodings.map((key) => Buffer.from(key).toString('hex'))).size).to.equal(14);
      // R = the identity, S = 0: true for any message whose challenge is a multiple of the key's order.
      const forged = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]);
      for (const key of encodings) {
        expect(publicKeyFault(key)).to.equal('low-order');
        for (let at = 0; at < 16; at++) expect(ed25519.verify(Buffer.from([at]), forged, key)).to.equal(false);
      }
    });
  });
}

describe('public keys', () => {
  it('a registry keeps a generated key, raw or as SPKI, and no other', () => {
    const keys = generateKeys();
    const raw = bytes(keys.signingPublicKey);
    expect(registrationFault(raw)).to.equal(undefined);
    expect(readPublicKey(spkiOf(raw, 'ed25519'), 'ed25519')).to.deep.equal(raw);
    expect(readPublicKey(spkiOf(raw, 'x25519'), 'ed25519')).to.equal(undefined);
    expect(registrationFault(raw.subarray(1))).to.equal('length');
    const above = Buffer.alloc(32, 0xff);
    above[0] = 0xf0;
    expect(registrationFault(above)).to.equal('not-canonical');
    const noPoint = Buffer.alloc(32);
    noPoint[0] = 2;
    expect(registrationFault(noPoint)).to.equal('not-a-point');
  });

  it('seeds: 32 and 64 bytes, halves that belong together', () => {
    const [, , vector] = vectors.signatures;
    expect(Buffer.from(readSeed(vector!.privateKey64!)).toString('base64')).to.equal(vector!.seed);
    const foreign = Buffer.concat([bytes(vector!.seed), bytes(vectors.signatures[0]!.publicKey)]).toString('base64');
    expect(() => readSeed(foreign)).to.throw(TypeError, 'do not belong together');
    expect(() => readSeed('AAAA')).to.throw(TypeError, '32 bytes');
  });

  it('the same randomness gives the same keys', () => {
    const from = (byte: number) => generateKeys((length) => Buffer.alloc(length, byte));
    expect(from(7)).to.deep.equal(from(7));
    expect(from(7).signingPublicKey).to.not.equal(from(8).signingPublicKey);
  });
});

describe('verifyMessage', () => {
  const vector = vectors.signatures.find((each) => each.body !== undefined)!;
  const body = Buffer.from(vector.body!);
  const request: VerifyRequest = {
    body,
    header: vector.header,
    publicKey: vector.publicKey,
    nowS: vector.createdS + 10,
    skewS: 5,
    maxLifetimeS: 300,
  };
  const reasonOf = (change: Partial<VerifyRequest>) => {
    const verdict = verifyMessage({ ...request, ...change });
    return verdict.verified ? 'verified' : verdict.reason;
  };
  const edit = (from: string | RegExp, to: string) => ({ header: vector.header.replace(from, to) });

  it('accepts the vector, and its key as SPKI', () => {
    expect(verifyMessage(request)).to.deep.include({ verified: true });
    expect(reasonOf({ publicKey: spkiOf(bytes(vector.publicKey), 'ed25519') })).to.equal('verified');
    expect(reasonOf({ digest: digestHeader(body) })).to.equal('verified');
    expect(reasonOf({ digest: 'SHA-256=AAAA' })).to.equal('verified');
  });

  it('the bounds of time are inclusive, the skew is on created only', () => {
    expect(reasonOf({ nowS: vector.createdS - 5 })).to.equal('verified');
    expect(reasonOf({ nowS: vector.createdS - 5.001 })).to.equal('created');
    expect(reasonOf({ nowS: vector.expiresS })).to.equal('verified');
    expect(reasonOf({ nowS: vector.expiresS + 0.001 })).to.equal('expired');
    expect(reasonOf({ maxLifetimeS: 299 })).to.equal('lifetime');
    expect(reasonOf({ maxLifetimeS: 60, nowS: vector.createdS + 61 })).to.equal('created');
  });

  const changed = Buffer.from(body);
  changed[10]! ^= 1;
  const rows: [string, Partial<VerifyRequest>, string][] = [
    ['changed body', { body: changed }, 'signature'],
    ['changed body, Digest header sent', { body: changed, digest: digestHeader(body) }, 'digest'],
    ['re-serialised body', { body: Buffer.from(`${vector.body} `) }, 'signature'],
    ['edited created', edit(`created="${vector.createdS}"`, `created="${vector.createdS + 1}"`), 'signature'],
    ['another key', { publicKey: vectors.signatures[0]!.publicKey }, 'signature'],
    ['a low-order key', { publicKey: Buffer.from(lowOrderEncodings()[1]!).toString('base64') }, 'key'],
    ['no key', { publicKey: 'AAAA' }, 'key'],
    [
      'a signature of 63 bytes',
      edit(/signature="[^"]*"/, `signature="${Buffer.alloc(63).toString('base64')}"`),
      'signature',
    ],
    ['an empty signature', edit(/signature="[^"]*"/, 'signature=""'), 'signature'],
    ['algorithm none', edit('algorithm="ed25519"', 'algorithm="none"'), 'algorithm'],
    ['algorithm constructor', edit('algorithm="ed25519"', 'algorithm="constructor"'), 'algorithm'],
    ['keyId disagrees', edit('|ed25519"', '|rsa-sha256"'), 'algorithm'],
    ['less covered', edit('"(created) (expires) digest"', '"(created)"'), 'coverage'],
    ['other order covered', edit('"(created) (expires) digest"', '"(expires) (created) digest"'), 'coverage'],
    ['no header', { header: '' }, 'header'],
  ];
  for (const [name, change, reason] of rows) {
    it(`${name}: ${reason}`, () => expect(reasonOf(change)).to.equal(reason));
  }

  it('says by how much and at what time', () => {
    const verdict = verifyMessage({ ...request, nowS: vector.expiresS + 7 });
    expect(verdict).to.have.property('detail').that.includes('7 s ago').and.includes('2026-01-15T17:05:07.000Z');
  });

  it('signing caps no lifetime', () => {
    const header = signMessage({ ...vector, body, expiresS: vector.createdS + 3660 });
    expect(reasonOf({ header })).to.equal('lifetime');
    expect(reasonOf({ header, maxLifetimeS: 3660 })).to.equal('verified');
  });
});
