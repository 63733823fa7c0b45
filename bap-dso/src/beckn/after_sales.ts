/** Answers to track, rating and support: none of them moves an order. */
import { CodecError, decodeOnSupport, decodeOnTrack } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import type { Updateable } from 'kysely';
import type { Desk } from '../flex-orchestration/desk.ts';
import type { FlexOrderTable } from '../flex-orchestration/tables.ts';
import type { BapTables } from '../tables.ts';
import { type Callback, orderCallback } from './callback.ts';
import { quarantine, refuse } from './quarantine.ts';

/** Where the order is followed. Whether the address is the aggregator's is checked before it is asked. */
export function onTrack(desk: Desk): ActionHandler<BapTables> {
  return noting(desk, async ({ body }) => {
    const { orderId, status, url } = decodeOnTrack(body);
    return { orderId, changes: { live_url: status === 'active' ? (url ?? null) : null } };
  });
}

export function onSupport(desk: Desk): ActionHandler<BapTables> {
  return noting(desk, async ({ body }) => {
    const { orderId, contact } = decodeOnSupport(body);
    return { orderId, changes: { contact: JSON.stringify(contact) } };
  });
}

/** It was heard. */
export function onRating(desk: Desk): ActionHandler<BapTables> {
  return noting(desk, async () => ({ changes: { rated_wall_at: new Date(desk.context.wall.nowMs()) } }));
}

interface Note {
  /** As the answer names it. */
  readonly orderId?: string;
  readonly changes: Updateable<FlexOrderTable>;
}

function noting(desk: Desk, read: (callback: Callback) => Promise<Note>): ActionHandler<BapTables> {
  return orderCallback(desk, async (callback) => {
    const { work, message, order } = callback;
    const { error } = message.body;
    if (error) return refuse(desk, work, message, `${error.code} ${error.message}`, order.event_id);
    try {
      const { orderId, changes } = await read(callback);
      if (orderId !== undefined && orderId !== order.order_id) return quarantine(desk, work, message, 'other-order');
      await work.db.updateTable('flex_order').set(changes).where('obp_id', '=', order.obp_id).execute();
    } catch (wrong) {
      if (!(wrong instanceof CodecError)) throw wrong;
      await refuse(desk, work, message, wrong.message, order.event_id);
    }
  });
}
