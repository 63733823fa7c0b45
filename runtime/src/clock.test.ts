import { expect } from 'chai';
import { SteppedGridClock, systemWallClock, type WallClock, wallGridClock } from './clock.ts';

const start = Date.UTC(2026, 0, 1);

describe('stepped grid time', () => {
  it('moves only when told to, and never back', async () => {
    const clock = new SteppedGridClock(start);
    expect(clock.nowMs()).to.equal(start);
    await clock.advanceTo(start + 1_000);
    expect(clock.nowMs()).to.equal(start + 1_000);
    const error = await clock.advanceTo(start).catch((reason) => reason);
    expect(error).to.be.instanceOf(RangeError);
    expect(clock.nowMs()).to.equal(start + 1_000);
  });

  it('runs what is due in order of time, label and registration, whatever came first', async () => {
    const clock = new SteppedGridClock(start);
    const ran: string[] = [];
    const at = (ms: number, label: string, note = label) => clock.at(start + ms, label, () => void ran.push(note));
    at(20, 'b');
    at(10, 'z');
    at(20, 'a', 'a first');
    at(20, 'a', 'a second');
    at(30, 'late');
    await clock.advanceTo(start + 20);
    expect(ran).to.deep.equal(['z', 'a first', 'a second', 'b']);
    await clock.advanceTo(start + 30);
    expect(ran.at(-1)).to.equal('late');
  });

  it('waits for the work of one timer before the next', async () => {
    const clock = new SteppedGridClock(start);
    const ran: string[] = [];
    clock.at(start + 1, 'a', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      ran.push('a');
    });
    clock.at(start + 1, 'b', () => void ran.push('b'));
    await clock.advanceTo(start + 1);
    expect(ran).to.deep.equal(['a', 'b']);
  });

  it('does not run what was cancelled, also by a timer of the same instant', async () => {
    const clock = new SteppedGridClock(start);
    const ran: string[] = [];
    const cancelEarly = clock.at(start + 1, 'early', () => void ran.push('early'));
    const cancelLate = clock.at(start + 1, 'late', () => void ran.push('late'));
    clock.at(start + 1, 'kill', () => void cancelLate());
    cancelEarly();
    await clock.advanceTo(start + 1);
    expect(ran).to.deep.equal([]);
  });

  it('says when the next timer is due, and takes one of the past as due now', () => {
    const clock = new SteppedGridClock(start);
    expect(clock.nextTimerMs()).to.equal(undefined);
    clock.at(start + 50, 'a', () => {});
    const cancel = clock.at(start - 50, 'b', () => {});
    expect(clock.nextTimerMs()).to.equal(start);
    cancel();
    expect(clock.nextTimerMs()).to.equal(start + 50);
  });
});

/** A wall clock that a test moves. */
function manualWall(): WallClock & { pass(ms: number): void } {
  let nowMs = start;
  const timers = new Set<{ atMs: number; run: () => void }>();
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - start,
    sleep: () => Promise.reject(new Error('not here')),
    after(ms, run) {
      if (ms > 2_147_483_647) throw new RangeError('longer than a timer can be');
      const timer = { atMs: nowMs + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms) {
      nowMs += ms;
      for (const timer of [...timers].filter(({ atMs }) => atMs <= nowMs)) {
        timers.delete(timer);
        timer.run();
      }
    },
  };
}

describe('grid time that is wall time', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('runs a timer when the wall clock reaches it, and not before', async () => {
    const wall = manualWall();
    const ran: string[] = [];
    const grid = wallGridClock(wall, (error) => ran.push(String(error)));
    grid.at(start + 100, 'a', () => void ran.push('a'));
    wall.pass(99);
    await turn();
    expect(ran).to.deep.equal([]);
    wall.pass(1);
    await turn();
    expect(ran).to.deep.equal(['a']);
  });

  it('waits longer than one timer can, and can be cancelled meanwhile', async () => {
    const wall = manualWall();
    const ran: string[] = [];
    const grid = wallGridClock(wall, () => {});
    const year = 365 * 24 * 3_600_000;
    grid.at(start + year, 'a', () => void ran.push('a'));
    const cancel = grid.at(start + year, 'b', () => void ran.push('b'));
    wall.pass(2_147_483_647);
    cancel();
    wall.pass(year);
    await turn();
    await turn();
    wall.pass(0);
    await turn();
    expect(ran).to.deep.equal(['a']);
  });

  it('hands over what a timer throws, with its label', async () => {
    const wall = manualWall();
    const errors: string[] = [];
    const grid = wallGridClock(wall, (error, label) => errors.push(`${label}: ${(error as Error).message}`));
    grid.at(start, 'sync', () => {
      throw new Error('one');
    });
    grid.at(start, 'async', async () => {
      throw new Error('two');
    });
    wall.pass(0);
    await turn();
    expect(errors).to.have.members(['sync: one', 'async: two']);
  });
});

describe('the wall clock of the system', () => {
  it('wakes a sleeper, and rejects one whose signal is aborted', async () => {
    const wall = systemWallClock();
    await wall.sleep(1);
    const abort = new AbortController();
    const asleep = wall.sleep(60_000, abort.signal).catch((reason) => reason);
    abort.abort(new Error('enough'));
    expect((await asleep).message).to.equal('enough');
    expect((await wall.sleep(1, abort.signal).catch((reason) => reason)).message).to.equal('enough');
  });

  it('runs a timer unless it is cancelled', async () => {
    const wall = systemWallClock();
    const ran: string[] = [];
    wall.after(1, () => ran.push('cancelled'))();
    await new Promise<void>((resolve) => {
      wall.after(2, () => {
        ran.push('ran');
        resolve();
      });
    });
    expect(ran).to.deep.equal(['ran']);
  });
});
