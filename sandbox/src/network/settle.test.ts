import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { BusClient, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { expect } from 'chai';
import { Closing } from './closing.ts';
import { BusTraffic, settle } from './settle.ts';

const wall = systemWallClock();

function busOf(counts: { sent: number; received: number }): DeviceBus {
  const client = { counts } as unknown as BusClient;
  return { kind: 'mqtt', url: 'mqtt://bus', connect: async () => client };
}

describe('settle', () => {
  it('waits for work in flight, and for work that it brings about', async () => {
    const activity = new Activity();
    const done: string[] = [];
    const end = activity.begin('first');
    wall.after(10, () => {
      done.push('first');
      const endNext = activity.begin('second');
      end();
      wall.after(10, () => {
        done.push('second');
        endNext();
      });
    });
    await settle(activity, new BusTraffic(), wall);
    expect(done).to.deep.equal(['first', 'second']);
  });

  it('waits while messages are under way on any connection', async () => {
    const traffic = new BusTraffic();
    const counts = { sent: 0, received: 0 };
    await traffic.observe(busOf(counts)).connect({ clientId: 'a', username: 'a', password: 'a' });
    let turns = 0;
    const pump = () => {
      if (turns++ >= 40) return;
      counts.received++;
      setImmediate(pump);
    };
    pump();
    await settle(new Activity(), traffic, wall);
    expect(counts.received).to.equal(40);
    expect(traffic.total()).to.equal(40);
  });

  it('names what is stuck when it takes too long', async () => {
    const activity = new Activity();
    activity.begin('an answer');
    let nowMs = 0;
    // Each look at this clock costs half a minute.
    const hasty = {
      ...wall,
      monotonicMs: () => (nowMs += 30_000),
      after: (_: number, run: () => void) => wall.after(1, run),
    };
    const failed = await settle(activity, new BusTraffic(), hasty).then(
      () => 'settled',
      (error: Error) => error.message,
    );
    expect(failed).to.equal('the network did not settle: in flight an answer×1');
  });
});

describe('closing', () => {
  it('closes last first, once, and whatever fails on the way', async () => {
    const closed: string[] = [];
    const part = (name: string, fails = false) => ({
      close: async () => {
        closed.push(name);
        if (fails) throw new Error(`${name} is stuck`);
      },
    });
    const closing = new Closing();
    for (const one of [part('a'), part('b', true), part('c')]) closing.add(one);
    const failures = await Promise.all(
      [closing.close(), closing.close()].map((close) => close.catch((error: AggregateError) => error)),
    );
    expect(closed).to.deep.equal(['c', 'b', 'a']);
    for (const failure of failures) {
      expect((failure as AggregateError).errors.map((error: Error) => error.message)).to.deep.equal(['b is stuck']);
    }
  });
});
