import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { TOGETHER_WAIT_MS } from '../../limits.ts';
import { manualWallClock } from '../../testing/clock.ts';
import { offer } from '../../testing/offers.ts';
import type { Desk } from '../desk.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { Together } from './together.ts';

describe('events that gather offers at the same time', () => {
  const wall = manualWallClock();
  /** Every place is felt at the feeders named. */
  const waiting = (felt: readonly string[]) => {
    const reach = (_bppId: string, _place: string, feeder: string) => (felt.includes(feeder) ? 1 : 0);
    const together = new Together(() => ({ context: { wall }, config: {}, reach }) as unknown as Desk);
    const enter = (feederId: string) =>
      together.enter({ feederId: feederId as FeederId } as OpenEvent, {} as Purchase, 10);
    const [first, second] = [enter('f-1'), enter('f-2')];
    let answered = false;
    const planned = together.plan(first, [offer('a')]).then((placement) => {
      answered = true;
      return placement;
    });
    const isAnswered = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return answered;
    };
    return { together, second, planned, isAnswered };
  };

  it('wait for one that they are coupled with, and no longer than the bound', async () => {
    const { planned, isAnswered } = waiting(['f-1', 'f-2']);
    wall.pass(TOGETHER_WAIT_MS - 1);
    expect(await isAnswered()).to.equal(false);
    wall.pass(1);
    expect(await isAnswered()).to.equal(true);
    expect(await planned, 'planned alone then').to.equal(undefined);
  });

  it('do not wait for one that they share nothing with', async () => {
    expect(await waiting(['f-1']).isAnswered()).to.equal(true);
  });

  it('do not wait for one that gave up its search, nor when the service stops', async () => {
    const left = waiting(['f-1', 'f-2']);
    left.together.leave(left.second);
    expect(await left.isAnswered()).to.equal(true);
    const closed = waiting(['f-1', 'f-2']);
    closed.together.close();
    expect(await closed.isAnswered()).to.equal(true);
    expect(await closed.together.plan(closed.second, [offer('a')]), 'who comes after it').to.equal(undefined);
  });
});
