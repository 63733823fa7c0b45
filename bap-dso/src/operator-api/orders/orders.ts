import type { Contact } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { Kysely, Selectable } from 'kysely';
import type { FlexOrderTable } from '../../flex-orchestration/tables.ts';
import type { BapTables } from '../../tables.ts';
import { changesOfOrder, type OrderChangeView } from './order-changes.ts';

/** An order as the operator sees it: promised by the BPP, acknowledged by devices, measured at meters. kW. */
export interface OrderView {
  readonly obpId: string;
  readonly eventId: string;
  readonly feederId: string;
  readonly bppId: string;
  readonly transactionId: string;
  readonly orderId: string | null;
  readonly state: string;
  /** The Beckn message it stands at. */
  readonly step: string;
  readonly reason: string | null;
  readonly topUp: boolean;
  readonly window: { readonly startMs: number; readonly endMs: number };
  readonly requestedKw: number;
  readonly promisedKw: number;
  /** Changes agreed since it was confirmed. */
  readonly revision: number;
  /** Asked for since it was confirmed, newest first, with what its aggregator said. */
  readonly changes: readonly OrderChangeView[];
  readonly acknowledgedKw: number | null;
  readonly measuredKw: number | null;
  readonly devices: DeviceAnswers | null;
  /** Devices that its aggregator was told to do without. */
  readonly excludedDevices: number;
  /** What its aggregator was told of it, 0 to 5. */
  readonly rating: number | null;
  /** Whether it can be followed at `/api/v1/orders/OBP/live`. */
  readonly followed: boolean;
  /** Whom to call about it, once asked. */
  readonly contact: Contact | null;
  readonly detectionToDispatchMs: number | null;
  readonly detectionToAckMs: number | null;
  /** Wall clock: when an answer is due that has not come. */
  readonly answerDueMs: number | null;
  /** Wall clock: the sample that led here was received. */
  readonly triggerMs: number;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface DeviceAnswers {
  readonly commands: number;
  readonly accepted: number;
  /** Expired counts as rejected: the device did not act. */
  readonly rejected: number;
  readonly optedOut: number;
  readonly silent: number;
  readonly closed: boolean;
}

const STEPS: Record<string, string> = {
  SELECTING: 'select',
  QUOTED: 'on_select',
  INITIALISING: 'init',
  INITIALISED: 'on_init',
  CONFIRMING: 'confirm',
  SCHEDULED: 'on_confirm',
  IN_PROGRESS: 'on_status',
  COMPLETED: 'on_status',
  CANCELLING: 'cancel',
  CANCELLED: 'on_cancel',
};

/** States in which the BPP stands by its kW. */
export const COMMITTED_STATES: ReadonlySet<string> = new Set(['SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLING']);

export interface OrderFilter {
  readonly eventId?: string | undefined;
  readonly feederId?: string | undefined;
  readonly obpId?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first. */
export async function orderViews(db: Kysely<BapTables>, filter: OrderFilter): Promise<OrderView[]> {
  let query = db.selectFrom('flex_order').selectAll().select(changesOfOrder.as('order_changes'));
  if (filter.eventId) query = query.where('event_id', '=', filter.eventId);
  if (filter.feederId) query = query.where('feeder_id', '=', filter.feederId);
  if (filter.obpId) query = query.where('obp_id', '=', filter.obpId);
  const rows = await query
    .orderBy('created_wall_at', 'desc')
    .orderBy('obp_id')
    .limit(filter.limit)
    .offset(filter.offset)
    .execute();
  return rows.map(orderView);
}

function orderView(row: Selectable<FlexOrderTable> & { order_changes: readonly OrderChangeView[] }): OrderView {
  return {
    obpId: row.obp_id,
    eventId: row.event_id,
    feederId: row.feeder_id,
    bppId: row.bpp_id,
    transactionId: row.transaction_id,
    orderId: row.order_id,
    state: row.state,
    step: STEPS[row.state] ?? row.state.toLowerCase(),
    reason: row.state_reason,
    topUp: row.is_top_up,
    window: row.selection.window,
    requestedKw: Number(row.requested_kw),
    promisedKw: Number(row.committed_kw),
    revision: row.revision,
    changes: row.order_changes,
    acknowledgedKw: row.dispatch?.acknowledgedKw ?? null,
    measuredKw: measuredKw(row),
    devices: row.dispatch ? deviceAnswers(row.dispatch) : null,
    excludedDevices: row.excluded_der_ids?.length ?? 0,
    rating: numberOrNull(row.rating),
    followed: row.live_url !== null,
    contact: row.contact,
    detectionToDispatchMs: numberOrNull(row.detection_to_dispatch_ms),
    detectionToAckMs: numberOrNull(row.detection_to_ack_ms),
    answerDueMs: row.answer_due_wall_at?.getTime() ?? null,
    triggerMs: row.trigger_wall_at.getTime(),
    createdMs: row.created_wall_at.getTime(),
    updatedMs: row.updated_wall_at.getTime(),
  };
}

export function deviceAnswers(dispatch: NonNullable<Selectable<FlexOrderTable>['dispatch']>): DeviceAnswers {
  return {
    commands: dispatch.commands,
    accepted: dispatch.accepted,
    rejected: dispatch.rejected + dispatch.expired,
    optedOut: dispatch.optedOut,
    silent: dispatch.silent,
    closed: dispatch.closed,
  };
}

/** Mean reduction over the window, as the aggregator's meters reported it at completion. */
function measuredKw({ performance, selection }: Selectable<FlexOrderTable>): number | null {
  const hours = (selection.window.endMs - selection.window.startMs) / 3_600_000;
  return performance && hours > 0 ? Math.round((performance.deliveredKwh / hours) * 1000) / 1000 : null;
}

function numberOrNull(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}
