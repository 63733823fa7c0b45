import { expect } from 'chai';
import { Activity } from './activity.ts';
import { SteppedGridClock } from './clock.ts';
import { repeatedly } from './repeat.ts';

describe('work that is repeated in grid time', () => {
  function under(run: () => Promise<void>) {
    const grid = new SteppedGridClock(0);
    const failures: string[] = [];
    const work = { label: 'work', everyMs: 100, run, failed: (error: unknown) => failures.push(String(error)) };
    return { grid, failures, repeated: repeatedly({ grid, activity: new Activity() }, work) };
  }

  it('runs after each interval, and goes on after a failure', async () => {
    let runs = 0;
    const { grid, failures, repeated } = under(async () => {
      if (++runs === 1) throw new Error('not yet');
    });
    expect(runs).to.equal(0);
    await grid.advanceTo(99);
    expect(runs).to.equal(0);
    for (const atMs of [100, 200, 300]) await grid.advanceTo(atMs);
    expect([runs, failures]).to.deep.equal([3, ['Error: not yet']]);
    await repeated.close();
  });

  it('closing waits for the run that is under way, and no other follows', async () => {
    let finish = () => {};
    let runs = 0;
    const { grid, repeated } = under(async () => {
      runs++;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const advanced = grid.advanceTo(100);
    await new Promise((resolve) => setImmediate(resolve));
    let closed = false;
    const closing = repeated.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([runs, closed]).to.deep.equal([1, false]);
    finish();
    await Promise.all([closing, advanced]);
    await grid.advanceTo(1_000);
    expect(runs).to.equal(1);
  });
});
