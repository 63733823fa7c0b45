import type { Context } from '@flexder/runtime/context.ts';

/** What an order waits for. Quotes run out in wall time, the rest in grid time. */
export type Waiting = 'quote' | 'answers' | 'completion';

/** The timers of orders: at most one of a kind each, gone when the service closes and armed again from the tables. */
export class OrderTimers {
  readonly #context: Context;
  readonly #cancels = new Map<string, () => void>();
  #closed = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** `atMs` is wall time for a quote and grid time for the others. */
  arm(waiting: Waiting, orderNo: number, atMs: number, run: () => Promise<void>): void {
    if (this.#closed) return;
    const key = `${waiting}/${orderNo}`;
    this.disarm(waiting, orderNo);
    const fire = () => {
      this.#cancels.delete(key);
      return this.#context.activity.track(`order ${waiting}`, run).catch((error: unknown) => {
        this.#context.metrics.count('order_timer_failed', { waiting });
        this.#context.log.error({ orderNo, waiting, error: String(error) }, 'the work of an order timer failed');
      });
    };
    const { wall, grid } = this.#context;
    const cancel =
      waiting === 'quote'
        ? wall.after(Math.max(0, atMs - wall.nowMs()), () => void fire())
        : grid.at(atMs, `order ${waiting} ${String(orderNo).padStart(8, '0')}`, fire);
    this.#cancels.set(key, cancel);
  }

  disarm(waiting: Waiting, orderNo: number): void {
    const key = `${waiting}/${orderNo}`;
    this.#cancels.get(key)?.();
    this.#cancels.delete(key);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
