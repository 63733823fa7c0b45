import type { Context } from '../../context.ts';
import { ACTIVITY_HOLD_MS } from '../limits.ts';
import type { OutboxMessage } from '../tables.ts';
import type { OutboxRow } from '../unit-of-work.ts';

/** One message on its way. */
export interface Delivery {
  readonly id: string;
  readonly seq: number;
  payload: OutboxMessage;
  readonly createdMs: number;
  readonly deliverBeforeMs: number;
  attempts: number;
  /** Whether an attempt failed for want of an answer. */
  unreachable: boolean;
  lastError: string;
  /** Ends its hold on a stepped scenario. */
  release(): void;
}

/** Messages of one transaction to one counterparty: delivered in order, so only the head is ever tried. */
export interface Lane {
  readonly key: string;
  readonly to: string;
  /** Sorted by `seq`. */
  readonly queue: Delivery[];
  state: 'idle' | 'waiting' | 'running';
  /** Monotonic; when waiting. */
  nextMs: number;
}

export function insertBySeq(queue: Delivery[], delivery: Delivery): void {
  let at = queue.length;
  while (at > 0 && (queue[at - 1] as Delivery).seq > delivery.seq) at--;
  queue.splice(at, 0, delivery);
}

/** A place for each POST under way to a counterparty; the rest wait in line. */
export interface Places {
  take(counterparty: string): Promise<() => void>;
}

export function createPlaces(each: number): Places {
  const counterparties = new Map<string, { taken: number; line: (() => void)[] }>();
  return {
    async take(counterparty) {
      const state = counterparties.get(counterparty) ?? { taken: 0, line: [] };
      counterparties.set(counterparty, state);
      if (state.taken < each) state.taken++;
      else await new Promise<void>((resolve) => state.line.push(resolve));
      return () => {
        const next = state.line.shift();
        if (next) return next();
        state.taken--;
        if (state.taken === 0) counterparties.delete(counterparty);
      };
    },
  };
}

export function newDelivery(context: Context, row: OutboxRow): Delivery {
  const payload = row.payload as OutboxMessage;
  return {
    id: row.id,
    seq: row.seq,
    payload,
    createdMs: row.createdMs,
    deliverBeforeMs: row.deliverBeforeMs ?? Number.POSITIVE_INFINITY,
    attempts: row.attempts,
    unreachable: row.attempts > 0,
    lastError: '',
    release: hold(context, payload),
  };
}

/** Activity until delivered, but bounded: a hanging counterparty must not hold a stepped scenario. */
function hold({ activity, wall }: Context, payload: OutboxMessage): () => void {
  const end = activity.begin(`deliver ${payload.action}`);
  const cancel = wall.after(ACTIVITY_HOLD_MS, end);
  return () => {
    cancel();
    end();
  };
}
