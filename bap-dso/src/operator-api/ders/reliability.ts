/** How a device kept what it was asked for: by settlement rows where its meter is known, else by its own answers. */
import { type Kysely, sql } from 'kysely';
import type { DerOrder } from '../../ders/tables.ts';
import type { BapTables } from '../../tables.ts';

export interface Reliability {
  /** 0 to 1. */
  readonly share: number;
  /** `delivered`: of instructed energy, by settlement rows; `accepted`: of the kW asked, by its own answers. */
  readonly of: 'delivered' | 'accepted';
  readonly orders: number;
}

interface Metered {
  /** Known of devices of the network model. */
  readonly import_msid: string | null;
  readonly recent: readonly DerOrder[];
}

type Delivered = Pick<Reliability, 'share' | 'orders'>;

/** By meter, over the latest orders of its device; of each row the newest revision. */
export async function deliveredOf(
  db: Kysely<BapTables>,
  devices: readonly Metered[],
): Promise<ReadonlyMap<string, Delivered>> {
  const pairs = devices.flatMap(({ import_msid, recent }) =>
    import_msid === null ? [] : recent.map(({ obpId }) => [obpId, import_msid] as const),
  );
  if (pairs.length === 0) return new Map();
  const { rows } = await sql<{ import_msid: string; delivered: number; instructed: number; orders: number }>`
    select import_msid, sum((row ->> 'delivered_capped_mwh')::float8) as delivered,
      sum((row ->> 'instructed_mwh')::float8) as instructed, count(distinct obp_id)::int as orders
    from (
      select distinct on (s.obp_id, s.import_msid, s.settlement_date, s.settlement_period) s.obp_id, s.import_msid, s.row
      from unnest(${pairs.map(([obpId]) => obpId)}::text[], ${pairs.map(([, msid]) => msid)}::text[]) as p(obp_id, msid)
      join settlement_row s on s.obp_id = p.obp_id and s.import_msid = p.msid
      order by s.obp_id, s.import_msid, s.settlement_date, s.settlement_period, s.revision desc) newest
    group by import_msid`.execute(db);
  const known = rows.filter(({ instructed }) => instructed > 0);
  return new Map(
    known.map(({ import_msid, delivered, instructed, orders }) => [
      import_msid,
      { share: Math.max(0, Math.min(1, delivered / instructed)), orders },
    ]),
  );
}

export function reliabilityOf(
  { import_msid, recent }: Metered,
  delivered: ReadonlyMap<string, Delivered>,
): Reliability | null {
  const settled = delivered.get(import_msid ?? '');
  if (settled) return { ...settled, of: 'delivered' };
  const askedKw = recent.reduce((sum, order) => sum + order.askedKw, 0);
  if (askedKw <= 0) return null;
  const acceptedKw = recent.reduce((sum, { answer, askedKw: kw }) => sum + (answer === 'ACCEPTED' ? kw : 0), 0);
  return { share: acceptedKw / askedKw, of: 'accepted', orders: recent.length };
}
