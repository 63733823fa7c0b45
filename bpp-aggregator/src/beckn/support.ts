import { decodeSupport, encodeOnSupport } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { lockByOrderId } from '../orders/store.ts';
import { answer, read, refuse, UNKNOWN_ORDER } from './answer.ts';

/** Whom to call about an order; who configured nobody says so. */
export function support({ config }: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const asked = await read(work, request, decodeSupport);
    if (!asked) return;
    const { bap_id, transaction_id } = request.body.context;
    const row = await lockByOrderId(work.db, bap_id, transaction_id, asked.orderId);
    if (!row) return void (await refuse(work, request, UNKNOWN_ORDER));
    const { support: contact } = config;
    if (!contact)
      return void (await refuse(work, request, {
        code: '50004',
        message: 'this aggregator has named no support line',
      }));
    await answer(work, request, encodeOnSupport(asked.orderId, contact));
  };
}
