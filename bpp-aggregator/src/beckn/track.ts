import { isIdentifier, type OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeTrack, encodeOnTrack } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DocumentHandler, InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { lockByOrderId, type OrderRow, statusReport } from '../orders/store.ts';
import { answer, read, refuse, UNKNOWN_ORDER } from './answer.ts';

const FOLLOWED: readonly OrderRow['state'][] = ['SCHEDULED', 'IN_PROGRESS'];

/** Where an order is followed: a document that only its BAP may read, new at every reading. */
export function track(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const asked = await read(work, request, decodeTrack);
    if (!asked) return;
    const { bap_id, transaction_id } = request.body.context;
    const row = await lockByOrderId(work.db, bap_id, transaction_id, asked.orderId);
    if (!row) return void (await refuse(work, request, UNKNOWN_ORDER));
    const active = FOLLOWED.includes(row.state);
    const url = `${rooms.url}/live/${row.order_id}`;
    const tracking = { orderId: row.order_id as OrderId, status: active ? ('active' as const) : ('inactive' as const) };
    await answer(work, request, encodeOnTrack(active ? { ...tracking, url } : tracking));
  };
}

/** Power and answers of an order as they are now, to the BAP of that order and to nobody else. */
export function serveLive(rooms: Rooms): DocumentHandler {
  return async ({ signerId, params }) => {
    const { orderId } = params;
    if (!isIdentifier(orderId)) return undefined;
    return rooms.transact(async (work) => {
      const row = await work.db
        .selectFrom('flex_order')
        .selectAll()
        .where('order_id', '=', orderId)
        .where('bap_id', '=', signerId)
        .executeTakeFirst();
      const report = row && (await statusReport(work.db, row));
      if (!row || !report) return undefined;
      const delivery = row.state === 'IN_PROGRESS' ? await rooms.delivery.measure(work.db, row) : undefined;
      const document = {
        version: 1,
        order_id: orderId,
        at: new Date(rooms.context.grid.nowMs()).toISOString(),
        state: row.state,
        committed_kw: row.committed_kw,
        acknowledged_kw: report.dispatch?.acknowledgedKw ?? null,
        measured_kw: delivery?.measuredKw ?? null,
        shortfall_kw: delivery?.shortfallKw ?? null,
      };
      return { bytes: Buffer.from(JSON.stringify(document)), contentType: 'application/json' };
    });
  };
}
