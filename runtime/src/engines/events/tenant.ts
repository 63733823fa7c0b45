import type { Context } from '../../context.ts';
import type { EventStream } from './port.ts';

/**
 * The stream as one participant has it, where several share one: what it publishes says whose it is, and what another
 * participant published does not come. What nobody of the network published, as readings and weather, comes to all.
 */
export function tenantEvents(stream: EventStream, tenant: string): EventStream {
  return {
    get kind() {
      return stream.kind;
    },
    publish: (events) => stream.publish(events.map((event) => ({ ...event, source: tenant }))),
    subscribe: (topic, handler, options) =>
      stream.subscribe(
        topic,
        (event, bytes) => (event.source === undefined || event.source === tenant ? handler(event, bytes) : undefined),
        options,
      ),
    health: () => stream.health(),
    close: () => stream.close(),
  };
}

/** The context of one participant among several of a process. */
export function ofTenant(context: Context, tenant: string): Context {
  return { ...context, engines: { ...context.engines, events: tenantEvents(context.engines.events, tenant) } };
}
