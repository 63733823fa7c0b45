/** What happened, in numbers, all of them from the DSO's own tables: Beckn messages and its own telemetry. */
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { type Percentiles, percentiles } from '@flexder/runtime/percentiles.ts';
import type { Kysely } from 'kysely';
import { type AuditVerdict, verifyAudit } from '../audit-settlement/audit/verify.ts';
import { settledTotals } from '../audit-settlement/reports/report.ts';
import type { BapTables } from '../tables.ts';
import { type OverloadView, overloadViews } from './events/overloads.ts';
import { SUMMARY_ROWS } from './limits.ts';
import { COMMITTED_STATES, type OrderView, orderViews } from './orders/orders.ts';

export interface Summary {
  readonly overloads: readonly Pick<
    OverloadView,
    | 'eventId'
    | 'feederId'
    | 'detectedBy'
    | 'detectedAt'
    | 'limitKw'
    | 'peakDuringKw'
    | 'requestedKw'
    | 'committedKw'
    | 'measuredKw'
    | 'toppedUp'
    | 'state'
  >[];
  /** Orders a BPP committed to; what was declined, ran out or was cancelled is in `ordersNotKept`. */
  readonly orders: number;
  readonly ordersNotKept: number;
  readonly commands: number;
  /** Expired counts as rejected; each command is in exactly one of the four. */
  readonly acks: {
    readonly accepted: number;
    readonly rejected: number;
    readonly optedOut: number;
    readonly silent: number;
  };
  readonly requestedKw: number;
  readonly committedKw: number;
  readonly measuredKw: number;
  /** One figure a plan: its slowest order. */
  readonly detectionToDispatchMs: Percentiles;
  readonly detectionToAckMs: Percentiles;
  readonly audit: {
    readonly records: number;
    readonly headHash: string | null;
    readonly verified: boolean;
    readonly firstBroken: number | null;
  };
  readonly settlement: { readonly rows: number; readonly totalMwh: string; readonly paymentGbp: string };
}

export async function summarise(db: Kysely<BapTables & ParticipantTables>): Promise<Summary> {
  const bap = db as unknown as Kysely<BapTables>;
  const everything = { limit: SUMMARY_ROWS, offset: 0 };
  const overloads = await overloadViews(bap, everything);
  const all = await orderViews(bap, everything);
  const orders = all.filter((order) => COMMITTED_STATES.has(order.state));
  const settled = await settledTotals(bap);
  return {
    overloads: overloads.map(overloadSummary).sort(byDetection),
    orders: orders.length,
    ordersNotKept: all.length - orders.length,
    ...answers(all),
    requestedKw: kw(overloads.map((overload) => overload.requestedKw)),
    committedKw: kw(overloads.map((overload) => overload.committedKw)),
    measuredKw: kw(overloads.map((overload) => overload.measuredKw ?? 0)),
    detectionToDispatchMs: percentiles(perPlan(orders, (order) => order.detectionToDispatchMs)),
    detectionToAckMs: percentiles(perPlan(orders, (order) => order.detectionToAckMs)),
    audit: auditSummary(await verifyAudit(db as unknown as Kysely<ParticipantTables>)),
    settlement: {
      rows: settled.rows,
      totalMwh: settled.payable_mwh,
      paymentGbp: settled.utilisation_payment_gbp,
    },
  };
}

function byDetection(a: Summary['overloads'][number], b: Summary['overloads'][number]): number {
  return Date.parse(a.detectedAt) - Date.parse(b.detectedAt) || (a.eventId < b.eventId ? -1 : 1);
}

function overloadSummary(view: OverloadView): Summary['overloads'][number] {
  const { eventId, feederId, detectedBy, detectedAt, limitKw, peakDuringKw } = view;
  const { requestedKw, committedKw, measuredKw, toppedUp, state } = view;
  return {
    eventId,
    feederId,
    detectedBy,
    detectedAt,
    limitKw,
    peakDuringKw,
    requestedKw,
    committedKw,
    measuredKw,
    toppedUp,
    state,
  };
}

/** Commands of every order, kept or not: a device that was commanded was commanded. */
function answers(orders: readonly OrderView[]): Pick<Summary, 'commands' | 'acks'> {
  const total = (pick: (devices: NonNullable<OrderView['devices']>) => number) =>
    orders.reduce((sum, { devices }) => sum + (devices ? pick(devices) : 0), 0);
  return {
    commands: total((devices) => devices.commands),
    acks: {
      accepted: total((devices) => devices.accepted),
      rejected: total((devices) => devices.rejected),
      optedOut: total((devices) => devices.optedOut),
      silent: total((devices) => devices.silent),
    },
  };
}

/** A plan is done when the last of its orders is; its orders share event and triggering sample. */
function perPlan(orders: readonly OrderView[], figure: (order: OrderView) => number | null): number[] {
  const slowest = new Map<string, number>();
  for (const order of orders) {
    const ms = figure(order);
    if (ms === null) continue;
    const plan = `${order.eventId}/${order.triggerMs}`;
    slowest.set(plan, Math.max(slowest.get(plan) ?? 0, ms));
  }
  return [...slowest.values()];
}

/** Sum to the watt. */
function kw(values: readonly number[]): number {
  return Math.round(values.reduce((sum, value) => sum + value, 0) * 1000) / 1000;
}

function auditSummary(verdict: AuditVerdict): Summary['audit'] {
  return verdict.valid
    ? { records: verdict.records, headHash: verdict.headHash, verified: true, firstBroken: null }
    : { records: verdict.seq - 1, headHash: null, verified: false, firstBroken: verdict.seq };
}
