import type { TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Rooms, Work } from '../context.ts';
import { expireQuotes } from './holds.ts';

/** Frees what quotes held whose time (wall) is over, and records it. */
export async function expireDueQuotes(work: Work, rooms: Rooms): Promise<void> {
  for (const ended of await expireQuotes(work.db, rooms.context.wall.nowMs())) {
    await work.audit({
      event_type: 'order.changed',
      transaction_id: ended.transaction_id as TransactionId,
      ...(ended.order_id !== null && { order_id: ended.order_id }),
      decision: 'the quote ran out; its devices are free again',
    });
    work.afterCommit(() => rooms.timers.disarm('quote', ended.order_no));
  }
}

/** A quote holds devices only so long, also when nobody asks again. */
export function armQuoteExpiry(rooms: Rooms, orderNo: number, untilWallMs: number): void {
  // One millisecond later, so that the rounding of a timer does not wake us just before.
  rooms.timers.arm('quote', orderNo, untilWallMs + 1, () => rooms.transact((work) => expireDueQuotes(work, rooms)));
}
