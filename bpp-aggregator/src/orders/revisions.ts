/** What was agreed of an order when. An order that was never changed has no rows: it is as it was confirmed. */
import type { OrderRevision } from '@flexder/protocol/flexibility/model.ts';
import type { Kysely } from 'kysely';
import type { Work } from '../context.ts';
import type { AggregatorTables } from '../tables.ts';
import { type OrderRow, windowOf } from './store.ts';

type Agreed = Pick<OrderRow, 'order_no' | 'revision' | 'committed_kw' | 'window_start_at' | 'window_end_at'>;

export async function revisionsOf(db: Kysely<AggregatorTables>, order: OrderRow): Promise<OrderRevision[]> {
  if (order.revision === 0) return [asConfirmed(order)];
  const rows = await db
    .selectFrom('order_revision')
    .selectAll()
    .where('order_no', '=', order.order_no)
    .orderBy('revision')
    .execute();
  return rows.map((row) => ({
    revision: row.revision,
    fromMs: row.from_at.getTime(),
    committedKw: row.committed_kw,
    window: { startMs: row.window_start_at.getTime(), endMs: row.window_end_at.getTime() },
  }));
}

function asConfirmed(order: OrderRow): OrderRevision {
  const window = windowOf(order);
  return { revision: 0, fromMs: window.startMs, committedKw: order.committed_kw, window };
}

/** Adds what `after` is from `fromMs` (grid time) on; the first change also writes down what was before. */
export async function writeRevision(
  work: Work,
  before: OrderRow,
  after: Agreed,
  fromMs: number,
  nowWallMs: number,
): Promise<void> {
  const row = (order: Agreed, fromAt: Date) => ({
    order_no: order.order_no,
    revision: order.revision,
    from_at: fromAt,
    committed_kw: order.committed_kw,
    window_start_at: order.window_start_at,
    window_end_at: order.window_end_at,
    written_wall_at: new Date(nowWallMs),
  });
  await work.db
    .insertInto('order_revision')
    .values([...(before.revision === 0 ? [row(before, before.window_start_at)] : []), row(after, new Date(fromMs))])
    .execute();
}
