import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import type { EventHandler, EventStream, StreamEvent, SubscribeOptions } from './port.ts';

interface Subscription {
  readonly handler: EventHandler;
  readonly group: string | undefined;
  readonly onShare: SubscribeOptions['onShare'];
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

  function shareOut(subscriptions: ReadonlySet<Subscription>, group: string | undefined): void {
    const members = group === undefined ? [] : [...subscriptions].filter((each) => each.group === group);
    for (const [i, member] of members.entries()) member.onShare?.(() => i === 0);
  }

  return {
    kind: 'memory',
    async publish(events) {
      if (closed) throw new Error('the event stream is closed');
      for (const event of events) deliver(event);
    },
    async subscribe(topic, handler, { group, onShare } = {}) {
      if (closed) throw new Error('the event stream is closed');
      const subscriptions = topics.get(topic) ?? new Set();
      // A function may be subscribed twice; each subscription ends by itself.
      const own: Subscription = { handler, group, onShare, turn: Promise.resolve() };
      topics.set(topic, subscriptions.add(own));
      shareOut(subscriptions, group);
      return async () => {
        if (subscriptions.delete(own)) shareOut(subscriptions, group);
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
