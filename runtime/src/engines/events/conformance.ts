import { expect } from 'chai';
import type { EventStream, StreamEvent } from './port.ts';

/** What every event stream adapter must do. */
export function eventConformance(open: () => Promise<EventStream>): void {
  let stream: EventStream;
  beforeEach(async () => {
    stream = await open();
  });
  afterEach(() => stream.close());

  const event = (key: string, value: unknown, topic = 'orders'): StreamEvent => ({ topic, key, value });

  /** Subscribes and resolves with the first `count` events. */
  async function collect(topic: string, count: number) {
    const events: StreamEvent[] = [];
    let full = (_: StreamEvent[]) => {};
    const done = new Promise<StreamEvent[]>((resolve) => {
      full = resolve;
    });
    const stop = await stream.subscribe(topic, (seen) => {
      events.push(seen);
      if (events.length === count) full(events);
    });
    return { events, done, stop };
  }

  it('takes the events of a topic to each subscriber, in order for each key', async () => {
    const [one, two] = [await collect('orders', 4), await collect('orders', 4)];
    await stream.publish([event('a', 1), event('b', 1), event('other', 1, 'feeders'), event('a', 2)]);
    await stream.publish([event('b', { nested: [null] })]);
    for (const { done } of [one, two]) {
      const events = await done;
      expect(events.filter(({ key }) => key === 'a').map(({ value }) => value)).to.deep.equal([1, 2]);
      expect(events.filter(({ key }) => key === 'b').map(({ value }) => value)).to.deep.equal([1, { nested: [null] }]);
      expect(new Set(events.map(({ topic }) => topic))).to.deep.equal(new Set(['orders']));
    }
  });

  it('ends one subscription without the others', async () => {
    const handler = () => {};
    const [ended, same] = [await stream.subscribe('orders', handler), await stream.subscribe('orders', handler)];
    const [one, two] = [await collect('orders', 1), await collect('orders', 2)];
    ended();
    one.stop();
    one.stop();
    await stream.publish([event('a', 1), event('a', 2)]);
    await two.done;
    expect(one.events).to.deep.equal([]);
    same();
  });

  it('goes on when a handler throws', async () => {
    await stream.subscribe('orders', () => {
      throw new Error('handler');
    });
    const { done } = await collect('orders', 1);
    await stream.publish([event('a', 1)]);
    expect(await done).to.have.length(1);
  });

  it('refuses work once it is closed', async () => {
    await stream.close();
    const error = await stream.publish([event('a', 1)]).catch((reason) => reason);
    expect(error.message).to.match(/closed/);
  });
}
