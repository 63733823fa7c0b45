import type { OrderId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeStatus } from '@flexder/protocol/flexibility/codec-v1.ts';
import { STATUS_TTL_MS } from '../../limits.ts';
import type { OrderRow, Work } from '../desk.ts';

/** Asks the aggregator of a confirmed order how it stands there. */
export async function askStatus(work: Work, order: OrderRow): Promise<void> {
  await work.send({
    action: 'status',
    to: order.bpp_id as SubscriberId,
    toType: 'BPP',
    transactionId: order.transaction_id as TransactionId,
    ttlMs: STATUS_TTL_MS,
    message: encodeStatus(order.order_id as OrderId),
    audit: { obp_id: order.obp_id, event_id: order.event_id },
  });
}
