import { expect } from 'chai';
import { createLanes } from './lanes.ts';
import { createPlaces, type Delivery, insertBySeq } from './outbox/lane.ts';
import { createTokenBucket } from './token-bucket.ts';

/** Lets what is ready run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('lanes', () => {
  it('run one piece after the other within a lane, side by side otherwise, within the bound', async () => {
    const lanes = createLanes(2);
    const told: string[] = [];
    const ends: (() => void)[] = [];
    const piece = (name: string) => () => {
      told.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    for (const [lane, name] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['b', 'b1'],
      ['c', 'c1'],
    ] as const)
      void lanes.run(lane, piece(name));
    await turn();
    expect(told).to.deep.equal(['a1', 'b1']);
    ends[0]?.();
    await turn();
    expect(told).to.deep.equal(['a1', 'b1', 'c1']);
    for (let i = 1; i < 4; i++) {
      ends[i]?.();
      await turn();
    }
    expect(told).to.deep.equal(['a1', 'b1', 'c1', 'a2']);
    await lanes.idle();
    expect(lanes.size).to.equal(0);
  });

  it('are free again after a throw', async () => {
    const lanes = createLanes(1);
    const failed = lanes.run('a', () => {
      throw new Error('broken');
    });
    expect(await failed.catch((error: Error) => error.message)).to.equal('broken');
    expect(await lanes.run('a', async () => 'done')).to.equal('done');
  });
});

describe('places', () => {
  it('are given to so many at once, each counterparty its own', async () => {
    const places = createPlaces(() => 1);
    const leave = await places.take('a');
    let entered = false;
    void places.take('a').then(() => {
      entered = true;
    });
    await places.take('b');
    await turn();
    expect(entered).to.equal(false);
    leave();
    await turn();
    expect(entered).to.equal(true);
  });
});

describe('places whose number grows', () => {
  it('let more in at the next coming or going', async () => {
    let most = 1;
    const places = createPlaces(() => most);
    const leaves: (() => void)[] = [];
    for (let i = 0; i < 5; i++) void places.take('a').then((leave) => leaves.push(leave));
    await turn();
    expect(leaves).to.have.length(1);
    most = 3;
    leaves[0]!();
    await turn();
    expect(leaves).to.have.length(4);
  });
});

describe('a queue of deliveries', () => {
  it('is sorted by their order of writing, whatever order they come in', () => {
    const queue: Delivery[] = [];
    for (const seq of [3, 1, 2]) insertBySeq(queue, { seq } as Delivery);
    expect(queue.map(({ seq }) => seq)).to.deep.equal([1, 2, 3]);
  });
});

describe('a token bucket', () => {
  it('allows a burst, then its rate', () => {
    let nowMs = 0;
    const bucket = createTokenBucket(2, 1, () => nowMs);
    expect([bucket.take(), bucket.take(), bucket.take()]).to.deep.equal([true, true, false]);
    nowMs = 1_000;
    expect([bucket.take(), bucket.take()]).to.deep.equal([true, false]);
  });
});
