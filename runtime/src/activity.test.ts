import { expect } from 'chai';
import { Activity } from './activity.ts';

describe('activity', () => {
  it('is idle at once when nothing is in flight', async () => {
    await new Activity().idle();
  });

  it('counts what began until it ends, each end once', () => {
    const activity = new Activity();
    const [first, second] = [activity.begin('message'), activity.begin('message')];
    expect([activity.inFlight, activity.describe()]).to.deep.equal([2, 'message×2']);
    first();
    first();
    expect([activity.inFlight, activity.describe()]).to.deep.equal([1, 'message×1']);
    second();
    expect([activity.inFlight, activity.describe()]).to.deep.equal([0, 'nothing']);
  });

  it('wakes all who wait when the last work ends, and only then', async () => {
    const activity = new Activity();
    const [first, second] = [activity.begin('a'), activity.begin('b')];
    let woken = 0;
    const waiting = [1, 2].map(() => activity.idle().then(() => woken++));
    first();
    await Promise.resolve();
    expect(woken).to.equal(0);
    second();
    await Promise.all(waiting);
    expect(woken).to.equal(2);
  });

  it('tracks work to its end, also when it fails', async () => {
    const activity = new Activity();
    expect(await activity.track('a', async () => activity.inFlight)).to.equal(1);
    const error = await activity
      .track('a', async () => {
        throw new Error('failed');
      })
      .catch((reason) => reason);
    expect(error.message).to.equal('failed');
    expect(activity.inFlight).to.equal(0);
  });
});
