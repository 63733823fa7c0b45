/** Single devices as the operator sees them. Meters stay out of it: ids are pseudonymous. Powers kW. */
import { type Kysely, sql } from 'kysely';
import type { DerOrder } from '../../ders/tables.ts';
import { ANY_BPP } from '../../flex-orchestration/decisions/restrictions.ts';
import { DER_ORDERS } from '../../limits.ts';
import type { BapTables } from '../../tables.ts';
import { type ConsentTold, consentOf } from './consent.ts';
import { deliveredOf, type Reliability, reliabilityOf } from './reliability.ts';

export const DER_STATES = [
  ...(['excluded', 'serving', 'accepted', 'rejected', 'opted-out', 'expired', 'silent', 'not-asked'] as const),
];
export type DerState = (typeof DER_STATES)[number];

export interface DerView {
  readonly derId: string;
  /** Null where only the network model knows the device, and not whose it is. */
  readonly bppId: string | null;
  readonly feederId: string;
  readonly deviceType: string | null;
  readonly ratedKw: number | null;
  /** At the meter of an essential load: nothing of it is counted on. */
  readonly essential: boolean;
  /** Its latest orders, newest first; in a list of many devices the latest alone. `atMs` is grid time, `state` that of the order. */
  readonly orders: readonly (DerOrder & { readonly state: string | null })[];
  /** It accepted, and the order runs. */
  readonly serving: boolean;
  readonly consent: ConsentTold;
  /** Over its latest orders; null before the first. */
  readonly reliability: Reliability | null;
  readonly excluded: { readonly by: string; readonly reason: string; readonly since: string } | null;
}

export interface DerFilter {
  readonly derId?: string | undefined;
  readonly bppId?: string | undefined;
  readonly feederId?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: DerState | undefined;
  readonly limit: number;
  readonly offset: number;
}

interface Row {
  readonly der_id: string;
  readonly bpp_id: string;
  readonly feeder_id: string;
  readonly device_type: string | null;
  readonly rated_kw: number | null;
  readonly import_msid: string | null;
  readonly essential: boolean;
  readonly recent: readonly DerOrder[];
  readonly serving: boolean;
  readonly made_by: string | null;
  readonly reason: string | null;
  readonly made_wall_at: Date | null;
}

/** By id; `total` is how many there are in all pages. */
export async function derViews(db: Kysely<BapTables>, filter: DerFilter): Promise<{ ders: DerView[]; total: number }> {
  const from = sql`
    from der d
    left join restriction r on r.kind = 'exclude-der' and r.subject = d.der_id and r.bpp_id in (d.bpp_id, ${ANY_BPP})
      and r.feeder_id = d.feeder_id
    left join flex_order o on o.obp_id = d.last_obp_id
    where ${conditions(filter)}`;
  const { rows } = await sql<Row>`
    select d.*, ${SERVING} as serving, r.made_by, r.reason, r.made_wall_at ${from}
    order by d.der_id, d.bpp_id limit ${filter.limit} offset ${filter.offset}`.execute(db);
  const { rows: counted } = await sql<{ total: number }>`select count(*)::int as total ${from}`.execute(db);
  const shown = filter.derId === undefined ? 1 : DER_ORDERS;
  const states = await orderStates(db, rows, shown);
  const delivered = await deliveredOf(db, rows);
  const ders = rows.map((row) => viewOf(row, shown, states, reliabilityOf(row, delivered)));
  return { ders, total: counted[0]?.total ?? 0 };
}

const SERVING = sql<boolean>`coalesce(d.last_answer = 'ACCEPTED' and o.state in ('SCHEDULED', 'IN_PROGRESS'), false)`;

function conditions({ derId, bppId, feederId, type, state }: DerFilter) {
  const all = [
    ...(derId === undefined ? [] : [sql`d.der_id = ${derId}`]),
    ...(bppId === undefined ? [] : [sql`d.bpp_id = ${bppId}`]),
    ...(feederId === undefined ? [] : [sql`d.feeder_id = ${feederId}`]),
    ...(type === undefined ? [] : [sql`d.device_type = ${type}`]),
    ...(state === undefined ? [] : [stateIs(state)]),
  ];
  return all.length === 0 ? sql`true` : sql.join(all, sql` and `);
}

function stateIs(state: DerState) {
  if (state === 'excluded') return sql`r.subject is not null`;
  if (state === 'serving') return SERVING;
  if (state === 'not-asked') return sql`d.last_answer is null`;
  return sql`d.last_answer = ${state.toUpperCase().replace('-', '_')}`;
}

async function orderStates(
  db: Kysely<BapTables>,
  rows: readonly Row[],
  shown: number,
): Promise<ReadonlyMap<string, string>> {
  const obpIds = [...new Set(rows.flatMap(({ recent }) => recent.slice(0, shown).map(({ obpId }) => obpId)))];
  if (obpIds.length === 0) return new Map();
  const { rows: orders } = await sql<{ obp_id: string; state: string }>`
    select obp_id, state from flex_order where obp_id = any(${obpIds}::text[])`.execute(db);
  return new Map(orders.map(({ obp_id, state }) => [obp_id, state]));
}

function viewOf(
  row: Row,
  shown: number,
  states: ReadonlyMap<string, string>,
  reliability: Reliability | null,
): DerView {
  const { made_by, reason, made_wall_at } = row;
  return {
    derId: row.der_id,
    bppId: row.bpp_id === ANY_BPP ? null : row.bpp_id,
    feederId: row.feeder_id,
    deviceType: row.device_type,
    ratedKw: row.rated_kw,
    essential: row.essential,
    orders: row.recent.slice(0, shown).map((order) => ({ ...order, state: states.get(order.obpId) ?? null })),
    serving: row.serving,
    consent: consentOf(row.recent),
    reliability,
    excluded: made_by === null ? null : { by: made_by, reason: reason ?? '', since: made_wall_at?.toISOString() ?? '' },
  };
}
