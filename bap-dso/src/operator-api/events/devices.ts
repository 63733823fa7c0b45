/** Single devices of an event, as their aggregators reported them; ids are pseudonymous. */
import { type Kysely, sql } from 'kysely';
import type { DerOrder } from '../../ders/tables.ts';
import type { BapTables } from '../../tables.ts';

export interface DeviceAnswerView {
  readonly derId: string;
  readonly bppId: string;
  readonly deviceType: string | null;
  readonly obpId: string;
  readonly askedKw: number;
  readonly answer: DerOrder['answer'];
  /** Why, as its aggregator says it; null where it does not. */
  readonly reason: string | null;
  /** When its aggregator told of it; wall time. Null of what an earlier version wrote. */
  readonly toldMs: number | null;
}

/** By device; `total` is how many there are in all pages. Of a device its latest orders are remembered, and no more. */
export async function deviceAnswersOf(
  db: Kysely<BapTables>,
  eventId: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ devices: DeviceAnswerView[]; total: number }> {
  const from = sql`
    from flex_order o
    join der d on d.feeder_id = o.feeder_id and d.bpp_id = o.bpp_id
    cross join lateral jsonb_array_elements(d.recent) as one
    where o.event_id = ${eventId} and one->>'obpId' = o.obp_id`;
  const { rows } = await sql<{ der_id: string; bpp_id: string; device_type: string | null; one: DerOrder }>`
    select d.der_id, d.bpp_id, d.device_type, one ${from}
    order by d.der_id, d.bpp_id, o.obp_id limit ${limit} offset ${offset}`.execute(db);
  const { rows: counted } = await sql<{ total: number }>`select count(*)::int as total ${from}`.execute(db);
  const devices = rows.map(({ der_id, bpp_id, device_type, one }) => ({
    derId: der_id,
    bppId: bpp_id,
    deviceType: device_type,
    obpId: one.obpId,
    askedKw: one.askedKw,
    answer: one.answer,
    reason: one.reason ?? null,
    toldMs: one.toldMs ?? null,
  }));
  return { devices, total: counted[0]?.total ?? 0 };
}
