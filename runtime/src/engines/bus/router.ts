import type { Logger } from '../../logging.ts';
import { matches } from './filters.ts';
import type { BusMessage } from './port.ts';

export type BusHandler = (message: BusMessage) => void;

/** Takes each message to the handlers of the filters it matches; exact topics are found without a search. */
export function busRouter(log: Logger) {
  const exact = new Map<string, Set<BusHandler>>();
  const wild = new Map<string, Set<BusHandler>>();
  const deliver = (handlers: Iterable<BusHandler>, message: BusMessage) => {
    for (const handler of handlers) {
      try {
        handler(message);
      } catch (error) {
        log.error({ topic: message.topic, error: String(error) }, 'handler of a bus message failed');
      }
    }
  };
  return {
    add(filter: string, handler: BusHandler) {
      const map = /[+#]/.test(filter) ? wild : exact;
      const handlers = map.get(filter) ?? new Set();
      map.set(filter, handlers.add(handler));
    },
    remove(filter: string, handler: BusHandler) {
      for (const map of [exact, wild]) map.get(filter)?.delete(handler);
    },
    route(message: BusMessage) {
      deliver(exact.get(message.topic) ?? [], message);
      for (const [filter, handlers] of wild) if (matches(filter, message.topic)) deliver(handlers, message);
    },
  };
}
