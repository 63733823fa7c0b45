/** The evidence bundle of one order, for a regulator: read from the database and the archive, in the chain's order. */
import { type BundleKey, checkpointOf, writeBundle } from '@flexder/protocol/audit/bundle.ts';
import { BUNDLE_RECORDS } from '@flexder/protocol/audit/limits.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import type { AuditBundle, AuditCheckpoint } from '@flexder/schemas/types.ts';
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { checkpointReader } from './checkpoint-reader.ts';

type Tables = Kysely<BapTables & ParticipantTables>;

/** Why no bundle can be made; what to do is in the words. */
export class BundleError extends Error {
  override name = 'BundleError';
}

export interface BundleSource {
  readonly db: Tables;
  readonly archive: Pick<Archive, 'get' | 'list'>;
  readonly subscriberId: string;
  /** Epoch milliseconds, wall time. */
  readonly nowMs: number;
  /** A key by its id, and what ties it to the registry; undefined when it is not known. */
  keyOf(keyId: string): Promise<BundleKey | undefined>;
}

/** Undefined when no sealed record names the order. Throws BundleError. */
export async function auditBundle(
  source: BundleSource,
  obpId: string,
  scope: AuditBundle['scope'],
): Promise<AuditBundle | undefined> {
  const { db, subscriberId, nowMs } = source;
  const order = await db.selectFrom('flex_order').select('event_id').where('obp_id', '=', obpId).executeTakeFirst();
  const eventId = order?.event_id ?? null;
  const { records, unsealed } = await recordsOf(db, obpId, eventId, scope);
  if (!records.some((record) => record.obp_id === obpId)) return undefined;
  const checkpoints = await checkpointsOf(source, records);
  const keys = await keysOf(source, checkpoints);
  return writeBundle({ subscriberId, obpId, eventId, scope, atMs: nowMs, keys, checkpoints, records, unsealed });
}

async function recordsOf(db: Tables, obpId: string, eventId: string | null, scope: AuditBundle['scope']) {
  const ofOrder = sql<SqlBool>`record->>'obp_id' = ${obpId}`;
  const ofEvent =
    scope === 'event'
      ? sql<SqlBool>`record->>'event_id' = ${eventId ?? ''}`
      : sql<SqlBool>`record->>'event_id' = ${eventId ?? ''} and record->>'obp_id' is null`;
  const wanted = db.selectFrom('audit_record').where(({ or }) => or([ofOrder, ofEvent]));
  const rows = await wanted
    .select('record')
    .where('seq', 'is not', null)
    .orderBy('seq')
    .limit(BUNDLE_RECORDS + 1)
    .execute();
  if (rows.length > BUNDLE_RECORDS) {
    const narrower = scope === 'event' ? '; ask for the order alone' : '';
    throw new BundleError(`more than ${BUNDLE_RECORDS} records are of ${obpId} and its event${narrower}`);
  }
  const { unsealed } = await wanted
    .select(({ fn }) => fn.countAll<string>().as('unsealed'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow();
  return { records: rows.map(({ record }) => record as AuditRecord), unsealed: Number(unsealed) };
}

/** One read for each checkpoint that a record is in. */
async function checkpointsOf(source: BundleSource, records: readonly AuditRecord[]): Promise<AuditCheckpoint[]> {
  const covering = await checkpointReader(source.db, source.archive, source.subscriberId);
  const found: AuditCheckpoint[] = [];
  for (const { seq } of records) {
    if (checkpointOf(found.slice(-1), seq)) continue;
    const key = covering.keyOf(seq);
    if (key === undefined) break;
    const checkpoint = await covering.read(key);
    if (!checkpoint || !checkpointOf([checkpoint], seq)) {
      const what = `the checkpoint ${key} of record ${seq} is missing or damaged`;
      throw new BundleError(`${what}: run \`flexder audit verify\`, which names every such one`);
    }
    found.push(checkpoint);
  }
  return found;
}

async function keysOf(source: BundleSource, checkpoints: readonly AuditCheckpoint[]): Promise<BundleKey[]> {
  const ids = [...new Set(checkpoints.map(({ signature }) => signature.key_id))];
  return Promise.all(
    ids.map(async (keyId) => {
      const key = await source.keyOf(keyId);
      if (key) return key;
      throw new BundleError(`the key ${keyId} signed a checkpoint and is not known here any more`);
    }),
  );
}
