import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { generateKeys } from '../beckn/keys.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { type CheckpointObject, checkpointSeries } from './series.ts';

const keys = generateKeys((count) => new Uint8Array(count).fill(7));
const signer = { keyId: 'key-1', signingSeed: keys.signingSeed };
const trust = {
  subscriberId: 'dso.example.org',
  keyOf: (keyId: string) => (keyId === 'key-1' ? keys.signingPublicKey : undefined),
};
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

/** Four checkpoints of three records each. */
function objects(): CheckpointObject[] {
  const written: CheckpointObject[] = [];
  for (let firstSeq = 1; firstSeq <= 10; firstSeq += 3) {
    const recordHashes = [0, 1, 2].map((index) => sha256(`record ${firstSeq + index}`));
    const before = written.at(-1)?.bytes;
    const previousSha256 = before === undefined ? null : sha256(before);
    const input = { subscriberId: trust.subscriberId, firstSeq, recordHashes, previousSha256, atMs: 0 };
    const lastSeq = firstSeq + 2;
    written.push({ key: `checkpoint-${lastSeq}`, lastSeq, bytes: writeCheckpoint(input, signer) });
  }
  return written;
}

function walk(series: readonly CheckpointObject[]) {
  const next = checkpointSeries(trust);
  const steps = series.map(next);
  return {
    faults: steps.flatMap(({ fault }) => (fault ? [fault] : [])),
    trusted: steps.map(({ checkpoint }) => checkpoint?.last_seq),
  };
}

describe('a series of checkpoints', () => {
  it('holds as it was written', () => {
    expect(walk(objects())).to.deep.equal({ faults: [], trusted: [3, 6, 9, 12] });
    expect(walk([])).to.deep.equal({ faults: [], trusted: [] });
  });

  it('names one that is known and gone, and goes on behind it', () => {
    const series = objects();
    const gone = series.with(1, { ...series[1]!, bytes: undefined });
    expect(walk(gone)).to.deep.equal({
      faults: [{ problem: 'missing', key: 'checkpoint-6', seq: 4, detail: 'it was written and is not there any more' }],
      trusted: [3, undefined, 9, 12],
    });
  });

  it('names the records of one that nobody knows of any more', () => {
    const { faults, trusted } = walk(objects().toSpliced(1, 1));
    expect(trusted).to.deep.equal([3, 9, 12]);
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include({ problem: 'missing', key: null, seq: 4 });
    expect(faults[0]!.detail).to.contain('no checkpoint is of the records 4 to 6');
  });

  it('names the first one when it is gone', () => {
    expect(walk(objects().slice(1)).faults).to.have.nested.property('[0].seq', 1);
  });

  it('names one that was altered, and trusts none of it', () => {
    const series = objects();
    const text = Buffer.from(series[2]!.bytes!).toString();
    const altered = Buffer.from(text.replace('"first_seq":7', '"first_seq":8'));
    const { faults, trusted } = walk(series.with(2, { ...series[2]!, bytes: altered }));
    expect(trusted).to.deep.equal([3, 6, undefined, 12]);
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include({ problem: 'altered', key: 'checkpoint-9', seq: 7 });
  });

  it('names one that was written anew and signed, by the next one, which follows another', () => {
    const series = objects();
    const input = {
      subscriberId: trust.subscriberId,
      firstSeq: 4,
      recordHashes: [4, 5, 6].map((seq) => sha256(`another record ${seq}`)),
      previousSha256: sha256(series[0]!.bytes!),
      atMs: 0,
    };
    const { faults } = walk(series.with(1, { ...series[1]!, bytes: writeCheckpoint(input, signer) }));
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include({ problem: 'altered', key: 'checkpoint-9' });
    expect(faults[0]!.detail).to.contain('another checkpoint than the one before');
  });

  it('names one that stands under the key of another', () => {
    const series = objects();
    const { faults } = walk(series.with(3, { ...series[3]!, bytes: series[2]!.bytes }));
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include({ problem: 'altered', key: 'checkpoint-12' });
    expect(faults[0]!.detail).to.equal('it ends at record 9, its key says 12');
  });
});
