/** What every callback of an order has in common: its order is found by exchange and signer, an error ends it. */
import { CodecError, type ValidBody } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { ActionHandler, InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Desk, Work } from '../flex-orchestration/desk.ts';
import { decline, withdraw } from '../flex-orchestration/orders/closing.ts';
import { findOrder, type PlacedOrder } from '../flex-orchestration/orders/orders.ts';
import type { BapTables } from '../tables.ts';
import { quarantine } from './quarantine.ts';

export interface Callback {
  readonly work: Work;
  readonly message: InboundMessage;
  readonly body: ValidBody;
  readonly order: PlacedOrder;
}

/** Signer and transaction together name the order: another BPP's callback finds none, whatever ids it carries. */
export function orderCallback(desk: Desk, run: (callback: Callback) => Promise<void>): ActionHandler<BapTables> {
  return async (work, message) => {
    const order = await findOrder(work.db, message.body.context.transaction_id, message.signerId);
    if (!order) return quarantine(desk, work, message, 'unknown-transaction');
    desk.counterparties.answered(message.signerId, 'order');
    await run({ work, message, body: message.body as ValidBody, order });
  };
}

/** An error answer, or one that says what cannot be, declines the order. Only for answers that buying waits for. */
export async function orDecline(desk: Desk, callback: Callback, run: () => Promise<void>): Promise<void> {
  const { work, order, message } = callback;
  const { error } = message.body;
  if (error) return decline(desk, work, order, `${message.action}: ${error.code} ${error.message}`, error.code);
  try {
    await run();
  } catch (wrong) {
    if (!(wrong instanceof CodecError)) throw wrong;
    const reason = `${message.action} says what cannot be: ${wrong.message}`;
    // Who answers a confirm may be bound by it, whatever the answer is worth.
    if (order.state === 'CONFIRMING') await withdraw(desk, work, order, reason);
    else await decline(desk, work, order, reason, 'SCH_INVALID_FORMAT');
  }
}
