/**
 * An evidence bundle: the records of one order with all that proves them, in one file that a reader without access to
 * anything else can check. Its form is schemas/records/audit-bundle.schema.json, its meaning docs/audit.md.
 */
import { createHash } from 'node:crypto';
import type { AuditBundle, AuditCheckpoint } from '@flexder/schemas/types.ts';
import canonicalize from 'canonicalize';
import { proveRecord } from './checkpoint.ts';
import { BUNDLE_RECORDS } from './limits.ts';
import type { AuditRecord } from './record.ts';

export type BundleKey = AuditBundle['keys'][number];
export type BundleRecord = AuditBundle['records'][number];

/** For a reader who has only the file; the check does not read them. */
const RULES: AuditBundle['rules'] = {
  canonical_json:
    'RFC 8785: members sorted by UTF-16 code units, no white space, numbers as ECMAScript writes them, UTF-8',
  record_hash: 'record.hash = lower-case hex SHA-256 of the canonical JSON of the record without its member hash',
  chain: 'record.prev_hash = hash of the record with seq - 1; 64 zeros for the first record, whose seq is 1',
  merkle_tree:
    'RFC 9162 2.1 (as RFC 6962) with SHA-256: leaf = SHA-256(0x00 || the 32 bytes of record.hash), node = SHA-256(0x01 || left || right); leaves are the records first_seq to last_seq of a checkpoint',
  inclusion_proof: 'RFC 9162 2.1.3.2: path leads from leaf seq - first_seq to merkle_root, nearest node first',
  checkpoint_signature:
    'Ed25519 (RFC 8032), base64, over the canonical JSON of the checkpoint without its member signature',
  checkpoint_chain: 'previous_sha256 = SHA-256 of the canonical JSON of the checkpoint before, its signature included',
  digest: 'sha256 = SHA-256 of the canonical JSON of this file without its member sha256: against damage, no signature',
  not_yet_checkpointed: 'nothing but its own hash vouches for such a record yet: ask again in two minutes',
};

export interface BundleInput {
  readonly subscriberId: string;
  readonly obpId: string;
  readonly eventId: string | null;
  readonly scope: AuditBundle['scope'];
  /** Epoch milliseconds, wall time. */
  readonly atMs: number;
  readonly keys: readonly BundleKey[];
  /** Those that the records are in, in the order of the chain. */
  readonly checkpoints: readonly AuditCheckpoint[];
  /** In the order of the chain, at least one. */
  readonly records: readonly AuditRecord[];
  readonly unsealed: number;
}

/** Throws a RangeError for no or too many records. */
export function writeBundle(input: BundleInput): AuditBundle {
  const { records, checkpoints } = input;
  if (records.length === 0 || records.length > BUNDLE_RECORDS)
    throw new RangeError(`a bundle is of 1 to ${BUNDLE_RECORDS} records, not of ${records.length}`);
  const body: Omit<AuditBundle, 'sha256'> = {
    version: 1,
    kind: 'audit-bundle',
    subscriber_id: input.subscriberId,
    obp_id: input.obpId,
    event_id: input.eventId,
    scope: input.scope,
    exported_at: new Date(input.atMs).toISOString(),
    rules: RULES,
    keys: [...input.keys],
    checkpoints: [...checkpoints] as unknown as AuditBundle['checkpoints'],
    records: records.map((record) => placed(record, checkpointOf(checkpoints, record.seq))),
    unsealed: input.unsealed,
  };
  return { ...body, sha256: sha256Of(body) };
}

function placed(record: AuditRecord, checkpoint: AuditCheckpoint | undefined): BundleRecord {
  const body = record as unknown as BundleRecord['record'];
  if (!checkpoint) return { record: body, state: 'not yet checkpointed', checkpoint: null, path: [] };
  const { path } = proveRecord(checkpoint, record.seq);
  return { record: body, state: 'checkpointed', checkpoint: checkpoint.last_seq, path: [...path] };
}

export function checkpointOf(checkpoints: readonly AuditCheckpoint[], seq: number): AuditCheckpoint | undefined {
  return checkpoints.find(({ first_seq: first, last_seq: last }) => first <= seq && seq <= last);
}

/** Whether a record is one of those that the bundle says it is of. */
export function belongs(
  { obp_id: obpId, event_id: eventId, scope }: Pick<AuditBundle, 'obp_id' | 'event_id' | 'scope'>,
  record: Pick<AuditRecord, 'obp_id' | 'event_id'>,
): boolean {
  if (record.obp_id === obpId) return true;
  if (eventId === null || record.event_id !== eventId) return false;
  return scope === 'event' || record.obp_id === undefined;
}

/** Lower-case hex, over canonical JSON (RFC 8785). */
export function sha256Of(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
}
