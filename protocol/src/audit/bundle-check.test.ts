import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { writeBundle } from './bundle.ts';
import { checkBundle } from './bundle-check.ts';
import { ALTERATIONS, altered } from './testing/alterations.ts';
import { OTHER_PUBLIC_KEY, PUBLIC_KEY, sampleBundle } from './testing/sample-bundle.ts';

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('evidence bundles', () => {
  it('hold as they were written, and say what is not yet checkpointed', () => {
    const bundle = sampleBundle();
    expect(validateRecord('audit-bundle', bundle)).to.deep.equal({ valid: true });
    expect(checkBundle(bytesOf(bundle))).to.deep.equal({
      valid: true,
      records: 10,
      checkpointed: 10,
      notYetCheckpointed: 0,
      checkpoints: 3,
      keys: [{ keyId: 'key-1', publicKey: PUBLIC_KEY, tie: 'registry' }],
    });
    expect(checkBundle(bytesOf(sampleBundle('event')))).to.include({ checkpointed: 21, notYetCheckpointed: 2 });
  });

  it('hold however the file is laid out', () => {
    expect(checkBundle(Buffer.from(JSON.stringify(sampleBundle(), null, 2)))).to.include({ valid: true });
  });

  for (const alteration of ALTERATIONS) {
    it(`do not hold with ${alteration.name}`, () => {
      const { reason, at } = alteration;
      expect(checkBundle(altered(alteration))).to.include({ valid: false, reason, at });
    });
  }

  it('rest on the key that the reader names', () => {
    const bundle = bytesOf(sampleBundle());
    const verdict = checkBundle(bundle, { publicKey: PUBLIC_KEY });
    expect(verdict).to.have.nested.property('keys[0].tie', 'given');
    expect(checkBundle(bundle, { publicKey: OTHER_PUBLIC_KEY })).to.include({ valid: false, reason: 'key' });
  });

  it('say when no registry speaks for their key', () => {
    const [key] = sampleBundle().keys;
    const bundle = sampleBundle('order', { keys: [{ ...key!, registry: null, note: 'not asked' }] });
    expect(checkBundle(bytesOf(bundle))).to.have.nested.property('keys[0].tie', 'none');
  });

  it('are strict JSON', () => {
    for (const text of ['', '{', '[]', '{"a":1,"a":2}', 'NaN'])
      expect(checkBundle(Buffer.from(text)), text).to.include({ valid: false, reason: 'form' });
  });

  it('are of some records', () => {
    const { obp_id: obpId, event_id: eventId } = sampleBundle();
    const none = { subscriberId: 'a', obpId, eventId, scope: 'order', atMs: 0, keys: [], unsealed: 0 } as const;
    expect(() => writeBundle({ ...none, records: [], checkpoints: [] })).to.throw(RangeError, '1 to 20000 records');
  });
});
