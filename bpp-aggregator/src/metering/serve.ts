import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { DocumentHandler } from '@flexder/runtime/participant/types.ts';
import type { Rooms } from '../context.ts';

/** The meter document of an order, to the BAP of that order and to nobody else; the bytes are those that were hashed. */
export function serveMeterDocument(rooms: Rooms): DocumentHandler {
  return async ({ signerId, params }) => {
    if (!isIdentifier(params.orderId)) return undefined;
    const row = await rooms.database
      .selectFrom('flex_order')
      .select('meter_document')
      .where('order_id', '=', params.orderId)
      .where('bap_id', '=', signerId)
      .executeTakeFirst();
    if (!row?.meter_document) return undefined;
    return { bytes: Buffer.from(row.meter_document, 'utf8'), contentType: 'application/json' };
  };
}
