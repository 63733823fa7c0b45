import { setImmediate } from 'node:timers/promises';
import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import { meanPrice } from '@flexder/protocol/settlement/payable.ts';
import { LINEAR_CURVE, STRICT_CURVE } from '@flexder/protocol/settlement/performance.ts';
import { csvOf } from '@flexder/runtime/csv.ts';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { revisionsOf } from '../orders/revisions.ts';
import { type OrderRow, windowOf } from '../orders/store.ts';
import { EnrolmentError } from './changes.ts';
import { groupedBy, type Holder, linesOf, type StatementLine, type Sums, sumsOf } from './statement-lines.ts';

export interface Statement {
  readonly kind: 'consumer-statement';
  readonly aggregator_id: string;
  readonly month: string;
  readonly consumers: readonly ({
    readonly consumer_id: string;
    readonly programmes: readonly ({ readonly programme_id: string } & Sums)[];
  } & Sums)[];
  readonly totals: Sums;
}

/** A device that was in no programme when its order was confirmed: nobody earns, and it shows. */
const NOBODY = { consumerId: 'NONE', programmeId: 'NONE', reward: { kind: 'share', share: '0' } } as const;

const CURVES = { linear: LINEAR_CURVE, strict: STRICT_CURVE };
const DAY_MS = 86_400_000;

/**
 * What each consumer earned of what the DSOs pay for the completed orders of a month, device by device; from the meter
 * documents as they were handed over, so that the same month says the same again.
 */
export async function statementLines(rooms: Rooms, month: string, consumerId?: string): Promise<StatementLine[]> {
  const lines: StatementLine[] = [];
  for (const order of await ordersOf(rooms, month)) {
    lines.push(...(await orderLines(rooms, order, month)));
    // A month is long work: messages go in between.
    await setImmediate();
  }
  const mine = consumerId === undefined ? lines : lines.filter((line) => line.consumer_id === consumerId);
  const keyOf = (line: StatementLine) => `${line.consumer_id}\0${line.start_at}\0${line.order_id}\0${line.der_id}`;
  return mine.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Of one completed order, what lies in that month; throws SettlementDataError when its meter document cannot be settled. */
export async function orderLines(rooms: Rooms, order: OrderRow, month: string): Promise<StatementLine[]> {
  const holders = await holdersOf(rooms, order);
  const document = JSON.parse(order.meter_document ?? '') as MeterDocument;
  const settled = {
    orderId: order.order_id ?? '',
    obpId: order.order_references?.obpId ?? '',
    window: windowOf(order),
    committedKw: order.committed_kw,
    priceGbpPerKwh: meanPrice(order.quote.items),
    ...(order.revision > 0 && { revisions: await revisionsOf(rooms.database, order) }),
    document,
  };
  const holderOf = (msid: string) => holders.get(msid) ?? { derId: 'NONE', ...NOBODY };
  return linesOf(settled, month, CURVES[rooms.config.settlementCurve], holderOf);
}

export function statementFrom(aggregatorId: string, month: string, lines: readonly StatementLine[]): Statement {
  const consumers = [...groupedBy(lines, (line) => line.consumer_id)].map(([consumer_id, own]) => ({
    consumer_id,
    programmes: [...groupedBy(own, (line) => line.programme_id)].map(([programme_id, some]) => ({
      programme_id,
      ...sumsOf(some),
    })),
    ...sumsOf(own),
  }));
  return { kind: 'consumer-statement', aggregator_id: aggregatorId, month, consumers, totals: sumsOf(lines) };
}

/** One line a device and order; text that a spreadsheet would run begins with an apostrophe. */
export function statementCsv(lines: readonly StatementLine[]): string {
  const text = ['consumer_id', 'programme_id', 'der_id', 'order_id', 'obp_id', 'start_at', 'stop_at'] as const;
  const numbers = ['payable_mwh', 'paid_gbp', 'earned_gbp', 'kept_gbp'] as const;
  const columns = [...text.map((name) => [name, 'text'] as const), ...numbers.map((name) => [name, 'number'] as const)];
  return csvOf(columns, lines as unknown as readonly Record<string, string>[]);
}

/** London's month may begin and end beside that of UTC: what touches it is looked at, the settlement dates decide. */
async function ordersOf({ database }: Rooms, month: string): Promise<OrderRow[]> {
  const first = Date.parse(`${month}-01T00:00:00Z`);
  const rows = await database
    .selectFrom('flex_order')
    .selectAll()
    .where('state', '=', 'COMPLETED')
    .where('meter_document', 'is not', null)
    .where('window_end_at', '>', new Date(first - DAY_MS))
    .where('window_start_at', '<', new Date(first + 32 * DAY_MS))
    .orderBy('order_no')
    .limit(LIMITS.maxStatementOrders + 1)
    .execute();
  if (rows.length <= LIMITS.maxStatementOrders) return rows;
  throw new EnrolmentError('INVALID', `more than ${LIMITS.maxStatementOrders} orders are in ${month}`);
}

/** By import MSID, whose each commanded device was, and in which programme, when the order was confirmed. */
async function holdersOf({ database, programmes }: Rooms, order: OrderRow): Promise<Map<string, Holder>> {
  const { rows } = await sql<{
    import_msid: string;
    der_id: string;
    value: { programmeId: string | null; consumerId: string | null } | null;
  }>`
    select d.import_msid, d.der_id, (
      select e.value from enrolment_change e
      where e.der_no = d.der_no and e.subject = 'subscription' and e.changed_at <= ${order.confirmed_at}
      order by e.change_no desc limit 1) as value
    from command c join der d on d.der_no = c.der_no
    where c.order_no = ${order.order_no} and c.command_type <> 'RELEASE'`.execute(database);
  return new Map(
    rows.map(({ import_msid, der_id, value }) => {
      const programme = programmes.get(value?.programmeId ?? '');
      if (!programme || !value?.consumerId) return [import_msid, { derId: der_id, ...NOBODY }];
      const { programmeId, reward } = programme;
      return [import_msid, { derId: der_id, consumerId: value.consumerId, programmeId, reward }];
    }),
  );
}
