import type { Rooms } from '../context.ts';
import { closeDueAnswers } from '../dispatch/report.ts';
import { completeOrder, completionDueMs } from '../metering/completion.ts';
import type { OrderRow } from './store.ts';

/** Counts who has not answered by `dueMs` (grid time) as silent. */
export function armAnswers(rooms: Rooms, orderNo: number, dueMs: number): void {
  rooms.timers.arm('answers', orderNo, dueMs, () => rooms.transact((work) => closeDueAnswers(work, rooms, orderNo)));
}

/** Completes the order when its window and its last settlement period are over (grid time). */
export function armCompletion(rooms: Rooms, row: Pick<OrderRow, 'order_no' | 'window_end_at'>): void {
  const dueMs = completionDueMs(row, rooms.config.meterGraceSeconds);
  rooms.timers.arm('completion', row.order_no, dueMs, () => completeOrder(rooms, row.order_no));
}
