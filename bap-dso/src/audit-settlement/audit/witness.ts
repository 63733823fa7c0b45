/** What the archive says of the audit chain, compared with the records as they are read. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import {
  type CheckpointFault,
  type CheckpointObject,
  checkpointSeries,
  type SeriesTrust,
} from '@flexder/protocol/audit/series.ts';
import type { AuditCheckpoint } from '@flexder/schemas/types.ts';
import { NAMED_CHECKPOINT_FAULTS } from '../limits.ts';

/** Where records and archive part. */
export interface Disagreement {
  /** Of the first record that is not as the archive has it. */
  readonly seq: number;
  /** Of the checkpoint that says so. */
  readonly checkpoint: string;
}

export interface Witness {
  /** Takes records in the order of the chain, each once. */
  compare(records: readonly AuditRecord[]): Promise<Disagreement | undefined>;
  /** Called when the chain has ended, after its last record: what the archive has beyond that. */
  beyond(lastSeq: number): Promise<Disagreement | undefined>;
  /** So far. */
  readonly faults: readonly CheckpointFault[];
  readonly verified: number;
  /** Of the last record that a checkpoint is of; 0 when none is. */
  readonly toSeq: number;
}

export function witness(objects: AsyncIterable<CheckpointObject>, trust: SeriesTrust): Witness {
  const iterator = objects[Symbol.asyncIterator]();
  const step = checkpointSeries(trust);
  const faults: CheckpointFault[] = [];
  let current: { readonly key: string; readonly says: AuditCheckpoint } | undefined;
  let verified = 0;
  let toSeq = 0;
  let ended = false;

  /** Makes `current` the first trusted checkpoint that ends at `seq` or later. */
  async function reach(seq: number): Promise<void> {
    while (!ended && (current?.says.last_seq ?? 0) < seq) {
      const { value, done } = await iterator.next();
      if (done) {
        ended = true;
        current = undefined;
        return;
      }
      const { checkpoint, fault } = step(value);
      if (fault && faults.length < NAMED_CHECKPOINT_FAULTS) faults.push(fault);
      if (!checkpoint) continue;
      verified++;
      toSeq = checkpoint.last_seq;
      current = { key: value.key, says: checkpoint };
    }
  }

  return {
    async compare(records) {
      for (const { seq, hash } of records) {
        await reach(seq);
        const said = current?.says.record_hashes[seq - current.says.first_seq];
        if (current && said !== undefined && said !== hash) return { seq, checkpoint: current.key };
      }
      return undefined;
    },
    async beyond(lastSeq) {
      await reach(lastSeq + 1);
      const found = current && { seq: lastSeq + 1, checkpoint: current.key };
      // The rest is read for its own sake: each has to hold.
      await reach(Number.POSITIVE_INFINITY);
      return found;
    },
    faults,
    get verified() {
      return verified;
    },
    get toSeq() {
      return toSeq;
    },
  };
}
