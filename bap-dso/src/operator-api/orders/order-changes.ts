import { sql } from 'kysely';
import { ORDER_CHANGES_SHOWN } from '../limits.ts';

/** What was asked of an order's aggregator, and what it said. Until it is AGREED the order stands as it was. */
export interface OrderChangeView {
  readonly changeId: string;
  /** UNANSWERED may yet be answered: its aggregator may have agreed without our hearing of it. */
  readonly state: 'ASKED' | 'AGREED' | 'REFUSED' | 'UNANSWERED';
  /** Null: as they were. */
  readonly kw: number | null;
  readonly window: { readonly startMs: number; readonly endMs: number } | null;
  /** The person, or the rule. */
  readonly by: string;
  readonly reason: string;
  /** Why not, or since when. */
  readonly answer: string | null;
  /** Grid time. */
  readonly askedAtMs: number;
  /** Wall clock. */
  readonly askedWallMs: number;
  readonly answeredWallMs: number | null;
}

/** Of the order of the row, the newest changes, newest first; an expression for a query of orders. */
export const changesOfOrder = sql<OrderChangeView[]>`(
  select coalesce(json_agg(json_build_object('changeId', c.change_id, 'state', c.state, 'kw', c.kw,
    'window', c.asked->'window', 'by', c.asked_by, 'reason', c.reason, 'answer', c.answer,
    'askedAtMs', ${milliseconds('c.asked_at')}, 'askedWallMs', ${milliseconds('c.asked_wall_at')},
    'answeredWallMs', ${milliseconds('c.answered_wall_at')}) order by c.asked_wall_at desc, c.change_id), '[]'::json)
  from (
    select change.*, (select round(sum((item->>'kw')::numeric), 3) from jsonb_array_elements(change.asked->'items') item) as kw
    from order_change change where change.obp_id = flex_order.obp_id
    order by change.asked_wall_at desc, change.change_id limit ${sql.lit(ORDER_CHANGES_SHOWN)}) c)`;

function milliseconds(column: string) {
  return sql`round(extract(epoch from ${sql.ref(column)}) * 1000)`;
}
