/** What was sold, how devices answered, and what was measured of it. */
import type { OrderState } from '@flexder/protocol/flexibility/order-machine.ts';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { measureDelivery } from '../metering/delivery.ts';
import { roundKw } from '../orders/quantity.ts';
import { type OrderRow, windowOf } from '../orders/store.ts';
import type { Earnings } from './earnings.ts';
import { grouped } from './grouped.ts';

export interface SoldOrderView {
  /** Null while it is a quote. */
  readonly orderId: string | null;
  readonly bapId: string;
  readonly eventId: string | null;
  readonly state: OrderState;
  readonly feederId: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly promisedKw: number;
  /** Changes agreed since it was confirmed. */
  readonly revision: number;
  readonly acknowledgedKw: number | null;
  /** Against the five minutes before: now of a running order, on average of one that is over. */
  readonly measuredKw: number | null;
  readonly short: boolean;
  readonly devices: Answers;
  /** What the DSO pays, decimal text: by what was agreed at each time; null until it is completed and reckoned. */
  readonly paidGbp: string | null;
  readonly rating: number | null;
}

interface Answers {
  readonly commands: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly optedOut: number;
  readonly expired: number;
  readonly silent: number;
  /** No further answer is counted. */
  readonly closed: boolean;
}

export interface CommandView {
  readonly derId: string;
  readonly type: string;
  readonly targetKw: number;
  readonly shedKw: number;
  readonly state: string;
  readonly answer: string | null;
  readonly answeredAt: string | null;
  readonly lifeCycle: string | null;
}

/** Newest first. */
export async function soldOrders(rooms: Rooms, { paidGbp }: Pick<Earnings, 'paidGbp'>): Promise<SoldOrderView[]> {
  const { database } = rooms;
  const rows = await database
    .selectFrom('flex_order')
    .selectAll()
    .orderBy('order_no', 'desc')
    .limit(LIMITS.ordersOnPage)
    .execute();
  const counts = await answersOf(
    rooms,
    rows.map(({ order_no }) => order_no),
  );
  const measured = await measuredNow(rooms, rows);
  return rows.map((row) => ({
    ...viewOf(row, counts.get(row.order_no), measured.get(row.order_no)),
    paidGbp: paidGbp(row.order_no) ?? null,
  }));
}

function viewOf(
  row: OrderRow,
  counts: Counts | undefined,
  measuredKw: number | undefined,
): Omit<SoldOrderView, 'paidGbp'> {
  const { startMs, endMs } = windowOf(row);
  const average = row.performance ? row.performance.deliveredKwh / ((endMs - startMs) / 3_600_000) : null;
  const { acknowledgedKw, ...answers } = counts ?? { ...NONE, acknowledgedKw: 0 };
  return {
    orderId: row.order_id,
    bapId: row.bap_id,
    eventId: row.order_references?.eventId ?? null,
    ...{ state: row.state, feederId: row.feeder_id, windowStartMs: startMs, windowEndMs: endMs },
    ...{ promisedKw: row.committed_kw, revision: row.revision },
    acknowledgedKw: answers.commands > 0 ? roundKw(acknowledgedKw) : null,
    measuredKw: average === null ? (measuredKw ?? null) : roundKw(average),
    short: row.is_short,
    devices: { ...answers, closed: row.answers_closed },
    rating: row.rating,
  };
}

const NONE = { commands: 0, accepted: 0, rejected: 0, optedOut: 0, expired: 0, silent: 0 };
type Counts = typeof NONE & { readonly acknowledgedKw: number };

async function answersOf({ database }: Rooms, orderNos: readonly number[]): Promise<Map<number, Counts>> {
  const { rows } = await sql<Counts & { order_no: number }>`
    select order_no, count(*)::int as commands,
      (count(*) filter (where answer = 'ACCEPTED'))::int as accepted,
      (count(*) filter (where answer = 'REJECTED'))::int as rejected,
      (count(*) filter (where answer = 'OPTED_OUT'))::int as "optedOut",
      (count(*) filter (where answer = 'EXPIRED'))::int as expired,
      (count(*) filter (where answer is null))::int as silent,
      coalesce(sum(shed_kw) filter (where answer = 'ACCEPTED'), 0) as "acknowledgedKw"
    from command
    where order_no = any(${orderNos}::int[]) and command_type <> 'RELEASE' and ended_at is null
    group by order_no`.execute(database);
  return new Map(rows.map(({ order_no, ...counts }) => [order_no, counts]));
}

async function measuredNow(rooms: Rooms, orders: readonly OrderRow[]): Promise<Map<number, number>> {
  const running = orders.filter(({ state }) => state === 'IN_PROGRESS').slice(0, LIMITS.ordersMeasured);
  const orderNos = running.map(({ order_no }) => order_no);
  if (orderNos.length === 0) return new Map();
  const accepted = await rooms.database
    .selectFrom('command')
    .select(['order_no', 'der_no', 'baseline_kw'])
    .where('order_no', 'in', orderNos)
    .where('command_type', '<>', 'RELEASE')
    .where('answer', '=', 'ACCEPTED')
    .where('ended_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .execute();
  const byOrder = grouped(accepted, ({ order_no }) => order_no);
  return new Map(
    running.map((row) => {
      const devices = (byOrder.get(row.order_no) ?? []).map((one) => ({
        derNo: one.der_no,
        baselineKw: one.baseline_kw,
      }));
      const { order_no: orderNo, feeder_id: feederId, revision, is_short: isShort, committed_kw: committedKw } = row;
      const order = { orderNo, revision, feederId, window: windowOf(row), isShort, committedKw, devices };
      return [orderNo, measureDelivery(order, rooms.fleet).measuredKw];
    }),
  );
}

/** Every command of an order with what its device answered; undefined when there is no such order. */
export async function commandsOf({ database }: Rooms, orderId: string): Promise<CommandView[] | undefined> {
  const order = await database
    .selectFrom('flex_order')
    .select('order_no')
    .where('order_id', '=', orderId)
    .executeTakeFirst();
  if (!order) return undefined;
  const rows = await database
    .selectFrom('command')
    .selectAll()
    .where('order_no', '=', order.order_no)
    .orderBy('der_id')
    .orderBy('sequence')
    .limit(2 * LIMITS.maxDersPerOrder)
    .execute();
  return rows.map((row) => ({
    derId: row.der_id,
    type: row.command_type,
    targetKw: row.target_kw,
    shedKw: row.shed_kw,
    state: row.state,
    answer: row.answer,
    answeredAt: row.answered_at?.toISOString() ?? null,
    lifeCycle: row.life_cycle,
  }));
}
