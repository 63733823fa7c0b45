/** The sample bundle altered in each of its parts, each with why and where a check must refuse it. */
import { sha256Of } from '../bundle.ts';
import type { BundleReason } from '../bundle-check.ts';
import { hashOf } from '../chain.ts';
import { OTHER_PUBLIC_KEY, sampleBundle } from './sample-bundle.ts';

// biome-ignore lint/suspicious/noExplicitAny: alterations break the form on purpose
type Loose = any;

/** Changes the bundle in place. Its digest is made to fit afterwards, as whoever alters one would, unless it is the digest that must tell. */
type Alter = (bundle: Loose) => void;

export interface Alteration {
  readonly name: string;
  readonly reason: BundleReason;
  readonly at: string;
  readonly alter: Alter;
}

const refusedFor =
  (reason: BundleReason) =>
  (name: string, at: string, alter: Alter): Alteration => ({
    name,
    reason,
    at,
    alter,
  });
const form = refusedFor('form');
const key = refusedFor('key');
const checkpoint = refusedFor('checkpoint');
const record = refusedFor('record');
const subject = refusedFor('subject');
const proof = refusedFor('proof');
const digest = refusedFor('digest');

const last = (list: Loose[]) => list.length - 1;
const sealedAgain = (record: Loose) => {
  record.hash = hashOf(record);
};
const HASH = 'ab'.repeat(32);

export const ALTERATIONS: readonly Alteration[] = [
  form('a member more', '/zzz', (b) => {
    b.zzz = 1;
  }),
  form('a member less', '/rules', (b) => {
    delete b.rules;
  }),
  form('another version', '/version', (b) => {
    b.version = 2;
  }),
  form('another kind', '/kind', (b) => {
    b.kind = 'audit-checkpoint';
  }),
  form('no records', '/records', (b) => {
    b.records = [];
  }),
  form('an instant that is none', '/exported_at', (b) => {
    b.exported_at = 'today';
  }),
  form('a state that is none', '/records/1/state', (b) => {
    b.records[1].state = 'fine';
  }),
  form('a record without a hash', '/records/0/record/hash', (b) => {
    delete b.records[0].record.hash;
  }),
  form('a public key that is too short', '/keys/0/public_key', (b) => {
    b.keys[0].public_key = 'AAAA';
  }),
  form('a registry entry without its status', '/keys/0/registry', (b) => {
    delete b.keys[0].registry.record.status;
  }),
  form('a path of something else', '/records/0/path/0', (b) => {
    b.records[0].path[0] = 'x';
  }),
  key('a key twice', '/keys/1', (b) => {
    b.keys.push(b.keys[0]);
  }),
  key('another key than the registry has', '/keys/0', (b) => {
    b.keys[0].public_key = OTHER_PUBLIC_KEY;
  }),
  key("another subscriber's entry", '/keys/0', (b) => {
    b.keys[0].registry.record.subscriber_id = 'other.example.org';
  }),
  key("another key's entry", '/keys/0', (b) => {
    b.keys[0].registry.record.key_id = 'key-2';
  }),
  key('another subscriber', '/keys/0', (b) => {
    b.subscriber_id = 'other.example.org';
  }),
  checkpoint('a key without its checkpoint', '/checkpoints/0', (b) => {
    b.keys = [];
  }),
  checkpoint('another key everywhere', '/checkpoints/0', (b) => {
    b.keys[0].public_key = OTHER_PUBLIC_KEY;
    b.keys[0].registry.record.signing_public_key = OTHER_PUBLIC_KEY;
  }),
  checkpoint('a key of low order', '/checkpoints/0', (b) => {
    const low = Buffer.from([1, ...new Array(31).fill(0)]).toString('base64');
    b.keys[0].public_key = low;
    b.keys[0].registry.record.signing_public_key = low;
  }),
  checkpoint('a key that came into force later', '/checkpoints/0', (b) => {
    b.keys[0].registry.record.valid_from = '2026-02-01T00:00:00.000Z';
  }),
  checkpoint('a key that had run out', '/checkpoints/0', (b) => {
    b.keys[0].registry.record.valid_until = '2026-01-02T00:00:00.000Z';
  }),
  checkpoint('another signature', '/checkpoints/1', (b) => {
    b.checkpoints[1].signature.value = b.checkpoints[0].signature.value;
  }),
  checkpoint('a signature plus the order of the group', '/checkpoints/0', (b) => {
    b.checkpoints[0].signature.value = plusOrder(b.checkpoints[0].signature.value);
  }),
  checkpoint('another Merkle root', '/checkpoints/0', (b) => {
    b.checkpoints[0].merkle_root = HASH;
  }),
  checkpoint('another leaf', '/checkpoints/2', (b) => {
    b.checkpoints[2].record_hashes[0] = HASH;
  }),
  checkpoint('another head', '/checkpoints/0', (b) => {
    b.checkpoints[0].head_hash = HASH;
  }),
  checkpoint('another time of signing', '/checkpoints/0', (b) => {
    b.checkpoints[0].ts_utc = '2026-01-15T18:00:00.000Z';
  }),
  checkpoint('a checkpoint with a member more', '/checkpoints/0', (b) => {
    b.checkpoints[0].zzz = 1;
  }),
  checkpoint('a checkpoint with a member less', '/checkpoints/0', (b) => {
    delete b.checkpoints[0].ts_utc;
  }),
  checkpoint('checkpoints in another order', '/checkpoints/1', (b) => {
    b.checkpoints.reverse();
  }),
  record('another payment in a record', '/records/2', (b) => {
    b.records[2].record.decision = 'payment £900';
  }),
  record('a figure in its last digit', '/records/1', (b) => {
    b.records[1].record.requested_kw += 1e-15 * 4;
  }),
  record('a record that follows another', '/records/2', (b) => {
    const { record } = b.records[2];
    record.prev_hash = HASH;
    sealedAgain(record);
  }),
  record('a record twice', '/records/1', (b) => {
    b.records.splice(1, 0, b.records[0]);
  }),
  record('records in another order', '/records/1', (b) => {
    [b.records[0], b.records[1]] = [b.records[1], b.records[0]];
  }),
  subject('another order than its records are of', '/records/0', (b) => {
    b.obp_id = 'obp-3';
  }),
  subject('another event than its records are of', '/records/1', (b) => {
    b.event_id = null;
  }),
  proof('a record with its hash made to fit', '/records/2', (b) => {
    b.records[2].record.decision = 'payment £900';
    sealedAgain(b.records[2].record);
  }),
  proof('another path', '/records/0', (b) => {
    b.records[0].path[0] = HASH;
  }),
  proof('a path too short', '/records/0', (b) => {
    b.records[0].path.pop();
  }),
  proof('a path too long', '/records/0', (b) => {
    b.records[0].path.push(HASH);
  }),
  proof('a record under another checkpoint', '/records/0', (b) => {
    b.records[0].checkpoint = 8;
  }),
  proof('a checkpoint taken out', '/records/0', (b) => {
    b.checkpoints.shift();
  }),
  proof('a checkpointed record said to wait', '/records/0', (b) => {
    Object.assign(b.records[0], { state: 'not yet checkpointed', checkpoint: null, path: [] });
  }),
  proof('a waiting record said to be checkpointed', '/records/9', (b) => {
    if (last(b.records) !== 9) throw new Error('sample');
    b.records[9].record.decision = 'x';
    sealedAgain(b.records[9].record);
    Object.assign(b.records[9], { state: 'checkpointed', checkpoint: 21 });
  }),
  digest('another digest', '/sha256', (b) => {
    b.sha256 = HASH;
  }),
  digest('another time of export', '/sha256', (b) => {
    b.exported_at = '2026-01-17T00:00:00.000Z';
  }),
  digest('another rule in words', '/sha256', (b) => {
    b.rules.record_hash = 'trust us';
  }),
  digest('another note on the key', '/sha256', (b) => {
    b.keys[0].note = 'x';
  }),
  digest('another number of unsealed ones', '/sha256', (b) => {
    b.unsealed = 1;
  }),
  digest('a record left out by accident', '/sha256', (b) => {
    b.records.splice(3, 1);
  }),
];

/** The bytes of the sample as somebody altered it. */
export function altered({ alter, reason }: Alteration): Uint8Array {
  const bundle: Loose = structuredClone(sampleBundle());
  alter(bundle);
  if (reason !== 'digest') {
    const { sha256: _, ...body } = bundle;
    bundle.sha256 = sha256Of(body);
  }
  return Buffer.from(JSON.stringify(bundle));
}

/** S + L: the same point for who forgets to reduce, another signature for who does not. */
function plusOrder(signature: string): string {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const bytes = Buffer.from(signature, 'base64');
  let s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order;
  for (let index = 32; index < 64; index++) {
    bytes[index] = Number(s & 255n);
    s >>= 8n;
  }
  return bytes.toString('base64');
}
