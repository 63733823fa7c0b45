import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { aggregator, dso, evil, gateway } from './inbound.fixture.ts';
import { generateKeys } from './keys.ts';
import { isSampleKey, sampleKeyIn } from './sample-keys.ts';

const vectors = readFileSync(join(import.meta.dirname, '../../../schemas/vectors/signature-v1.1.json'), 'utf8');
const published = [...vectors.matchAll(/"(?:seed|privateKey64|\w+PrivateKey)": "([^"]+)"/g)].map(([, key = '']) => key);

describe('sample keys', () => {
  it('are all private keys in the vectors', () => {
    expect(published).to.have.length.above(4);
    expect(published.filter((key) => !isSampleKey(key))).to.deep.equal([]);
  });

  it('are those of the tests', () => {
    for (const { keys } of [dso, aggregator, gateway, evil]) expect(sampleKeyIn(keys)).to.equal('signingSeed');
  });

  it('are those of the RFC, in either form', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const rest = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    expect(isSampleKey(seed.toString('base64'))).to.equal(true);
    expect(isSampleKey(Buffer.concat([seed, rest]).toString('base64'))).to.equal(true);
  });

  it('are named when only one half of a pair is one', () => {
    const keys = generateKeys();
    expect(sampleKeyIn(keys)).to.equal(undefined);
    expect(sampleKeyIn({ ...keys, encryptionPrivateKey: published[0]! })).to.equal('encryptionPrivateKey');
  });

  it('are not what chance makes', () => {
    for (let i = 0; i < 100; i++) expect(sampleKeyIn(generateKeys())).to.equal(undefined);
  });
});
