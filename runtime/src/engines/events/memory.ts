import type { Logger } from '../../logging.ts';
import type { EventStream, StreamEvent } from './port.ts';

/** Events of this process, for this process: delivered in order of publishing, each in its own turn of the event loop. */
export function memoryEvents(log: Logger): EventStream {
  const topics = new Map<string, Set<(event: StreamEvent) => void>>();
  let closed = false;
  const deliver = (event: StreamEvent) => {
    for (const handler of topics.get(event.topic) ?? []) {
      try {
        handler(event);
      } catch (error) {
        log.error({ topic: event.topic, error: String(error) }, 'handler of an event failed');
      }
    }
  };
  return {
    kind: 'memory',
    async publish(events) {
      if (closed) throw new Error('the event stream is closed');
      for (const event of events) deliver(event);
    },
    async subscribe(topic, handler) {
      if (closed) throw new Error('the event stream is closed');
      const handlers = topics.get(topic) ?? new Set();
      // A function may be subscribed twice; each subscription ends by itself.
      const own = (event: StreamEvent) => handler(event);
      topics.set(topic, handlers.add(own));
      return () => void handlers.delete(own);
    },
    async close() {
      closed = true;
      topics.clear();
    },
  };
}
