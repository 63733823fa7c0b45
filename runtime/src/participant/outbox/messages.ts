import type { Context } from '../../context.ts';
import type { JobQueue } from '../../engines/queue/port.ts';
import type { Breakers } from '../../http/breaker.ts';
import { bodyOf, completeMessage } from '../compose.ts';
import { recordable } from '../facts.ts';
import { DELIVERY_BACKOFF_LONGEST_MS, DELIVERY_BACKOFF_MS, POSTS_AT_ONCE, RECORDED_TEXT, TICK_MS } from '../limits.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { OutboxMessage } from '../tables.ts';
import type { ParticipantConfig, SubscriberRecord, Undelivered } from '../types.ts';
import type { OutboxRow } from '../unit-of-work.ts';
import { type DeliveryOutcome, deliver, signed } from './deliver.ts';
import { createPlaces, type Delivery, insertBySeq, type Lane, newDelivery } from './lane.ts';
import type { Marks } from './marks.ts';

export const DELIVER_JOB = 'participant.deliver';

/** Delivers messages: in order within a lane, a hanging counterparty in nobody's way, each until done or closed. */
export interface MessageRelay {
  add(row: OutboxRow): void;
  has(id: string): boolean;
  readonly size: number;
  oldestAgeMs(): number;
  /** Tries what waits for its next attempt, now. Called by the retry job. */
  resume(id: string): Promise<void>;
  idle(): Promise<void>;
  stop(): void;
}

interface MessageRelayDeps {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly registry: RegistryClient;
  readonly marks: Marks;
  readonly breakers: Breakers;
  /** Opened at the first failure; a network that works needs no retry queue. */
  retryQueue(): Promise<JobQueue>;
  storePayload(id: string, payload: OutboxMessage): Promise<void>;
  /** Closes a message for good, in a transaction with the service's hook. */
  undelivered(delivery: Delivery, undelivered: Undelivered): Promise<void>;
  /** Called when a row has left the memory. */
  settled(id: string): void;
}

/** Not tried: its counterparty is given a pause. */
interface Held {
  readonly kind: 'held';
  readonly waitMs: number;
}

export function createMessageRelay(deps: MessageRelayDeps): MessageRelay {
  const { context, config, registry, marks, breakers } = deps;
  const { wall, metrics } = context;
  const log = context.log.child({ subscriber: config.subscriberId });
  const lanes = new Map<string, Lane>();
  const deliveries = new Map<string, Lane>();
  const places = createPlaces((counterparty) => breakers.atOnce(counterparty));
  const sockets = createPlaces(() => POSTS_AT_ONCE);
  let running = 0;
  let stopped = false;
  let cancelTick: (() => void) | undefined;
  const idleWaiters: (() => void)[] = [];

  async function attempt(delivery: Delivery): Promise<DeliveryOutcome | Held> {
    const { payload } = delivery;
    if (isLate(delivery)) return closing(delivery);
    const record = await registry.lookup(payload.to);
    if (!record) return { kind: 'final', reason: 'unknown-subscriber' };
    if (payload.missingUri) {
      delivery.payload = completeMessage(payload, record);
      await deps.storePayload(delivery.id, delivery.payload);
    }
    const leavePlace = await places.take(payload.to);
    const leaveSocket = await sockets.take('all');
    try {
      // It may have stood in line for long.
      if (isLate(delivery)) return closing(delivery);
      const waitMs = stopped ? TICK_MS : breakers.waitMs(payload.to);
      return waitMs > 0 ? { kind: 'held', waitMs } : await post(delivery, record);
    } finally {
      leaveSocket();
      leavePlace();
    }
  }

  const isLate = ({ deliverBeforeMs }: Delivery) => wall.nowMs() >= deliverBeforeMs;

  function closing({ unreachable, payload }: Delivery): DeliveryOutcome {
    // One that was held all its life was never tried: its counterparty is away all the same.
    const away = unreachable || breakers.away().includes(payload.to);
    return { kind: 'final', reason: away ? 'unreachable' : 'expired' };
  }

  async function post(delivery: Delivery, record: SubscriberRecord): Promise<DeliveryOutcome> {
    const { payload, deliverBeforeMs } = delivery;
    const startedMs = wall.monotonicMs();
    delivery.attempts++;
    const sent = { headers: signed(config, payload, wall.nowMs(), deliverBeforeMs), atMs: wall.nowMs() };
    delivery.sent = sent;
    const outcome = await deliver(context, config, payload, sent.headers, record, deliverBeforeMs);
    metrics.observe('delivery_seconds', (wall.monotonicMs() - startedMs) / 1000, { action: payload.action });
    if (outcome.kind === 'retry' && outcome.counterpartyFault) breakers.failed(payload.to);
    // An address that is not called says nothing of who is there.
    else if (!(outcome.kind === 'final' && outcome.reason === 'refused')) breakers.answered(payload.to);
    return outcome;
  }

  async function runLane(lane: Lane): Promise<void> {
    if (lane.state === 'running' || stopped) return;
    lane.state = 'running';
    running++;
    try {
      while (!stopped && (await runHead(lane))) {
        // The next of the lane.
      }
    } finally {
      running--;
      if (lane.state === 'running') lane.state = 'idle';
      if (lane.queue.length === 0) lanes.delete(lane.key);
      if (running === 0) for (const wake of idleWaiters.splice(0)) wake();
    }
  }

  /** Whether the lane may go on to its next message. */
  async function runHead(lane: Lane): Promise<boolean> {
    const head = lane.queue[0];
    if (!head) return false;
    const outcome = await attempt(head).catch(
      (error: unknown): DeliveryOutcome => ({
        kind: 'retry',
        why: String((error as Error).message),
        counterpartyFault: false,
      }),
    );
    if (outcome.kind === 'done') {
      metrics.count('outbound', { action: head.payload.action, result: 'delivered' });
      marks.done([head.id], head.sent);
      settle(lane, head);
      return true;
    }
    if (outcome.kind === 'final') {
      await close(head, outcome);
      settle(lane, head);
      return true;
    }
    if (outcome.kind === 'held') wait(lane, inTime(head, outcome.waitMs));
    else retry(lane, head, outcome);
    return false;
  }

  function settle(lane: Lane, delivery: Delivery): void {
    lane.queue.shift();
    deliveries.delete(delivery.id);
    delivery.release();
    deps.settled(delivery.id);
  }

  async function close(delivery: Delivery, outcome: DeliveryOutcome & { kind: 'final' }): Promise<void> {
    const { reason, status, error } = outcome;
    const { action, to } = delivery.payload;
    metrics.count('outbound', { action, result: reason });
    const fields = {
      action,
      to,
      reason,
      status,
      code: error?.code,
      attempts: delivery.attempts,
      lastError: delivery.lastError,
    };
    log.error(fields, 'a message could not be delivered');
    await deps.undelivered(delivery, {
      message: bodyOf(delivery.payload),
      to: to as Undelivered['to'],
      reason,
      status,
      error,
    });
  }

  function retry(lane: Lane, head: Delivery, outcome: DeliveryOutcome & { kind: 'retry' }): void {
    metrics.count('outbound', { action: head.payload.action, result: 'retry' });
    head.unreachable ||= outcome.counterpartyFault;
    head.lastError = recordable(outcome.why, RECORDED_TEXT);
    const backoffMs = Math.min(DELIVERY_BACKOFF_MS * 2 ** Math.max(0, head.attempts - 1), DELIVERY_BACKOFF_LONGEST_MS);
    const delayMs = inTime(head, backoffMs);
    log.warn(
      { action: head.payload.action, to: lane.to, attempts: head.attempts, why: head.lastError },
      'delivery failed; will be tried again',
    );
    const next_attempt = new Date(wall.nowMs() + delayMs).toISOString();
    marks.retry({ id: head.id, attempts: head.attempts, next_attempt, error: head.lastError });
    wait(lane, delayMs);
    const job = { name: DELIVER_JOB, id: `${head.id}-${head.attempts}`, data: { id: head.id }, delayMs, attempts: 1 };
    void deps
      .retryQueue()
      .then((queue) => queue.add([job]))
      .catch((error: unknown) => {
        // The tick below tries again all the same.
        metrics.count('retry_queue_failures');
        log.warn({ error: String(error) }, 'the retry queue is away');
      });
  }

  /** Past its time a message is closed at once, not after one more pause. */
  const inTime = ({ deliverBeforeMs }: Delivery, pauseMs: number) =>
    Math.max(0, Math.min(pauseMs, deliverBeforeMs - wall.nowMs()));

  function wait(lane: Lane, delayMs: number): void {
    lane.state = 'waiting';
    lane.nextMs = wall.monotonicMs() + delayMs;
    cancelTick ??= wall.after(TICK_MS, tick);
  }

  /** Lanes whose time has come although no job said so: the breaker held them, or the queue is away. */
  function tick(): void {
    cancelTick = undefined;
    if (stopped) return;
    const nowMs = wall.monotonicMs();
    let waiting = false;
    for (const lane of lanes.values()) {
      if (lane.state !== 'waiting') continue;
      waiting = true;
      if (lane.nextMs <= nowMs) void runLane(lane);
    }
    if (waiting) cancelTick ??= wall.after(TICK_MS, tick);
  }

  return {
    add(row) {
      if (deliveries.has(row.id) || stopped) return;
      const payload = row.payload as OutboxMessage;
      const key = `${payload.to} ${payload.transactionId}`;
      const lane = lanes.get(key) ?? { key, to: payload.to, queue: [], state: 'idle', nextMs: 0 };
      lanes.set(key, lane);
      deliveries.set(row.id, lane);
      insertBySeq(lane.queue, newDelivery(context, row));
      if (lane.state === 'idle') void runLane(lane);
    },
    has: (id) => deliveries.has(id),
    get size() {
      return deliveries.size;
    },
    oldestAgeMs() {
      let oldest = wall.nowMs();
      for (const lane of lanes.values()) oldest = Math.min(oldest, lane.queue[0]?.createdMs ?? oldest);
      return wall.nowMs() - oldest;
    },
    async resume(id) {
      const lane = deliveries.get(id);
      if (lane?.state === 'waiting') await runLane(lane);
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
    stop() {
      stopped = true;
      cancelTick?.();
      for (const lane of lanes.values()) for (const delivery of lane.queue) delivery.release();
    },
  };
}
