import { CodecError, decodeOnCancel } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import { raiseAlarm } from '../flex-orchestration/alarms/alarms.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { moveOrder, walk } from '../flex-orchestration/orders/orders.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orderCallback } from './callback.ts';
import { quarantine, refuse } from './quarantine.ts';

/** The order is cancelled: at our request, or by its BPP of its own accord. */
export function onCancel(desk: Desk): ActionHandler<BapTables> {
  return orderCallback(desk, (callback) => accept(desk, callback));
}

async function accept(desk: Desk, { work, message, body, order }: Callback): Promise<void> {
  const { error } = message.body;
  const names = { eventId: order.event_id, feederId: order.feeder_id, obpId: order.obp_id };
  if (error) {
    const text = `${order.bpp_id} did not cancel: ${error.code} ${error.message}`;
    return raiseAlarm(desk, work, { kind: 'cancel-refused', ...names, text });
  }
  let cancelled: ReturnType<typeof decodeOnCancel>;
  try {
    cancelled = decodeOnCancel(body);
  } catch (wrong) {
    if (!(wrong instanceof CodecError)) throw wrong;
    return refuse(desk, work, message, wrong.message, order.event_id);
  }
  if (order.order_id !== cancelled.orderId) return quarantine(desk, work, message, 'other-order');
  const moved = walk(order.state, ['on_cancel']);
  if (!moved.ok) return refuse(desk, work, message, moved.message, order.event_id);
  if (moved.state === order.state) return;
  const { by, note } = cancelled.cancellation;
  await moveOrder(desk, work, order, { state: moved.state, reason: `cancelled by ${by}: ${note}` });
  if (by === 'PROVIDER') {
    await raiseAlarm(desk, work, {
      kind: 'order-lost',
      ...names,
      text: `${order.bpp_id} cancelled its order: ${note}`,
    });
  }
}
