import { expect } from 'chai';
import type { EventStream, Share, StreamEvent, SubscribeOptions } from './port.ts';

export interface ConformanceOptions {
  /** Opens a stream; those opened at one place see each other's events where the stream outlives a process. */
  open(place: string): Promise<EventStream>;
  /** Events outlive the process that published or read them. */
  readonly durable: boolean;
}

/** What every event stream adapter must do. Topics `orders` and `feeders` take any value. */
export function eventConformance({ open, durable }: ConformanceOptions): void {
  let places = 0;
  let place: string;
  let stream: EventStream;
  const opened: EventStream[] = [];
  const openHere = async () => {
    const one = await open(place);
    opened.push(one);
    return one;
  };
  beforeEach(async () => {
    place = `place-${++places}`;
    stream = await openHere();
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  const event = (key: string, value: unknown, topic = 'orders'): StreamEvent => ({ topic, key, value });
  const valuesOf = (events: readonly StreamEvent[], key: string) =>
    events.filter((each) => each.key === key).map(({ value }) => value);

  /** Subscribes and resolves `done` with the first `count` events. */
  async function collect(topic: string, count: number, options?: SubscribeOptions, on = stream) {
    const events: StreamEvent[] = [];
    let full = (_: StreamEvent[]) => {};
    const done = new Promise<StreamEvent[]>((resolve) => {
      full = resolve;
    });
    const take = (seen: StreamEvent) => {
      events.push(seen);
      if (events.length === count) full(events);
    };
    const stop = await on.subscribe(topic, take, options);
    return { events, done, stop };
  }

  it('takes the events of a topic to each subscriber, in order for each key', async () => {
    const [one, two] = [await collect('orders', 4), await collect('orders', 4)];
    await stream.publish([event('a', 1), event('b', 1), event('other', 1, 'feeders'), event('a', 2)]);
    await stream.publish([event('b', { nested: [null] })]);
    for (const { done } of [one, two]) {
      const events = await done;
      expect(valuesOf(events, 'a')).to.deep.equal([1, 2]);
      expect(valuesOf(events, 'b')).to.deep.equal([1, { nested: [null] }]);
      expect(new Set(events.map(({ topic }) => topic))).to.deep.equal(new Set(['orders']));
    }
  });

  it('keeps the order of a key over many publishes under way at once', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const { done } = await collect('orders', 500);
    const publishes = Array.from({ length: 100 }, (_, i) => stream.publish(keys.map((key) => event(key, i))));
    await Promise.all(publishes);
    const events = await done;
    const expected = Array.from({ length: 100 }, (_, i) => i);
    for (const key of keys) expect(valuesOf(events, key), key).to.deep.equal(expected);
  });

  it('ends one subscription without the others', async () => {
    const handler = () => {};
    const [ended, same] = [await stream.subscribe('orders', handler), await stream.subscribe('orders', handler)];
    const [one, two] = [await collect('orders', 1), await collect('orders', 2)];
    await ended();
    await one.stop();
    await one.stop();
    await stream.publish([event('a', 1), event('a', 2)]);
    await two.done;
    expect(one.events).to.deep.equal([]);
    await same();
  });

  it('goes on when a handler throws', async () => {
    await stream.subscribe('orders', () => {
      throw new Error('handler');
    });
    await stream.subscribe('orders', () => Promise.reject(new Error('handler')));
    const { done } = await collect('orders', 2);
    await stream.publish([event('a', 1)]);
    await stream.publish([event('a', 2)]);
    expect(valuesOf(await done, 'a')).to.deep.equal([1, 2]);
  });

  it('shares the events of a topic in a group, and not between groups', async () => {
    const group = { group: 'one' };
    const [first, second] = [await collect('orders', 9, group), await collect('orders', 9, group)];
    const other = await collect('orders', 6, { group: 'two' });
    await stream.publish(Array.from({ length: 6 }, (_, i) => event(`key-${i}`, i)));
    await other.done;
    await until(() => first.events.length + second.events.length >= 6);
    const shared = [...first.events, ...second.events].map(({ value }) => value as number);
    expect(shared.sort()).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('tells each of a group which keys come to it, and who is left that all do', async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
    const shares: (Share | undefined)[] = [undefined, undefined];
    const seen: string[][] = [[], []];
    const member = (i: number) =>
      stream.subscribe('orders', ({ key }) => void seen[i]!.push(key), {
        ...{ group: 'one', from: 'latest' as const },
        onShare: (share) => {
          shares[i] = share;
        },
      });
    const ends = [await member(0), await member(1)];
    const of = (i: number) => keys.filter((key) => shares[i]?.(key));
    await until(() => of(0).length + of(1).length === keys.length && shares.every((share) => share));
    await until(async () => {
      await stream.publish(keys.map((key) => event(key, 1)));
      return new Set(seen.flat()).size === keys.length;
    });
    expect([...new Set([...of(0), ...of(1)])], 'each is the share of one').to.have.length(keys.length);
    for (const i of [0, 1]) expect([...new Set(seen[i])].sort(), 'what came').to.deep.equal([...of(i)].sort());
    await ends[0]!();
    await until(() => of(1).length === keys.length);
  });

  it('calls a handler of a group again when it throws, and only then goes on', async () => {
    const calls: unknown[] = [];
    let done = () => {};
    const ended = new Promise<void>((resolve) => {
      done = resolve;
    });
    const handler = async ({ value }: StreamEvent) => {
      calls.push(value);
      if (calls.length === 1) throw new Error('not yet');
      if (value === 2) done();
    };
    await stream.subscribe('orders', handler, { group: 'one' });
    await stream.publish([event('a', 1), event('a', 2)]);
    await ended;
    expect(calls).to.deep.equal([1, 1, 2]);
  });

  it('refuses work once it is closed, and ends quietly twice', async () => {
    const { events } = await collect('orders', 1);
    await stream.close();
    await stream.close();
    for (const work of [() => stream.publish([event('a', 1)]), () => stream.subscribe('orders', () => {})]) {
      const error = await work().catch((reason) => reason);
      expect(error).to.be.instanceOf(Error);
      expect(error.message).to.match(/closed/);
    }
    expect(events).to.deep.equal([]);
  });

  if (!durable) return;

  it('keeps events for a group that is away, and gives each again whose handler had not ended', async () => {
    const group = { group: 'one' };
    const handled: unknown[] = [];
    let stuck = () => {};
    const isStuck = new Promise<void>((resolve) => {
      stuck = resolve;
    });
    const end = await stream.subscribe(
      'orders',
      ({ value }) => {
        if (value === 3) {
          stuck();
          throw new Error('the database is away');
        }
        handled.push(value);
      },
      group,
    );
    await stream.publish([event('a', 1), event('a', 2), event('a', 3)]);
    await isStuck;
    await end();
    await stream.close();
    const again = await openHere();
    await again.publish([event('a', 4)]);
    const { done } = await collect('orders', 2, group, again);
    expect(handled).to.deep.equal([1, 2]);
    expect(valuesOf(await done, 'a')).to.deep.equal([3, 4]);
  });

  it('takes events to other processes', async () => {
    const other = await openHere();
    const { done } = await collect('feeders', 1, undefined, other);
    await stream.publish([event('a', { from: 'here' }, 'feeders')]);
    expect(await done).to.deep.equal([event('a', { from: 'here' }, 'feeders')]);
  });

  it('begins where it is asked to for a group that has never read', async () => {
    await stream.publish([event('a', 1)]);
    const [all, fresh] = [
      await collect('orders', 2, { group: 'one' }),
      await collect('orders', 1, { group: 'two', from: 'latest' }),
    ];
    // Where a group begins is known to the broker once it has fetched.
    await until(async () => {
      await stream.publish([event('a', 2)]);
      return fresh.events.length > 0;
    });
    await all.done;
    expect(valuesOf(all.events, 'a').slice(0, 2)).to.deep.equal([1, 2]);
    expect(valuesOf(fresh.events, 'a')).to.not.include(1);
  });
}

/** Asks again until it is so; the test's own time is the bound. */
async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 20));
}
