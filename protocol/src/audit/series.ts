/** The checkpoints of one chain, one after the other: which of them hold, and which are missing or altered. */
import type { AuditCheckpoint } from '@flexder/schemas/types.ts';
import { FIRST_SEQ } from './chain.ts';
import { type CheckpointExpectation, readCheckpoint } from './checkpoint.ts';

/** An object that should be a checkpoint. */
export interface CheckpointObject {
  readonly key: string;
  /** Of its last record, as its key says. */
  readonly lastSeq: number;
  /** Undefined: it is known to have been there and is gone. */
  readonly bytes: Uint8Array | undefined;
}

export interface CheckpointFault {
  readonly problem: 'missing' | 'altered';
  /** Null when nothing tells what it was called. */
  readonly key: string | null;
  /** Of the first record that it is of. */
  readonly seq: number;
  readonly detail: string;
}

export interface SeriesStep {
  /** What this object says of the chain; undefined when it cannot be trusted. */
  readonly checkpoint: AuditCheckpoint | undefined;
  readonly fault: CheckpointFault | undefined;
}

export type SeriesTrust = Pick<CheckpointExpectation, 'subscriberId' | 'keyOf'>;

/** The returned function takes the objects in the order of their last records, from the first one on. */
export function checkpointSeries(trust: SeriesTrust): (object: CheckpointObject) => SeriesStep {
  let firstSeq = FIRST_SEQ;
  let previousSha256: string | null | undefined = null;

  return ({ key, lastSeq, bytes }) => {
    const seq = firstSeq;
    const expected = { ...trust, firstSeq, previousSha256 };
    firstSeq = lastSeq + 1;
    previousSha256 = undefined;
    const fault = (problem: CheckpointFault['problem'], detail: string, of: string | null = key): CheckpointFault => ({
      problem,
      key: of,
      seq,
      detail,
    });
    if (!bytes) return { checkpoint: undefined, fault: fault('missing', 'it was written and is not there any more') };
    // Whatever stands before it, does it hold by itself?
    const alone = readCheckpoint(bytes, { ...trust, firstSeq: undefined, previousSha256: undefined });
    if (!alone.valid) return { checkpoint: undefined, fault: fault('altered', alone.detail) };
    const { checkpoint, sha256 } = alone;
    if (checkpoint.last_seq !== lastSeq) {
      const detail = `it ends at record ${checkpoint.last_seq}, its key says ${lastSeq}`;
      return { checkpoint: undefined, fault: fault('altered', detail) };
    }
    previousSha256 = sha256;
    const { first_seq: first } = checkpoint;
    if (first > seq) {
      const detail = `no checkpoint is of the records ${seq} to ${first - 1}; ${key} follows one`;
      return { checkpoint, fault: fault('missing', detail, null) };
    }
    const inPlace = readCheckpoint(bytes, expected);
    return { checkpoint, fault: inPlace.valid ? undefined : fault('altered', inPlace.detail) };
  };
}
