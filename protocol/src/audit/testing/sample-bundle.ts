/** A bundle that holds, for every program that checks bundles. */
import type { AuditBundle, AuditCheckpoint } from '@flexder/schemas/types.ts';
import { generateKeys } from '../../beckn/keys.ts';
import { type BundleInput, sha256Of, writeBundle } from '../bundle.ts';
import { GENESIS_HASH, seal } from '../chain.ts';
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
