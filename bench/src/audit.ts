/** The audit chain: records sealed, checkpointed and verified a second, and what the evidence of one order costs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveWitness } from '@flexder/bap-dso/audit-settlement/archive.ts';
import { auditBundle } from '@flexder/bap-dso/audit-settlement/audit/bundle.ts';
import { bundleKey } from '@flexder/bap-dso/audit-settlement/audit/bundle-keys.ts';
import { verifyAudit } from '@flexder/bap-dso/audit-settlement/audit/verify.ts';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { checkBundle } from '@flexder/protocol/audit/bundle-check.ts';
import type { KeyId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { createCheckpoints } from '@flexder/runtime/audit/checkpoints.ts';
import { createSealer } from '@flexder/runtime/audit/sealer.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { fileArchive } from '@flexder/runtime/engines/archive/file.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { createShipper } from '@flexder/runtime/participant/archive/shipper.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import { type Kysely, sql } from 'kysely';

const DSO = 'dso-bench' as SubscriberId;
/** Records of one order, which is the one whose evidence is taken. */
const OF_AN_ORDER = 40;
const wall = systemWallClock();

export async function benchAudit({ n }: { readonly n: number }, say: (line: string) => void): Promise<object> {
  const log = createLogger('bench', 'error');
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const database = await openPglite({ location: 'memory', wall, log });
  const archive = await fileArchive(folder, systemIds());
  try {
    const both = await database.open<BapTables & ParticipantTables>(DSO, { ...participantMigrations, ...migrations });
    const db = both as unknown as Kysely<ParticipantTables>;
    const keys = { keyId: 'key-1' as KeyId, ...generateKeys() };
    const parts = { wall, log, metrics: createMetrics('bench'), activity: new Activity() };
    const context = { ...parts, ids: systemIds(), engines: { archive } };
    const shipper = createShipper({ context, db, subscriberId: DSO });
    const checkpoints = createCheckpoints({ context, config: { subscriberId: DSO, keys }, db, written: () => {} });
    const sealer = createSealer({ db, ...parts, sealed: () => {} });
    await write(db, n);
    const rates: Record<string, number> = {};
    const rate = async (name: string, work: () => Promise<unknown>) => {
      const begunMs = wall.monotonicMs();
      await work();
      rates[name] = Math.round((n * 1_000) / (wall.monotonicMs() - begunMs));
      say(`${name}: ${rates[name]} records a second`);
    };
    await rate('sealedPerSecond', async () => {
      while (await unsealed(db)) await sealer.sealNow();
    });
    await rate('checkpointedPerSecond', async () => {
      await checkpoints.now();
      await shipper.flush();
    });
    const keyOf = (keyId: string) => (keyId === keys.keyId ? keys.signingPublicKey : undefined);
    await rate('verifiedPerSecond', async () => {
      const verdict = await verifyAudit(db, archiveWitness(db, archive, { subscriberId: DSO, keyOf }));
      if (!verdict.valid || verdict.records !== n)
        throw new Error(`the chain does not verify: ${JSON.stringify(verdict)}`);
    });
    const asked = 'the registry is not part of this';
    const key = async (keyId: string) => bundleKey(keyId, keyOf(keyId), asked);
    const begunMs = wall.monotonicMs();
    const source = { db: both, archive, subscriberId: DSO, nowMs: wall.nowMs(), keyOf: key };
    const bundle = Buffer.from(JSON.stringify(await auditBundle(source, 'obp-0', 'order')));
    const exportedMs = wall.monotonicMs();
    const verdict = checkBundle(bundle);
    if (!verdict.valid) throw new Error(`the bundle does not hold: ${verdict.detail}`);
    const ms = {
      exportMs: Math.round(exportedMs - begunMs),
      checkMs: Math.round(wall.monotonicMs() - exportedMs),
    };
    await sealer.close();
    await checkpoints.close();
    shipper.close();
    const ofBundle = { records: verdict.records, bytes: bundle.length, ...ms };
    return { bench: 'audit', database: 'pglite', records: n, ...rates, bundle: ofBundle };
  } finally {
    await archive.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const unsealed = async (db: Kysely<ParticipantTables>) =>
  (await db.selectFrom('audit_record').select('id').where('seq', 'is', null).limit(1).execute()).length > 0;

/** As the orchestration words them, a kilobyte each. */
async function write(db: Kysely<ParticipantTables>, n: number): Promise<void> {
  const record = {
    ts_utc: '2026-01-15T17:00:00.000Z',
    event_type: 'beckn.received',
    actor_id: DSO,
    actor_role: 'BAP',
    event_id: 'event-1',
    latency_ms: 12.5,
    rule_inputs: { powerKw: 612.25, limitKw: 600, forced: false },
    decision: 'an answer of the aggregator, as it was taken: '.repeat(10),
    payload_sha256: 'ab'.repeat(32),
  };
  const obpId = sql`to_jsonb('obp-' || (i % ${Math.max(1, Math.floor(n / OF_AN_ORDER))}::int)::text)`;
  await sql`insert into audit_record (record)
    select jsonb_set(${JSON.stringify(record)}::jsonb, '{obp_id}', ${obpId}) from generate_series(1, ${n}::int) as i`.execute(
    db,
  );
}
