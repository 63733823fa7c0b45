import type { EventId, ObpId, OrderId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { NAMED_DEVICES, type StatusReport } from '@flexder/protocol/flexibility/codec-v1.ts';
import {
  CONSENT_WITHDRAWN,
  type DeviceAnswers,
  type DeviceType,
  type DispatchReport,
  type FulfilmentState,
  type TimeWindow,
} from '@flexder/protocol/flexibility/model.ts';
import { nextOrderState, type OrderEvent, type OrderState } from '@flexder/protocol/flexibility/order-machine.ts';
import { type Selectable, sql, type Transaction } from 'kysely';
import type { Work } from '../context.ts';
import type { AggregatorTables, Answer, FlexOrderTable } from '../tables.ts';
import { roundKw } from './quantity.ts';

export type OrderRow = Selectable<FlexOrderTable>;
type Db = Transaction<AggregatorTables>;

/** The order of a transaction, locked; undefined when this BAP has none. Nobody else's is ever looked at. */
export function lockByTransaction(db: Db, bapId: SubscriberId, transactionId: TransactionId) {
  return db
    .selectFrom('flex_order')
    .selectAll()
    .where('bap_id', '=', bapId)
    .where('transaction_id', '=', transactionId)
    .forUpdate()
    .executeTakeFirst();
}

/** The order of that id, locked, if it is this BAP's: another BAP's is as unknown as one that never was. */
export function lockByOrderId(db: Db, bapId: SubscriberId, transactionId: TransactionId, orderId: OrderId) {
  return db
    .selectFrom('flex_order')
    .selectAll()
    .where('order_id', '=', orderId)
    .where('bap_id', '=', bapId)
    .where('transaction_id', '=', transactionId)
    .forUpdate()
    .executeTakeFirst();
}

export function lockByNo(db: Db, orderNo: number): Promise<OrderRow> {
  return db.selectFrom('flex_order').selectAll().where('order_no', '=', orderNo).forUpdate().executeTakeFirstOrThrow();
}

export function windowOf(row: OrderRow): TimeWindow {
  return { startMs: row.window_start_at.getTime(), endMs: row.window_end_at.getTime() };
}

/** The state after several events in a row, or why one of them cannot apply. */
export function advance(from: OrderState | undefined, ...events: readonly OrderEvent[]) {
  let state = from;
  let applied = false;
  for (const event of events) {
    const move = nextOrderState(state, event);
    if (!move.ok) return move;
    state = move.state;
    applied ||= move.applied;
  }
  return { ok: true as const, state: state as OrderState, applied };
}

/** Counts of the order's activations, one answer a device; who withdrew consent since has opted out. */
export async function dispatchReport(db: Db, row: OrderRow): Promise<DispatchReport> {
  const { rows } = await sql<
    Record<'commands' | 'accepted' | 'rejected' | 'opted_out' | 'expired' | 'unanswered', number> & { kw: number }
  >`
    select count(*)::int as commands,
      (count(*) filter (where answer = 'ACCEPTED' and withdrawn_at is null))::int as accepted,
      (count(*) filter (where answer = 'REJECTED' and withdrawn_at is null))::int as rejected,
      (count(*) filter (where answer = 'OPTED_OUT' or withdrawn_at is not null))::int as opted_out,
      (count(*) filter (where answer = 'EXPIRED' and withdrawn_at is null))::int as expired,
      (count(*) filter (where answer is null))::int as unanswered,
      coalesce(sum(shed_kw) filter (where answer = 'ACCEPTED' and withdrawn_at is null), 0) as kw
    from command
    where order_no = ${row.order_no} and command_type <> 'RELEASE' and ended_at is null`.execute(db);
  const counts = rows[0]!;
  return {
    commands: counts.commands,
    firstAtMs: row.first_sent_wall_at?.getTime() ?? null,
    lastAtMs: row.last_sent_wall_at?.getTime() ?? null,
    accepted: counts.accepted,
    rejected: counts.rejected,
    optedOut: counts.opted_out,
    expired: counts.expired,
    silent: counts.unanswered,
    acknowledgedKw: roundKw(counts.kw),
    closed: row.answers_closed,
    ...(row.revision > 0 && { revision: row.revision }),
  };
}

interface AnswerRow {
  readonly der_id: string;
  readonly device_type: DeviceType;
  readonly shed_kw: number;
  readonly answer: Answer | null;
  readonly withdrawn: boolean;
}

/** What each device answered, by id, as far as one report may name them; who withdrew consent since has opted out. */
async function deviceAnswers(db: Db, { order_no }: OrderRow): Promise<DeviceAnswers> {
  const { rows } = await sql<AnswerRow>`
    select c.der_id, d.device_type, c.shed_kw, c.answer, c.withdrawn_at is not null as withdrawn
    from command c join der d on d.der_no = c.der_no
    where c.order_no = ${order_no} and c.command_type <> 'RELEASE' and c.ended_at is null
    order by c.der_id limit ${NAMED_DEVICES}`.execute(db);
  return rows.map(({ der_id, device_type, shed_kw, answer, withdrawn }) => ({
    ...{ derId: der_id, deviceType: device_type, askedKw: roundKw(shed_kw) },
    ...(withdrawn ? { answer: 'OPTED_OUT', reason: CONSENT_WITHDRAWN } : { answer: answer ?? 'SILENT' }),
  }));
}

const FULFILMENT: Partial<Record<OrderState, FulfilmentState>> = {
  SCHEDULED: 'SCHEDULED',
  IN_PROGRESS: 'IN_PROGRESS',
  COMPLETED: 'COMPLETED',
  CANCELLED: 'CANCELLED',
};

/** What `on_status` says of an order; undefined before it is confirmed, when there is nothing to report. */
export async function statusReport(db: Db, row: OrderRow): Promise<StatusReport | undefined> {
  const fulfilment = FULFILMENT[row.state];
  if (fulfilment === undefined || row.order_id === null || row.order_references === null) return undefined;
  return {
    orderId: row.order_id as OrderId,
    selection: row.selection,
    references: row.order_references,
    fulfilment,
    ...(row.changed && { changed: row.changed }),
    dispatch: await dispatchReport(db, row),
    ...(row.answers_closed && row.state !== 'CANCELLED' && { devices: await deviceAnswers(db, row) }),
    ...(row.performance && { performance: row.performance }),
    ...(row.meter_sha256 !== null && {
      meterReference: { path: meterPath(row.order_id), sha256: row.meter_sha256, rows: row.meter_rows ?? 0 },
    }),
  };
}

export function meterPath(orderId: string): string {
  return `/meter/${orderId}`;
}

/** One audit record per change of state. */
export function auditOrder(work: Work, row: OrderRow, decision: string, eventType = 'order.changed') {
  return work.audit({
    event_type: eventType,
    transaction_id: row.transaction_id,
    counterparty_id: row.bap_id,
    feeder_id: row.feeder_id,
    ...(row.order_id !== null && { order_id: row.order_id }),
    ...(row.order_references && {
      event_id: row.order_references.eventId as EventId,
      obp_id: row.order_references.obpId as ObpId,
      intervention_class: row.order_references.interventionClass,
    }),
    committed_kw: row.committed_kw,
    decision,
  });
}
