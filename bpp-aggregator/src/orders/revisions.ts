/** What was agreed of an order when. An order that was never changed has no rows: it is as it was confirmed. */
import type { PricedRevision } from '@flexder/protocol/settlement/agreed.ts';
import { meanPrice } from '@flexder/protocol/settlement/payable.ts';
import type { Kysely } from 'kysely';
import type { Work } from '../context.ts';
import type { AggregatorTables } from '../tables.ts';
import { type OrderRow, windowOf } from './store.ts';

type Agreed = Pick<OrderRow, 'order_no' | 'revision' | 'committed_kw' | 'window_start_at' | 'window_end_at' | 'quote'>;

export async function revisionsOf(db: Kysely<AggregatorTables>, order: OrderRow): Promise<PricedRevision[]> {
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
    priceGbpPerKwh: row.price_gbp_per_kwh,
  }));
}

function asConfirmed(order: OrderRow): PricedRevision {
  const window = windowOf(order);
  const priceGbpPerKwh = meanPrice(order.quote.items);
  return { revision: 0, fromMs: window.startMs, committedKw: order.committed_kw, window, priceGbpPerKwh };
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
    price_gbp_per_kwh: meanPrice(order.quote.items),
    written_wall_at: new Date(nowWallMs),
  });
  await work.db
    .insertInto('order_revision')
    .values([...(before.revision === 0 ? [row(before, before.window_start_at)] : []), row(after, new Date(fromMs))])
    .execute();
}
