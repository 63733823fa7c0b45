/** What aggregators are bound to in the open events of this DSO: it comes off what they may be asked for yet. */
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { AWAITING } from '../orders/orders.ts';

/** kW by BPP of its orders on the way and running, of every event, whose windows overlap this one. */
export async function committedKwByBpp(db: Kysely<BapTables>, window: TimeWindow): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('flex_order')
    .select('bpp_id')
    .select(sql<number>`sum(case when committed_kw > 0 then committed_kw else requested_kw end)::float8`.as('kw'))
    .where('state', 'in', [...AWAITING, 'SCHEDULED', 'IN_PROGRESS'])
    .where(sql<boolean>`(selection->'window'->>'startMs')::float8 < ${window.endMs}`)
    .where(sql<boolean>`(selection->'window'->>'endMs')::float8 > ${window.startMs}`)
    .groupBy('bpp_id')
    .execute();
  return new Map(rows.map(({ bpp_id, kw }) => [bpp_id, kw]));
}
