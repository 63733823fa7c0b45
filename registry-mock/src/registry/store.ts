import { lockForTransaction } from '@flexder/runtime/engines/database/locks.ts';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { KEYS_PER_SUBSCRIBER, SUBSCRIBERS, UNPROVEN, UNPROVEN_KEPT_MS } from '../limits.ts';
import { type Application, RefusedError } from './application.ts';
import type { RegistryTables, Status, SubscriptionTable } from './tables.ts';

export type SubscriptionRow = Selectable<SubscriptionTable>;

export interface LookupFilter {
  readonly columns: Partial<
    Record<'subscriber_id' | 'key_id' | 'type' | 'domain' | 'country' | 'city' | 'status', string>
  >;
  readonly limit: number;
  readonly offset: number;
}

/** What the registry knows of its subscribers. Only a proven key stands in anybody's way. */
export interface SubscriptionStore {
  keysOf(subscriberId: string): Promise<SubscriptionRow[]>;
  /** Throws a RefusedError when the key or the address belongs to another subscriber. */
  register(application: Application, status: Status, now: Date): Promise<void>;
  find(filter: LookupFilter): Promise<SubscriptionRow[]>;
  /** Ends a key: by taking it back, or by moving the end of its validity. Returns whether there was one. */
  change(
    subscriberId: string,
    keyId: string,
    change: { status?: Status; valid_until?: Date },
    now: Date,
  ): Promise<boolean>;
}

export function createSubscriptionStore(db: Kysely<RegistryTables>): SubscriptionStore {
  const rowsOf = (from: Kysely<RegistryTables>, id: string) =>
    from.selectFrom('subscription').selectAll().where('subscriber_id', '=', id).orderBy('key_id').execute() as Promise<
      SubscriptionRow[]
    >;
  return {
    keysOf: (id) => rowsOf(db, id),
    async register(application, status, now) {
      await db.transaction().execute(async (trx) => {
        // Who else registers now may want the same address or key, of which no row tells yet.
        await lockForTransaction(trx, 'subscriptions');
        await forgetUnproven(trx, now);
        await assertFree(trx, application);
        const rows = await rowsOf(trx, application.subscriber_id);
        if (rows.length === 0) await assertRoom(trx);
        const known = rows.find((row) => row.key_id === application.key_id);
        if (!known && rows.length >= KEYS_PER_SUBSCRIBER) await dropOldest(trx, rows);
        // A key in force stays so while its renewal is under way.
        if (known?.status === 'SUBSCRIBED' && status !== 'SUBSCRIBED') return;
        const row = { ...application, status, created: known?.created ?? now, updated: now };
        await trx
          .insertInto('subscription')
          .values(row)
          .onConflict((conflict) => conflict.columns(['subscriber_id', 'key_id']).doUpdateSet(row))
          .execute();
        if (status === 'SUBSCRIBED') await moveOtherKeys(trx, application, now);
      });
    },
    async find({ columns, limit, offset }) {
      let query = db.selectFrom('subscription').selectAll();
      for (const [column, value] of Object.entries(columns))
        query = query.where(column as keyof typeof columns, '=', value);
      const rows = await query.orderBy('subscriber_id').orderBy('key_id').limit(limit).offset(offset).execute();
      return rows as SubscriptionRow[];
    },
    async change(subscriberId, keyId, change, now) {
      const result = await db
        .updateTable('subscription')
        .set({ ...change, updated: now })
        .where('subscriber_id', '=', subscriberId)
        .where('key_id', '=', keyId)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
  };
}

async function assertFree(trx: Transaction<RegistryTables>, application: Application): Promise<void> {
  const other = await trx
    .selectFrom('subscription')
    .select(['signing_public_key', 'encr_public_key', 'url'])
    .where('subscriber_id', '<>', application.subscriber_id)
    .where('status', '<>', 'UNDER_SUBSCRIPTION')
    .where((or) =>
      or.or([
        or('signing_public_key', '=', application.signing_public_key),
        or('encr_public_key', '=', application.encr_public_key),
        or('url', '=', application.url),
      ]),
    )
    .executeTakeFirst();
  if (!other) return;
  const what = other.url === application.url ? 'url' : 'key';
  throw new RefusedError(409, 'AUT_UNAUTHORIZED_ACTION', `this ${what} is registered to another subscriber`);
}

/** Of those who proved nothing the oldest make room: a flood of them keeps nobody out. */
async function assertRoom(trx: Transaction<RegistryTables>): Promise<void> {
  const { rows } = await sql<{ proven: number; unproven: number }>`
    select (count(*) filter (where status <> 'UNDER_SUBSCRIPTION'))::int as proven,
      (count(*) filter (where status = 'UNDER_SUBSCRIPTION'))::int as unproven from subscription`.execute(trx);
  const { proven, unproven } = rows[0]!;
  if (proven >= SUBSCRIBERS) throw new RefusedError(503, 'AUT_RATE_LIMITED', 'this registry is full');
  if (unproven < UNPROVEN) return;
  await sql`
    delete from subscription where (subscriber_id, key_id) in (
      select subscriber_id, key_id from subscription where status = 'UNDER_SUBSCRIPTION'
      order by updated limit ${unproven - UNPROVEN + 1})`.execute(trx);
}

async function forgetUnproven(trx: Transaction<RegistryTables>, now: Date): Promise<void> {
  await trx
    .deleteFrom('subscription')
    .where('status', '=', 'UNDER_SUBSCRIPTION')
    .where('updated', '<', new Date(now.getTime() - UNPROVEN_KEPT_MS))
    .execute();
}

async function dropOldest(trx: Transaction<RegistryTables>, rows: readonly SubscriptionRow[]): Promise<void> {
  const oldest = [...rows].sort((a, b) => a.valid_until.getTime() - b.valid_until.getTime())[0];
  if (!oldest) return;
  await trx
    .deleteFrom('subscription')
    .where('subscriber_id', '=', oldest.subscriber_id)
    .where('key_id', '=', oldest.key_id)
    .execute();
}

/** A subscriber has one address, whatever key it signs with. */
async function moveOtherKeys(
  trx: Transaction<RegistryTables>,
  { subscriber_id, key_id, url }: Application,
  now: Date,
): Promise<void> {
  await trx
    .updateTable('subscription')
    .set({ url, updated: now })
    .where('subscriber_id', '=', subscriber_id)
    .where('key_id', '<>', key_id)
    .where('url', '<>', url)
    .execute();
}
