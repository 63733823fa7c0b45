import type { Context } from '../../context.ts';
import { ACTIVITY_HOLD_MS } from '../limits.ts';
import type { OutboxMessage, WireHeaders } from '../tables.ts';
import type { OutboxRow } from '../unit-of-work.ts';

/** One attempt as it was on the wire; wall time. */
export interface Sent {
  readonly headers: WireHeaders;
  readonly atMs: number;
}

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
  /** The last attempt as it was on the wire; undefined before the first. */
  sent: Sent | undefined;
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

interface Doorway {
  taken: number;
  readonly line: (() => void)[];
}

/** `each` is how many places a counterparty has; where that changes, it is asked at each coming and going. */
export function createPlaces(each: (counterparty: string) => number): Places {
  const doorways = new Map<string, Doorway>();
  function admit(counterparty: string, doorway: Doorway): void {
    const most = Math.max(1, each(counterparty));
    while (doorway.line.length > 0 && doorway.taken < most) {
      doorway.taken++;
      doorway.line.shift()?.();
    }
  }
  return {
    async take(counterparty) {
      const doorway = doorways.get(counterparty) ?? { taken: 0, line: [] };
      doorways.set(counterparty, doorway);
      await new Promise<void>((resolve) => {
        doorway.line.push(resolve);
        admit(counterparty, doorway);
      });
      return () => {
        doorway.taken--;
        admit(counterparty, doorway);
        if (doorway.taken === 0 && doorway.line.length === 0) doorways.delete(counterparty);
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
    sent: undefined,
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
