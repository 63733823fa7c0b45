/**
 * Checkpoints of the audit chain: signed statements of what a stretch of it says. Kept where nobody can change them,
 * they show what the chain alone cannot: records rewritten together with all hashes after them, or cut off at the end.
 */
import { createHash } from 'node:crypto';
import type { AuditCheckpoint } from '@flexder/schemas/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import canonicalize from 'canonicalize';
import { nodeEd25519 } from '../beckn/ed25519.ts';
import { readPublicKey, readSeed } from '../beckn/keys.ts';
import { FIRST_SEQ } from './chain.ts';
import { CHECKPOINT_RECORDS } from './limits.ts';
import { inclusionProof, merkleRoot, verifyInclusion } from './merkle.ts';

type Unsigned = Omit<AuditCheckpoint, 'signature'>;

export interface CheckpointInput {
  readonly subscriberId: string;
  readonly firstSeq: number;
  /** Lower-case hex, of the records `firstSeq` and on: 1 to 1,000. */
  readonly recordHashes: readonly string[];
  /** Of the bytes of the checkpoint before; null for the first. */
  readonly previousSha256: string | null;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

export interface CheckpointSigner {
  readonly keyId: string;
  /** Base64. */
  readonly signingSeed: string;
}

/** The bytes of a signed checkpoint: canonical JSON (RFC 8785), UTF-8. Throws a RangeError for no or too many records. */
export function writeCheckpoint(input: CheckpointInput, signer: CheckpointSigner): Uint8Array {
  const { subscriberId, firstSeq, recordHashes, previousSha256, atMs } = input;
  const head = recordHashes.at(-1);
  if (head === undefined || recordHashes.length > CHECKPOINT_RECORDS)
    throw new RangeError(`a checkpoint is of 1 to ${CHECKPOINT_RECORDS} records, not of ${recordHashes.length}`);
  const unsigned: Unsigned = {
    version: 1,
    kind: 'audit-checkpoint',
    subscriber_id: subscriberId,
    first_seq: firstSeq,
    last_seq: firstSeq + recordHashes.length - 1,
    head_hash: head,
    merkle_root: rootHex(recordHashes),
    record_hashes: [...recordHashes],
    previous_sha256: previousSha256,
    ts_utc: new Date(atMs).toISOString(),
  };
  const value = nodeEd25519.sign(canonicalBytes(unsigned), readSeed(signer.signingSeed));
  const signature = {
    key_id: signer.keyId,
    alg: 'ed25519' as const,
    value: Buffer.from(value).toString('base64'),
  };
  return canonicalBytes({ ...unsigned, signature });
}

export interface CheckpointExpectation {
  readonly subscriberId: string;
  /** Of its first record: one after the last of the checkpoint before. Undefined: any. */
  readonly firstSeq: number | undefined;
  /** Null: it follows none. Undefined: any. */
  readonly previousSha256: string | null | undefined;
  /** The raw public key with this id, base64; undefined when it is not known. */
  keyOf(keyId: string): string | undefined;
}

export type CheckpointVerdict =
  | { readonly valid: true; readonly checkpoint: AuditCheckpoint; readonly sha256: string }
  | { readonly valid: false; readonly detail: string };

/** Whether these bytes are the checkpoint that has to stand here: form, place, Merkle root, signature. Never throws. */
export function readCheckpoint(bytes: Uint8Array, expected: CheckpointExpectation): CheckpointVerdict {
  const checkpoint = parsed(bytes);
  if (typeof checkpoint === 'string') return { valid: false, detail: checkpoint };
  const detail = placeFault(checkpoint, expected) ?? contentFault(checkpoint) ?? signatureFault(checkpoint, expected);
  return detail === undefined ? { valid: true, checkpoint, sha256: sha256(bytes) } : { valid: false, detail };
}

/** How a regulator who trusts the root of a checkpoint sees that a record is in it. */
export interface RecordProof {
  readonly seq: number;
  /** Lower-case hex, nearest first. */
  readonly path: readonly string[];
}

/** Throws a RangeError when the checkpoint is not of this record. */
export function proveRecord(checkpoint: AuditCheckpoint, seq: number): RecordProof {
  const path = inclusionProof(checkpoint.record_hashes.map(fromHex), seq - checkpoint.first_seq);
  return { seq, path: path.map((node) => Buffer.from(node).toString('hex')) };
}

/** @param hash of the record, lower-case hex, as `hashOf` computes it */
export function recordIsIn(
  checkpoint: Pick<AuditCheckpoint, 'first_seq' | 'last_seq' | 'merkle_root'>,
  hash: string,
  { seq, path }: RecordProof,
): boolean {
  const size = checkpoint.last_seq - checkpoint.first_seq + 1;
  const root = fromHex(checkpoint.merkle_root);
  return verifyInclusion(fromHex(hash), seq - checkpoint.first_seq, size, path.map(fromHex), root);
}

function parsed(bytes: Uint8Array): AuditCheckpoint | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return 'it is no JSON';
  }
  const verdict = validateRecord('audit-checkpoint', value);
  if (verdict.valid) return value as AuditCheckpoint;
  const [fault] = verdict.errors;
  return `it is no checkpoint: ${fault?.path} ${fault?.message}`;
}

function placeFault(checkpoint: AuditCheckpoint, expected: CheckpointExpectation): string | undefined {
  const { subscriber_id: subscriber, first_seq: first, previous_sha256: previous } = checkpoint;
  if (subscriber !== expected.subscriberId) return `it is of ${subscriber}, not of ${expected.subscriberId}`;
  if (expected.firstSeq !== undefined && first !== expected.firstSeq)
    return `it begins at record ${first}, ${expected.firstSeq} was to come`;
  if (expected.previousSha256 !== undefined && previous !== expected.previousSha256)
    return first === FIRST_SEQ
      ? 'the first checkpoint follows none'
      : 'it follows another checkpoint than the one before';
  return undefined;
}

function contentFault(checkpoint: AuditCheckpoint): string | undefined {
  const { first_seq: first, last_seq: last, record_hashes: hashes } = checkpoint;
  if (last - first + 1 !== hashes.length) return `it is of records ${first} to ${last} and lists ${hashes.length}`;
  if (hashes.at(-1) !== checkpoint.head_hash) return 'its head is not the last of its records';
  if (rootHex(hashes) !== checkpoint.merkle_root) return 'its Merkle root is not that of its records';
  return undefined;
}

function signatureFault({ signature, ...unsigned }: AuditCheckpoint, { keyOf }: CheckpointExpectation) {
  const known = keyOf(signature.key_id);
  if (known === undefined) return `it is signed with the key ${signature.key_id}, which is not known here`;
  const key = readPublicKey(known, 'ed25519');
  const value = Buffer.from(signature.value, 'base64');
  if (key && nodeEd25519.verify(canonicalBytes(unsigned), value, key)) return undefined;
  return `its signature does not hold against the key ${signature.key_id}`;
}

const fromHex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const rootHex = (hashes: readonly string[]) => Buffer.from(merkleRoot(hashes.map(fromHex))).toString('hex');
const canonicalBytes = (value: unknown): Uint8Array => Buffer.from(canonicalize(value) ?? '');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
