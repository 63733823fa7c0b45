/** A bundle that holds, and the same altered in each of its parts, for every program that checks bundles. */
import type { AuditBundle, AuditCheckpoint } from '@flexder/schemas/types.ts';
import { generateKeys } from '../../beckn/keys.ts';
import { type BundleInput, sha256Of, writeBundle } from '../bundle.ts';
import type { BundleReason } from '../bundle-check.ts';
import { GENESIS_HASH, hashOf, seal } from '../chain.ts';
import { writeCheckpoint } from '../checkpoint.ts';
import type { AuditEntry, AuditRecord } from '../record.ts';

const keys = generateKeys((count) => new Uint8Array(count).fill(7));
const others = generateKeys((count) => new Uint8Array(count).fill(8));
export const PUBLIC_KEY = keys.signingPublicKey;
export const OTHER_PUBLIC_KEY = others.signingPublicKey;
const SUBSCRIBER = 'dso.example.org';
const RECORDS = 23;
/** The records after the last of these have no checkpoint. */
const CHECKPOINTS = [7, 8, 21];

/** Every third record is of the order, some of its event, the rest of another; with awkward numbers and text. */
function entry(index: number): AuditEntry {
  const subject =
    index % 3 === 0
      ? { obp_id: 'obp-1', event_id: 'event-1' }
      : index % 5 === 0
        ? { event_id: 'event-1' }
        : { obp_id: 'obp-2', event_id: 'event-1' };
  return {
    ts_utc: `2026-01-15T17:00:${String(index).padStart(2, '0')}.000Z`,
    event_type: 'order.changed',
    actor_id: SUBSCRIBER,
    actor_role: 'BAP',
    ...subject,
    latency_ms: [0, 12.5, 1e21, 1e-7, 9007199254740991, 0.000001, 5e-324, 1.7976931348623157e308][index % 8] as number,
    requested_kw: index % 2 === 0 ? -0.1 - index : 1 / 3 + index,
    rule_inputs: { ﬁ: 'a', 𝒳: 'b', plain: null, flag: true },
    decision: `payment £${index} “quoted” \\ / \u0001\u007f\u2028 😀 line\nend`,
  };
}

function chain(): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let seq = 1; seq <= RECORDS; seq++) records.push(seal(entry(seq), seq, records.at(-1)?.hash ?? GENESIS_HASH));
  return records;
}

function checkpoints(records: readonly AuditRecord[]): AuditCheckpoint[] {
  const written: AuditCheckpoint[] = [];
  for (const last of CHECKPOINTS) {
    const before = written.at(-1);
    const firstSeq = (before?.last_seq ?? 0) + 1;
    const bytes = writeCheckpoint(
      {
        subscriberId: SUBSCRIBER,
        firstSeq,
        recordHashes: records.slice(firstSeq - 1, last).map(({ hash }) => hash),
        previousSha256: before ? sha256Of(before) : null,
        atMs: Date.parse('2026-01-15T17:01:00Z') + last,
      },
      { keyId: 'key-1', signingSeed: keys.signingSeed },
    );
    written.push(JSON.parse(Buffer.from(bytes).toString()));
  }
  return written;
}

export function sampleBundle(scope: AuditBundle['scope'] = 'order', more: Partial<BundleInput> = {}): AuditBundle {
  const all = chain();
  const record = {
    subscriber_id: SUBSCRIBER,
    key_id: 'key-1',
    type: 'BAP',
    url: 'https://dso.example.org/beckn',
    signing_public_key: keys.signingPublicKey,
    valid_from: '2026-01-01T00:00:00.000Z',
    valid_until: '2027-01-01T00:00:00.000Z',
    status: 'SUBSCRIBED',
  };
  const registry = { registry: 'https://registry.example.org', retrieved_at: '2026-01-16T00:00:00.000Z', record };
  return writeBundle({
    subscriberId: SUBSCRIBER,
    obpId: 'obp-1',
    eventId: 'event-1',
    scope,
    atMs: Date.parse('2026-01-16T00:00:01Z'),
    keys: [{ key_id: 'key-1', alg: 'ed25519', public_key: keys.signingPublicKey, registry, note: 'a copy' }],
    checkpoints: checkpoints(all),
    records: all.filter(({ obp_id }) => scope === 'event' || obp_id !== 'obp-2'),
    unsealed: 0,
    ...more,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: alterations break the form on purpose
type Loose = any;

export interface Alteration {
  readonly name: string;
  readonly reason: BundleReason;
  readonly at: string;
  /** Changes the bundle in place. Its digest is made to fit afterwards, as whoever alters one would. */
  readonly alter: (bundle: Loose) => void;
  readonly keepDigest?: true;
}

const last = (list: Loose[]) => list.length - 1;
const sealedAgain = (record: Loose) => {
  record.hash = hashOf(record);
};
const HASH = 'ab'.repeat(32);

export const ALTERATIONS: readonly Alteration[] = [
  {
    name: 'a member more',
    reason: 'form',
    at: '/zzz',
    alter: (b) => {
      b.zzz = 1;
    },
  },
  {
    name: 'a member less',
    reason: 'form',
    at: '/rules',
    alter: (b) => {
      delete b.rules;
    },
  },
  {
    name: 'another version',
    reason: 'form',
    at: '/version',
    alter: (b) => {
      b.version = 2;
    },
  },
  {
    name: 'another kind',
    reason: 'form',
    at: '/kind',
    alter: (b) => {
      b.kind = 'audit-checkpoint';
    },
  },
  {
    name: 'no records',
    reason: 'form',
    at: '/records',
    alter: (b) => {
      b.records = [];
    },
  },
  {
    name: 'an instant that is none',
    reason: 'form',
    at: '/exported_at',
    alter: (b) => {
      b.exported_at = 'today';
    },
  },
  {
    name: 'a state that is none',
    reason: 'form',
    at: '/records/1/state',
    alter: (b) => {
      b.records[1].state = 'fine';
    },
  },
  {
    name: 'a record without a hash',
    reason: 'form',
    at: '/records/0/record/hash',
    alter: (b) => {
      delete b.records[0].record.hash;
    },
  },
  {
    name: 'a public key that is too short',
    reason: 'form',
    at: '/keys/0/public_key',
    alter: (b) => {
      b.keys[0].public_key = 'AAAA';
    },
  },
  {
    name: 'a registry entry without its status',
    reason: 'form',
    at: '/keys/0/registry',
    alter: (b) => {
      delete b.keys[0].registry.record.status;
    },
  },
  {
    name: 'a path of something else',
    reason: 'form',
    at: '/records/0/path/0',
    alter: (b) => {
      b.records[0].path[0] = 'x';
    },
  },
  {
    name: 'a key twice',
    reason: 'key',
    at: '/keys/1',
    alter: (b) => {
      b.keys.push(b.keys[0]);
    },
  },
  {
    name: 'another key than the registry has',
    reason: 'key',
    at: '/keys/0',
    alter: (b) => {
      b.keys[0].public_key = others.signingPublicKey;
    },
  },
  {
    name: "another subscriber's entry",
    reason: 'key',
    at: '/keys/0',
    alter: (b) => {
      b.keys[0].registry.record.subscriber_id = 'other.example.org';
    },
  },
  {
    name: "another key's entry",
    reason: 'key',
    at: '/keys/0',
    alter: (b) => {
      b.keys[0].registry.record.key_id = 'key-2';
    },
  },
  {
    name: 'a key without its checkpoint',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.keys = [];
    },
  },
  {
    name: 'another key everywhere',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.keys[0].public_key = others.signingPublicKey;
      b.keys[0].registry.record.signing_public_key = others.signingPublicKey;
    },
  },
  {
    name: 'a key of low order',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      const low = Buffer.from([1, ...new Array(31).fill(0)]).toString('base64');
      b.keys[0].public_key = low;
      b.keys[0].registry.record.signing_public_key = low;
    },
  },
  {
    name: 'a key that came into force later',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.keys[0].registry.record.valid_from = '2026-02-01T00:00:00.000Z';
    },
  },
  {
    name: 'a key that had run out',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.keys[0].registry.record.valid_until = '2026-01-02T00:00:00.000Z';
    },
  },
  {
    name: 'another subscriber',
    reason: 'key',
    at: '/keys/0',
    alter: (b) => {
      b.subscriber_id = 'other.example.org';
    },
  },
  {
    name: 'another signature',
    reason: 'checkpoint',
    at: '/checkpoints/1',
    alter: (b) => {
      b.checkpoints[1].signature.value = b.checkpoints[0].signature.value;
    },
  },
  {
    name: 'a signature plus the order of the group',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.checkpoints[0].signature.value = plusOrder(b.checkpoints[0].signature.value);
    },
  },
  {
    name: 'another Merkle root',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.checkpoints[0].merkle_root = HASH;
    },
  },
  {
    name: 'another leaf',
    reason: 'checkpoint',
    at: '/checkpoints/2',
    alter: (b) => {
      b.checkpoints[2].record_hashes[0] = HASH;
    },
  },
  {
    name: 'another head',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.checkpoints[0].head_hash = HASH;
    },
  },
  {
    name: 'another time of signing',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.checkpoints[0].ts_utc = '2026-01-15T18:00:00.000Z';
    },
  },
  {
    name: 'a checkpoint with a member more',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      b.checkpoints[0].zzz = 1;
    },
  },
  {
    name: 'a checkpoint with a member less',
    reason: 'checkpoint',
    at: '/checkpoints/0',
    alter: (b) => {
      delete b.checkpoints[0].ts_utc;
    },
  },
  {
    name: 'checkpoints in another order',
    reason: 'checkpoint',
    at: '/checkpoints/1',
    alter: (b) => {
      b.checkpoints.reverse();
    },
  },
  {
    name: 'another payment in a record',
    reason: 'record',
    at: '/records/2',
    alter: (b) => {
      b.records[2].record.decision = 'payment £900';
    },
  },
  {
    name: 'a figure in its last digit',
    reason: 'record',
    at: '/records/1',
    alter: (b) => {
      b.records[1].record.requested_kw += 1e-15 * 4;
    },
  },
  {
    name: 'a record with its hash made to fit',
    reason: 'proof',
    at: '/records/2',
    alter: (b) => {
      b.records[2].record.decision = 'payment £900';
      sealedAgain(b.records[2].record);
    },
  },
  {
    name: 'a record that follows another',
    reason: 'record',
    at: '/records/2',
    alter: (b) => {
      const { record } = b.records[2];
      record.prev_hash = HASH;
      sealedAgain(record);
    },
  },
  {
    name: 'a record twice',
    reason: 'record',
    at: '/records/1',
    alter: (b) => {
      b.records.splice(1, 0, b.records[0]);
    },
  },
  {
    name: 'records in another order',
    reason: 'record',
    at: '/records/1',
    alter: (b) => {
      [b.records[0], b.records[1]] = [b.records[1], b.records[0]];
    },
  },
  {
    name: 'another order than its records are of',
    reason: 'subject',
    at: '/records/0',
    alter: (b) => {
      b.obp_id = 'obp-3';
    },
  },
  {
    name: 'another event than its records are of',
    reason: 'subject',
    at: '/records/1',
    alter: (b) => {
      b.event_id = null;
    },
  },
  {
    name: 'another path',
    reason: 'proof',
    at: '/records/0',
    alter: (b) => {
      b.records[0].path[0] = HASH;
    },
  },
  {
    name: 'a path too short',
    reason: 'proof',
    at: '/records/0',
    alter: (b) => {
      b.records[0].path.pop();
    },
  },
  {
    name: 'a path too long',
    reason: 'proof',
    at: '/records/0',
    alter: (b) => {
      b.records[0].path.push(HASH);
    },
  },
  {
    name: 'a record under another checkpoint',
    reason: 'proof',
    at: '/records/0',
    alter: (b) => {
      b.records[0].checkpoint = 8;
    },
  },
  {
    name: 'a checkpoint taken out',
    reason: 'proof',
    at: '/records/0',
    alter: (b) => {
      b.checkpoints.shift();
    },
  },
  {
    name: 'a checkpointed record said to wait',
    reason: 'proof',
    at: '/records/0',
    alter: (b) => {
      Object.assign(b.records[0], { state: 'not yet checkpointed', checkpoint: null, path: [] });
    },
  },
  {
    name: 'a waiting record said to be checkpointed',
    reason: 'proof',
    at: '/records/9',
    alter: (b) => {
      if (last(b.records) !== 9) throw new Error('sample');
      b.records[9].record.decision = 'x';
      sealedAgain(b.records[9].record);
      Object.assign(b.records[9], { state: 'checkpointed', checkpoint: 21 });
    },
  },
  {
    name: 'another digest',
    reason: 'digest',
    at: '/sha256',
    keepDigest: true,
    alter: (b) => {
      b.sha256 = HASH;
    },
  },
  {
    name: 'another time of export',
    reason: 'digest',
    at: '/sha256',
    keepDigest: true,
    alter: (b) => {
      b.exported_at = '2026-01-17T00:00:00.000Z';
    },
  },
  {
    name: 'another rule in words',
    reason: 'digest',
    at: '/sha256',
    keepDigest: true,
    alter: (b) => {
      b.rules.record_hash = 'trust us';
    },
  },
  {
    name: 'another note on the key',
    reason: 'digest',
    at: '/sha256',
    keepDigest: true,
    alter: (b) => {
      b.keys[0].note = 'x';
    },
  },
  {
    name: 'another number of unsealed ones',
    reason: 'digest',
    at: '/sha256',
    keepDigest: true,
    alter: (b) => {
      b.unsealed = 1;
    },
  },
  {
    name: 'a record left out by accident',
    reason: 'digest',
    at: '/sha256',
    keepDigest: true,
    alter: (b) => {
      b.records.splice(3, 1);
    },
  },
];

/** The bytes of the sample as somebody altered it. */
export function altered({ alter, keepDigest }: Alteration): Uint8Array {
  const bundle: Loose = structuredClone(sampleBundle());
  alter(bundle);
  if (!keepDigest) {
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
