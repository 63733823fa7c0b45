import { createHash } from 'node:crypto';
import type { AuditCheckpoint } from '@flexder/schemas/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { generateKeys } from '../beckn/keys.ts';
import { type CheckpointExpectation, proveRecord, readCheckpoint, recordIsIn, writeCheckpoint } from './checkpoint.ts';
import { CHECKPOINT_RECORDS } from './limits.ts';
import { merkleRoot } from './merkle.ts';

const hashOfText = (text: string) => createHash('sha256').update(text).digest('hex');
const HASHES = Array.from({ length: 7 }, (_, index) => hashOfText(`record ${index + 1}`));
const keys = generateKeys((count) => new Uint8Array(count).fill(7));
const others = generateKeys((count) => new Uint8Array(count).fill(8));
const signer = { keyId: 'key-1', signingSeed: keys.signingSeed };
const input = {
  subscriberId: 'dso.example.org',
  firstSeq: 1,
  recordHashes: HASHES,
  previousSha256: null,
  atMs: Date.parse('2026-01-15T17:00:00.000Z'),
};
const expected: CheckpointExpectation = {
  subscriberId: 'dso.example.org',
  firstSeq: 1,
  previousSha256: null,
  keyOf: (keyId) => (keyId === 'key-1' ? keys.signingPublicKey : undefined),
};
const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as AuditCheckpoint;
const bytesOf = (checkpoint: unknown) => Buffer.from(JSON.stringify(checkpoint));
const detailOf = (bytes: Uint8Array, expectation = expected) => {
  const verdict = readCheckpoint(bytes, expectation);
  return verdict.valid ? 'valid' : verdict.detail;
};

describe('audit checkpoints', () => {
  const written = writeCheckpoint(input, signer);

  it('say what a stretch of the chain says, as their schema has it', () => {
    const checkpoint = parse(written);
    expect(validateRecord('audit-checkpoint', checkpoint)).to.deep.equal({ valid: true });
    expect(checkpoint).to.deep.include({
      subscriber_id: 'dso.example.org',
      first_seq: 1,
      last_seq: 7,
      head_hash: HASHES[6],
      merkle_root: Buffer.from(merkleRoot(HASHES.map((hash) => Buffer.from(hash, 'hex')))).toString('hex'),
      previous_sha256: null,
      ts_utc: '2026-01-15T17:00:00.000Z',
    });
    const sha256 = createHash('sha256').update(written).digest('hex');
    expect(readCheckpoint(written, expected)).to.deep.equal({ valid: true, checkpoint, sha256 });
  });

  it('are the same bytes from whoever writes them', () => {
    expect(Buffer.from(writeCheckpoint(input, signer)).equals(written)).to.equal(true);
  });

  it('follow each other by hash', () => {
    const first = readCheckpoint(written, expected);
    const sha256 = first.valid ? first.sha256 : '';
    const second = writeCheckpoint({ ...input, firstSeq: 8, previousSha256: sha256 }, signer);
    expect(detailOf(second, { ...expected, firstSeq: 8, previousSha256: sha256 })).to.equal('valid');
    expect(detailOf(second, { ...expected, firstSeq: 8, previousSha256: HASHES[0]! })).to.contain('another checkpoint');
    expect(detailOf(second)).to.equal('it begins at record 8, 1 was to come');
  });

  for (const [what, change, detail] of [
    ['a record hash', { record_hashes: HASHES.with(2, HASHES[0]!) }, 'its Merkle root is not that of its records'],
    ['the root', { merkle_root: HASHES[0] }, 'its Merkle root is not that of its records'],
    ['the head', { head_hash: HASHES[0] }, 'its head is not the last of its records'],
    ['the last record', { last_seq: 8 }, 'it is of records 1 to 8 and lists 7'],
    ['the subscriber', { subscriber_id: 'bpp.example.org' }, 'it is of bpp.example.org, not of dso.example.org'],
    ['the instant', { ts_utc: '2026-01-15T17:00:00.001Z' }, 'its signature does not hold against the key key-1'],
    ['the link', { previous_sha256: HASHES[0] }, 'the first checkpoint follows none'],
    ['the form', { remark: 'x' }, 'it is no checkpoint: /remark'],
  ] as const) {
    it(`are refused when ${what} was changed`, () => {
      const checkpoint = parse(written);
      expect(detailOf(bytesOf(checkpoint))).to.equal('valid');
      expect(detailOf(bytesOf({ ...checkpoint, ...change }))).to.contain(detail);
    });
  }

  it('are refused when signed with another key, or one that nobody knows', () => {
    const forged = writeCheckpoint(input, { ...signer, signingSeed: others.signingSeed });
    expect(detailOf(forged)).to.equal('its signature does not hold against the key key-1');
    const unknown = writeCheckpoint(input, { keyId: 'key-2', signingSeed: others.signingSeed });
    expect(detailOf(unknown)).to.equal('it is signed with the key key-2, which is not known here');
    expect(detailOf(written, { ...expected, keyOf: () => 'no key' })).to.contain('does not hold');
  });

  it('are refused when they are no JSON', () => {
    for (const bytes of [Buffer.from('{'), Buffer.from([0xff]), Buffer.alloc(0)])
      expect(detailOf(bytes)).to.equal('it is no JSON');
  });

  it('are of one record at least, and of a thousand at most', () => {
    const of = (count: number) => () =>
      writeCheckpoint({ ...input, recordHashes: Array.from({ length: count }, () => HASHES[0]!) }, signer);
    expect(of(0)).to.throw(RangeError);
    expect(of(CHECKPOINT_RECORDS + 1)).to.throw(RangeError);
    expect(detailOf(of(CHECKPOINT_RECORDS)())).to.equal('valid');
  });

  it('prove that a record is in them', () => {
    const checkpoint = parse(writeCheckpoint({ ...input, firstSeq: 101 }, signer));
    for (const [index, hash] of HASHES.entries()) {
      const proof = proveRecord(checkpoint, 101 + index);
      expect(recordIsIn(checkpoint, hash, proof)).to.equal(true);
      expect(recordIsIn(checkpoint, hashOfText('another'), proof)).to.equal(false);
      expect(recordIsIn(checkpoint, hash, { ...proof, seq: 101 + ((index + 1) % 7) })).to.equal(false);
    }
    expect(() => proveRecord(checkpoint, 100)).to.throw(RangeError);
    expect(() => proveRecord(checkpoint, 108)).to.throw(RangeError);
  });
});
