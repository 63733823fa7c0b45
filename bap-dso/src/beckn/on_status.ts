import type { OrderId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { CodecError, decodeOnStatus, encodeRating, type StatusAnswer } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DispatchReport } from '@flexder/protocol/flexibility/model.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import { noteDevices } from '../ders/known.ts';
import { answersRecord, latencies, mergeDispatch } from '../dispatch/report.ts';
import { agree, changeShownBy } from '../flex-orchestration/changes/agree.ts';
import type { Desk, OrderRow, Work } from '../flex-orchestration/desk.ts';
import { findOrder, moveOrder, type PlacedOrder, walk } from '../flex-orchestration/orders/orders.ts';
import { RATING_TTL_MS, SETTLE_ATTEMPTS, SETTLE_BACKOFF_MS } from '../limits.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orderCallback } from './callback.ts';
import { quarantine, refuse } from './quarantine.ts';

/** How the order goes: its fan-out, its delivery, at the end its performance and what it is settled from. */
export function onStatus(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => accept(desk, callback));
}

async function accept(desk: Desk, callback: Callback): Promise<void> {
  const { work, message, body, order: known } = callback;
  let order: PlacedOrder = known;
  const { error } = message.body;
  if (error) return refuse(desk, work, message, `${error.code} ${error.message}`, order.event_id);
  let report: StatusAnswer;
  try {
    report = decodeOnStatus(body);
  } catch (wrong) {
    if (!(wrong instanceof CodecError)) throw wrong;
    return refuse(desk, work, message, wrong.message, order.event_id);
  }
  if (report.references && report.references.obpId !== order.obp_id)
    return quarantine(desk, work, message, 'other-references');
  if (order.order_id !== report.orderId) return quarantine(desk, work, message, 'other-order');
  order = await withChange(desk, work, order, report);
  const moved = walk(order.state, eventsOf(report));
  if (!moved.ok) return refuse(desk, work, message, moved.message, order.event_id);
  const dispatch = mergeDispatch(order.dispatch, report.dispatch);
  const figures = latencies(order, dispatch, message.receivedAtMs);
  const completed = moved.state === 'COMPLETED' && order.state !== 'COMPLETED';
  await moveOrder(desk, work, order, {
    state: moved.state,
    reason: order.state_reason,
    changes: {
      ...figures,
      ...(dispatch ? { dispatch: JSON.stringify(dispatch) } : {}),
      ...(report.performance ? { performance: JSON.stringify(report.performance) } : {}),
      ...(report.meterReference ? { meter_reference: JSON.stringify(report.meterReference) } : {}),
      answer_due_wall_at: null,
    },
    audit: { ...latencyOf(figures), ...inputsOf(report, dispatch) },
  });
  observe(desk, order, figures);
  await noteDevices(desk, work, order, report);
  if (completed && report.performance) await rate(work, order, report.performance.ratio);
  if (completed && (report.meterReference || order.meter_reference)) await settleLater(work, order);
}

/** A change that was agreed and whose answer never came shows in what is reported of the order. */
async function withChange(desk: Desk, work: Work, order: PlacedOrder, report: StatusAnswer): Promise<PlacedOrder> {
  const { changed, window } = report;
  if (!changed || !window || changed.revision <= order.revision) return order;
  const change = await changeShownBy(work, order, { ...report, changed, window });
  const running = order.state === 'SCHEDULED' || order.state === 'IN_PROGRESS';
  if (!change || !running) return order;
  await agree(desk, work, order, change, { ...report, changed, window });
  return (await findOrder(work.db, order.transaction_id, order.bpp_id)) ?? order;
}

/** The aggregator hears what its order was worth: 5 for all that was promised. */
async function rate(work: Work, order: OrderRow, ratio: number): Promise<void> {
  const value = Math.round(50 * Math.min(1, Math.max(0, ratio))) / 10;
  await work.db.updateTable('flex_order').set({ rating: value }).where('obp_id', '=', order.obp_id).execute();
  await work.send({
    action: 'rating',
    to: order.bpp_id as SubscriberId,
    toType: 'BPP',
    transactionId: order.transaction_id as TransactionId,
    ttlMs: RATING_TTL_MS,
    message: encodeRating({ orderId: order.order_id as OrderId, value }),
    audit: { obp_id: order.obp_id, event_id: order.event_id, feeder_id: order.feeder_id },
  });
}

function eventsOf(report: StatusAnswer) {
  switch (report.fulfilment) {
    case 'IN_PROGRESS':
      return ['on_status:IN_PROGRESS'] as const;
    case 'COMPLETED':
      return ['on_status:COMPLETED'] as const;
    case 'CANCELLED':
      return ['on_cancel'] as const;
    case 'SCHEDULED':
      return ['on_confirm'] as const;
  }
}

async function settleLater(work: Work, order: OrderRow): Promise<void> {
  await work.enqueue({
    name: 'settle',
    id: `settle-${order.obp_id}`,
    data: { obpId: order.obp_id },
    attempts: SETTLE_ATTEMPTS,
    backoffMs: SETTLE_BACKOFF_MS,
  });
}

type Figures = ReturnType<typeof latencies>;

function latencyOf(figures: Figures) {
  return figures.detection_to_dispatch_ms === null ? {} : { latency_ms: figures.detection_to_dispatch_ms };
}

/** What devices answered so far, and at the end what was delivered. */
function inputsOf({ performance }: StatusAnswer, dispatch: DispatchReport | undefined) {
  if (!performance && !dispatch) return {};
  return {
    rule_inputs: {
      ...(dispatch && answersRecord(dispatch)),
      ...(performance && { delivered_kwh: performance.deliveredKwh, ratio: performance.ratio }),
    },
  };
}

/** Each figure is observed once, when it becomes known. */
function observe(desk: Desk, order: OrderRow, figures: Figures): void {
  const { metrics } = desk.context;
  if (order.detection_to_dispatch_ms === null && figures.detection_to_dispatch_ms !== null) {
    metrics.observe('bap_detection_to_dispatch_seconds', figures.detection_to_dispatch_ms / 1_000);
  }
  if (order.detection_to_ack_ms === null && figures.detection_to_ack_ms !== null) {
    metrics.observe('bap_detection_to_ack_seconds', figures.detection_to_ack_ms / 1_000);
  }
}
