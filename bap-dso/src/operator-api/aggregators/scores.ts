/** How well each aggregator has kept what it promised, of the orders of the last thirty days (wall time). */
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { SCORE_DAYS, SNAPSHOT_AGGREGATORS } from '../limits.ts';

export interface ScoreView {
  readonly bppId: string;
  readonly orders: number;
  readonly completed: number;
  /** Declined, or not answered in time. */
  readonly failed: number;
  /** Cancelled by either side. */
  readonly cancelled: number;
  /** Delivered of committed energy, completed orders, by the aggregator's report; null before the first. */
  readonly deliveredShare: number | null;
  /** Devices that accepted, of those commanded. */
  readonly acceptedShare: number | null;
  /** From detection until all devices had answered, half of the orders faster. */
  readonly ackMedianMs: number | null;
  /** What it was rated, 0 to 5, on average. */
  readonly rating: number | null;
}

export async function scoreViews(db: Kysely<BapTables>, nowMs: number): Promise<ScoreView[]> {
  const since = new Date(nowMs - SCORE_DAYS * 86_400_000);
  const { rows } = await sql<ScoreView>`
    select bpp_id as "bppId", count(*)::int as orders,
      (count(*) filter (where state = 'COMPLETED'))::int as completed,
      (count(*) filter (where state in ('DECLINED', 'EXPIRED')))::int as failed,
      (count(*) filter (where state = 'CANCELLED'))::int as cancelled,
      sum((performance->>'deliveredKwh')::float8) filter (where state = 'COMPLETED') / nullif(sum(committed_kw
        * extract(epoch from ((selection->'window'->>'endMs')::float8 - (selection->'window'->>'startMs')::float8)
          * interval '1 millisecond') / 3600) filter (where state = 'COMPLETED' and performance is not null), 0)
        as "deliveredShare",
      sum((dispatch->>'accepted')::float8) / nullif(sum((dispatch->>'commands')::float8), 0) as "acceptedShare",
      percentile_cont(0.5) within group (order by detection_to_ack_ms) as "ackMedianMs",
      avg(rating) as rating
    from flex_order where created_wall_at > ${since}
    group by bpp_id order by bpp_id limit ${sql.lit(SNAPSHOT_AGGREGATORS)}`.execute(db);
  return rows.map((row) => ({ ...row, deliveredShare: numberOf(row.deliveredShare), rating: numberOf(row.rating) }));
}

const numberOf = (value: unknown): number | null => (value === null ? null : Number(value));
