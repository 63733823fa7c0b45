/** The audit trail of one order, for a regulator: JSON lines, oldest first. */
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { AUDIT_BATCH } from '../limits.ts';

/**
 * Records that carry the OBP id and, before them in time, those of its event that belong to no order: the detection
 * and the plan. Each line ends with a line feed; the trail is read in bounded batches.
 */
export async function* auditTrail(db: Kysely<BapTables & ParticipantTables>, obpId: string): AsyncGenerator<string> {
  const order = await db.selectFrom('flex_order').select('event_id').where('obp_id', '=', obpId).executeTakeFirst();
  const ofOrder = sql<SqlBool>`record->>'obp_id' = ${obpId}`;
  const ofEvent = sql<SqlBool>`record->>'event_id' = ${order?.event_id ?? ''} and record->>'obp_id' is null`;
  for (let after = '0'; ; ) {
    const rows = await db
      .selectFrom('audit_record')
      .select(['id', 'record'])
      .where('id', '>', after)
      .where(({ or }) => or([ofOrder, ofEvent]))
      .orderBy('id')
      .limit(AUDIT_BATCH)
      .execute();
    if (rows.length > 0) yield `${rows.map(({ record }) => JSON.stringify(record)).join('\n')}\n`;
    const last = rows.at(-1);
    if (!last || rows.length < AUDIT_BATCH) return;
    after = String(last.id);
  }
}
