import { type Kysely, type Selectable, sql } from 'kysely';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import type { EventContext } from '../../open-data/event-context.ts';
import type { BapTables, OverloadTable } from '../../tables.ts';
import { COMMITTED_STATES } from '../orders/orders.ts';

/** One need of one feeder with what came of it; kW, grid time. */
export interface OverloadView {
  readonly eventId: string;
  readonly feederId: string;
  readonly detectedBy: string;
  readonly detectedAt: string;
  readonly ruleId: string;
  readonly ruleVersion: string;
  readonly interventionClass: string;
  readonly state: string;
  readonly limitKw: number;
  readonly releaseKw: number;
  readonly window: { readonly startMs: number; readonly endMs: number };
  readonly peakDuringKw: number | null;
  readonly requestedKw: number;
  /** As felt at the feeder: an order elsewhere counts for its share. */
  readonly committedKw: number;
  readonly acknowledgedKw: number;
  /** Fall of the feeder against the five minutes before dispatch. */
  readonly measuredKw: number | null;
  readonly toppedUp: boolean;
  /** What stands behind its orders, and what of it was bought; the newest plan last. */
  readonly fallback: readonly FallbackView[];
  readonly orders: number;
  readonly releasedAt: string | null;
  /** What the world outside looked like when it opened; null while open data are off. */
  readonly context: EventContext | null;
}

/** kW, £ an hour if it is bought. */
export interface FallbackView {
  readonly tier: 1 | 2;
  readonly plan: number;
  readonly state: string;
  readonly gapKw: number;
  readonly expectedKw: number;
  readonly costGbpPerHour: number;
  readonly bppIds: readonly string[];
  readonly reason: string | null;
  /** Grid time: when its offers were put aside, and when it was bought or found to be of no use. */
  readonly madeAtMs: number;
  readonly releasedAtMs: number | null;
}

const fallback = sql<FallbackView[]>`(
  select coalesce(json_agg(json_build_object('tier', f.tier, 'plan', f.plan_no, 'state', f.state, 'gapKw', f.gap_kw,
    'expectedKw', f.expected_kw, 'costGbpPerHour', f.cost_gbp_per_hour, 'reason', f.reason,
    'madeAtMs', round(date_part('epoch', f.made_at) * 1000),
    'releasedAtMs', round(date_part('epoch', f.released_at) * 1000),
    'bppIds', (select json_agg(distinct o->>'bppId') from jsonb_array_elements(f.offers) o)) order by f.plan_no, f.tier),
    '[]'::json)
  from fallback_tier f where f.event_id = overload.event_id)`;

export interface OverloadFilter {
  readonly eventId?: string | undefined;
  readonly feederId?: string | undefined;
  readonly open?: boolean | undefined;
  readonly limit: number;
  readonly offset: number;
}

const committed = sql.join([...COMMITTED_STATES].map((state) => sql.lit(state)));

/** Each order where it is felt: for its own event, and for those planned with it that count on it. */
const felt = sql<{ event_id: string; own: boolean; committed_kw: number; acknowledged_kw: number }>`(
  select event_id, true as own, committed_kw * felt_share as committed_kw,
    (dispatch->>'acknowledgedKw')::float8 * felt_share as acknowledged_kw from flex_order where state in (${committed})
  union all
  select r.event_id, false, f.committed_kw * r.felt_share, (f.dispatch->>'acknowledgedKw')::float8 * r.felt_share
    from order_reach r join flex_order f on f.obp_id = r.obp_id where f.state in (${committed}))`;

/** Newest first. */
export async function overloadViews(db: Kysely<BapTables>, filter: OverloadFilter): Promise<OverloadView[]> {
  const orders = db
    .selectFrom(felt.as('felt'))
    .select([
      'event_id as order_event_id',
      sql<number>`(count(*) filter (where own))::int`.as('orders'),
      sql<number>`sum(committed_kw)::float8`.as('committed_kw'),
      sql<number>`coalesce(sum(acknowledged_kw), 0)`.as('acknowledged_kw'),
    ])
    .groupBy('event_id')
    .as('o');
  let query = db
    .selectFrom('overload')
    .leftJoin(orders, 'o.order_event_id', 'overload.event_id')
    .leftJoin('overload_context', 'overload_context.event_id', 'overload.event_id')
    .selectAll('overload')
    .select('overload_context.context')
    .select(fallback.as('fallback'))
    .select(['o.orders', 'o.committed_kw', 'o.acknowledged_kw']);
  if (filter.eventId) query = query.where('overload.event_id', '=', filter.eventId);
  if (filter.feederId) query = query.where('overload.feeder_id', '=', filter.feederId);
  if (filter.open !== undefined) query = query.where('overload.state', filter.open ? '!=' : '=', 'RELEASED');
  const rows = await query
    .orderBy('overload.detected_wall_at', 'desc')
    .orderBy('overload.event_id')
    .limit(filter.limit)
    .offset(filter.offset)
    .execute();
  return rows.map(overloadView);
}

type Joined = Selectable<OverloadTable> & {
  orders: number | null;
  committed_kw: number | null;
  acknowledged_kw: number | null;
  context: EventContext | null;
  fallback: FallbackView[];
};

function overloadView(row: Joined): OverloadView {
  return {
    eventId: row.event_id,
    feederId: row.feeder_id,
    detectedBy: row.detected_by,
    detectedAt: row.detected_at.toISOString(),
    ruleId: row.rule_id,
    ruleVersion: row.rule_version,
    interventionClass: row.intervention_class,
    state: row.state,
    limitKw: Number(row.limit_kw),
    releaseKw: Number(row.release_kw),
    window: { startMs: row.window_start_at.getTime(), endMs: row.window_end_at.getTime() },
    peakDuringKw: row.peak_during_kw === null ? null : Number(row.peak_during_kw),
    requestedKw: Number(row.requested_kw),
    // The database adds in the order of its rows: the last digits are not to be told apart.
    committedKw: rounded(Number(row.committed_kw ?? 0)),
    acknowledgedKw: rounded(Number(row.acknowledged_kw ?? 0)),
    measuredKw: row.measured_kw === null ? null : Number(row.measured_kw),
    toppedUp: row.topped_up,
    fallback: row.fallback,
    orders: Number(row.orders ?? 0),
    releasedAt: row.released_at?.toISOString() ?? null,
    context: row.context,
  };
}
