import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import type { EventHandler, EventStream, StreamEvent } from './port.ts';

interface Subscription {
  readonly handler: EventHandler;
  readonly group: string | undefined;
  /** Events of a group are handled one after the other. */
  turn: Promise<void>;
}

/** Events of this process, for this process: delivered in order of publishing, and kept nowhere. */
export function memoryEvents(log: Logger): EventStream {
  const topics = new Map<string, Set<Subscription>>();
  let closed = false;

  const failed = (topic: string, error: unknown) =>
    log.error({ topic, error: String(error) }, 'handler of an event failed');

  function deliverToEach(subscription: Subscription, event: StreamEvent): void {
    try {
      Promise.resolve(subscription.handler(event)).catch((error) => failed(event.topic, error));
    } catch (error) {
      failed(event.topic, error);
    }
  }

  async function deliverInTurn(subscription: Subscription, event: StreamEvent): Promise<void> {
    for (let attempt = 1; attempt <= engineLimits.eventsHandlerAttempts && !closed; attempt++) {
      try {
        return await subscription.handler(event);
      } catch (error) {
        failed(event.topic, error);
      }
    }
  }

  function deliver(event: StreamEvent): void {
    const served = new Set<string>();
    for (const subscription of topics.get(event.topic) ?? []) {
      const { group } = subscription;
      if (group === undefined) deliverToEach(subscription, event);
      // The first member takes everything while it is there.
      else if (!served.has(group)) {
        served.add(group);
        subscription.turn = subscription.turn.then(() => deliverInTurn(subscription, event));
      }
    }
  }

  return {
    kind: 'memory',
    async publish(events) {
      if (closed) throw new Error('the event stream is closed');
      for (const event of events) deliver(event);
    },
    async subscribe(topic, handler, { group } = {}) {
      if (closed) throw new Error('the event stream is closed');
      const subscriptions = topics.get(topic) ?? new Set();
      // A function may be subscribed twice; each subscription ends by itself.
      const own: Subscription = { handler, group, turn: Promise.resolve() };
      topics.set(topic, subscriptions.add(own));
      return async () => {
        subscriptions.delete(own);
        await own.turn;
      };
    },
    health: () => ({ ok: !closed, detail: closed ? 'closed' : 'in this process' }),
    async close() {
      closed = true;
      topics.clear();
    },
  };
}
