/** Checks an evidence bundle with nothing but the bundle, and names the first thing that is wrong. */
import type { AuditBundle, AuditCheckpoint } from '@flexder/schemas/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { parseStrict } from '../beckn/json.ts';
import { type BundleKey, type BundleRecord, belongs, sha256Of } from './bundle.ts';
import { FIRST_SEQ, GENESIS_HASH, hashOf } from './chain.ts';
import { readCheckpoint, recordIsIn } from './checkpoint.ts';
import { BUNDLE_JSON } from './limits.ts';
import type { AuditRecord } from './record.ts';

/** In the order in which they are looked for. */
export type BundleReason = 'form' | 'key' | 'checkpoint' | 'record' | 'subject' | 'proof' | 'digest';

export type BundleVerdict =
  | {
      readonly valid: true;
      readonly records: number;
      readonly checkpointed: number;
      readonly notYetCheckpointed: number;
      readonly checkpoints: number;
      /** The keys that everything rests on: whoever trusts them trusts the records. */
      readonly keys: readonly {
        readonly keyId: string;
        readonly publicKey: string;
        /** `given`: it is the one that the reader named; `registry`: an entry of the registry is in the bundle. */
        readonly tie: 'given' | 'registry' | 'none';
      }[];
    }
  | {
      readonly valid: false;
      readonly reason: BundleReason;
      /** JSON pointer to what is wrong. */
      readonly at: string;
      readonly detail: string;
    };

export interface BundleTrust {
  /** Raw Ed25519 public key, base64, from elsewhere: no other may have signed. */
  readonly publicKey?: string | undefined;
}

type Fault = { readonly reason: BundleReason; readonly at: string; readonly detail: string };

/** Never throws. */
export function checkBundle(bytes: Uint8Array, trust: BundleTrust = {}): BundleVerdict {
  const bundle = parsed(bytes);
  if ('reason' in bundle) return { valid: false, ...bundle };
  const checkpoints = bundle.checkpoints as unknown as AuditCheckpoint[];
  const fault =
    keyFault(bundle, trust) ??
    checkpointFault(bundle, checkpoints) ??
    recordFault(bundle, checkpoints) ??
    digestFault(bundle);
  return fault ? { valid: false, ...fault } : accepted(bundle, trust);
}

function parsed(bytes: Uint8Array): AuditBundle | Fault {
  const json = parseStrict(bytes, BUNDLE_JSON);
  if (!json.ok) return { reason: 'form', at: json.path, detail: `it is not strict JSON: ${json.message}` };
  const verdict = validateRecord('audit-bundle', json.value);
  if (verdict.valid) return json.value as AuditBundle;
  const [first] = verdict.errors;
  return { reason: 'form', at: first?.path ?? '', detail: first?.message ?? 'it is no bundle' };
}

function keyFault({ keys, subscriber_id: subscriber }: AuditBundle, { publicKey }: BundleTrust): Fault | undefined {
  for (const [index, key] of keys.entries()) {
    const fault = (detail: string): Fault => ({ reason: 'key', at: `/keys/${index}`, detail });
    if (keys.findIndex(({ key_id }) => key_id === key.key_id) < index) return fault(`${key.key_id} is there twice`);
    if (publicKey !== undefined && key.public_key !== publicKey)
      return fault(`${key.key_id} is not the key that was named`);
    const record = key.registry?.record;
    if (!record) continue;
    if (record.subscriber_id !== subscriber) return fault(`the registry's entry is of ${record.subscriber_id}`);
    if (record.key_id !== key.key_id) return fault(`the registry's entry is of the key ${record.key_id}`);
    if (record.signing_public_key !== key.public_key) return fault('the registry has another key under this id');
  }
  return undefined;
}

function checkpointFault(bundle: AuditBundle, checkpoints: readonly AuditCheckpoint[]): Fault | undefined {
  const keys = new Map(bundle.keys.map((key) => [key.key_id, key]));
  let before: { lastSeq: number; sha256: string } | undefined;
  for (const [index, checkpoint] of checkpoints.entries()) {
    const fault = (detail: string): Fault => ({ reason: 'checkpoint', at: `/checkpoints/${index}`, detail });
    const verdict = readCheckpoint(Buffer.from(JSON.stringify(checkpoint)), {
      subscriberId: bundle.subscriber_id,
      firstSeq: undefined,
      previousSha256: undefined,
      keyOf: (keyId) => keys.get(keyId)?.public_key,
    });
    if (!verdict.valid) return fault(verdict.detail);
    const { first_seq: first, last_seq: last, previous_sha256: previous, ts_utc: at, signature } = checkpoint;
    if (before && first <= before.lastSeq) return fault('it does not come after the one before it');
    if (before && first === before.lastSeq + 1 && previous !== before.sha256)
      return fault('it follows another checkpoint than the one before it');
    if ((first === FIRST_SEQ) !== (previous === null)) return fault('the first checkpoint, and no other, follows none');
    if (outOfForce(keys.get(signature.key_id), at))
      return fault(`it was signed at ${at}, when its key was not in force`);
    before = { lastSeq: last, sha256: sha256Of(checkpoint) };
  }
  return undefined;
}

/** As far as the registry's entry says: both instants are of one fixed form, so that text compares as time. */
function outOfForce(key: BundleKey | undefined, at: string): boolean {
  const record = key?.registry?.record;
  return record !== undefined && (at < record.valid_from || at >= record.valid_until);
}

function recordFault(bundle: AuditBundle, checkpoints: readonly AuditCheckpoint[]): Fault | undefined {
  const byLast = new Map(checkpoints.map((checkpoint) => [checkpoint.last_seq, checkpoint]));
  const end = checkpoints.at(-1)?.last_seq ?? 0;
  let before = { seq: FIRST_SEQ - 1, hash: GENESIS_HASH };
  for (const [index, entry] of bundle.records.entries()) {
    const record = entry.record as unknown as AuditRecord;
    const fault = (reason: BundleReason, detail: string): Fault => ({ reason, at: `/records/${index}`, detail });
    const chain = chainFault(record, before);
    if (chain !== undefined) return fault('record', chain);
    if (!belongs(bundle, record)) return fault('subject', `record ${record.seq} is of another order and event`);
    const proof = proofFault(entry, record, byLast, end);
    if (proof !== undefined) return fault('proof', proof);
    before = { seq: record.seq, hash: record.hash };
  }
  return undefined;
}

function chainFault(record: AuditRecord, before: { seq: number; hash: string }): string | undefined {
  const hash = hashOf(record);
  if (record.seq <= before.seq) return `record ${record.seq} does not come after record ${before.seq}`;
  if (hash !== record.hash) return `record ${record.seq} hashes to ${hash}, it claims ${record.hash}`;
  if (record.seq === before.seq + 1 && record.prev_hash !== before.hash)
    return `record ${record.seq} follows ${record.prev_hash}, the record before it has ${before.hash}`;
  return undefined;
}

function proofFault(
  { state, checkpoint: lastSeq, path }: BundleRecord,
  { seq, hash }: AuditRecord,
  byLast: ReadonlyMap<number, AuditCheckpoint>,
  end: number,
): string | undefined {
  if (state === 'not yet checkpointed') {
    if (lastSeq !== null || path.length > 0) return `record ${seq} is said to be in no checkpoint and names one`;
    return seq > end ? undefined : `record ${seq} lies before the end of a checkpoint and is said to be in none`;
  }
  const checkpoint = lastSeq === null ? undefined : byLast.get(lastSeq);
  if (!checkpoint) return `the checkpoint of record ${seq} is not in the bundle`;
  if (seq < checkpoint.first_seq || seq > checkpoint.last_seq) return `record ${seq} is not of the checkpoint it names`;
  if (!recordIsIn(checkpoint, hash, { seq, path })) return `the path of record ${seq} does not lead to the Merkle root`;
  return undefined;
}

function digestFault({ sha256, ...body }: AuditBundle): Fault | undefined {
  const actual = sha256Of(body);
  if (actual === sha256) return undefined;
  return { reason: 'digest', at: '/sha256', detail: `the file hashes to ${actual}, it claims ${sha256}` };
}

function accepted({ keys, records, checkpoints }: AuditBundle, { publicKey }: BundleTrust): BundleVerdict {
  const checkpointed = records.filter(({ state }) => state === 'checkpointed').length;
  return {
    valid: true,
    records: records.length,
    checkpointed,
    notYetCheckpointed: records.length - checkpointed,
    checkpoints: checkpoints.length,
    keys: keys.map(({ key_id: keyId, public_key: key, registry }) => ({
      keyId,
      publicKey: key,
      tie: publicKey !== undefined ? 'given' : registry ? 'registry' : 'none',
    })),
  };
}
