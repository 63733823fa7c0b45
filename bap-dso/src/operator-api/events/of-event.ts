import { type Kysely, type SqlBool, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { EVENT_TRANSACTIONS } from '../limits.ts';

/**
 * Records of an event. Catalogues, and messages that were refused, name the transaction of its search or order alone.
 * The transactions are asked for beforehand, so that each part of the condition has its index.
 */
export async function ofEvent(db: Kysely<BapTables>, eventId: string) {
  const { rows } = await sql<{ transaction_id: string }>`
    select transaction_id from flex_search where event_id = ${eventId}
    union select transaction_id from flex_order where event_id = ${eventId}
    limit ${sql.lit(EVENT_TRANSACTIONS)}`.execute(db);
  const transactions = rows.map(({ transaction_id }) => transaction_id);
  return sql<SqlBool>`(record->>'event_id' = ${eventId} or record->>'transaction_id' = any(${transactions}::text[]))`;
}
