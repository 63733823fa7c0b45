import { expect } from 'chai';
import type { Activity } from '../../activity.ts';
import type { Job, JobQueue, JobQueueEngine } from './port.ts';

export interface QueueUnderTest {
  readonly engine: JobQueueEngine;
  readonly activity: Activity;
  /** Ends the database or server below, not the engine. */
  close(): Promise<void>;
}

type Run = { name: string; data: unknown; attempt: number };

const job = (id: string, more: Partial<Job> = {}): Job => ({ name: 'send', id, data: { id }, ...more });
const quickly = { attempts: 3, backoffMs: 1 };

/** What every job queue adapter must do. */
export function queueConformance(open: () => Promise<QueueUnderTest>): void {
  let under: QueueUnderTest;
  let serial = 0;
  before(async () => {
    under = await open();
  });
  after(async () => {
    await under?.engine.close();
    await under?.close();
  });

  /** A queue of its own, whose jobs are noted and then given to `work`. */
  async function queueWith(
    work: (run: Run) => Promise<void> = async () => {},
  ): Promise<{ queue: JobQueue; runs: Run[] }> {
    const queue = await under.engine.open(`test-${serial++}.example`);
    const runs: Run[] = [];
    const handler = (name: string) => async (data: unknown, attempt: number) => {
      runs.push({ name, data, attempt });
      await work({ name, data, attempt });
    };
    await queue.process({ send: handler('send'), count: handler('count') });
    return { queue, runs };
  }

  it('gives each job to the handler of its name, with its data', async () => {
    const { queue, runs } = await queueWith();
    const data = { nested: [1, { a: null }], text: '\u2028"✓' };
    await queue.add([job('a', { data }), job('b', { name: 'count', data: [1, 2] })]);
    await under.activity.idle();
    expect(runs).to.have.deep.members([
      { name: 'send', data, attempt: 1 },
      { name: 'count', data: [1, 2], attempt: 1 },
    ]);
  });

  it('adds jobs of one id once, in one call, in several, and after it was done', async () => {
    const { queue, runs } = await queueWith();
    await queue.add([job('same'), job('same'), job('other')]);
    await Promise.all([queue.add([job('same')]), queue.add([job('same')])]);
    await under.activity.idle();
    await queue.add([job('same')]);
    await under.activity.idle();
    expect(runs.map(({ data }) => (data as { id: string }).id).sort()).to.deep.equal(['other', 'same']);
  });

  it('takes any id a caller may have', async () => {
    const { queue, runs } = await queueWith();
    const ids = ['1', 'a:b', 'a:b:c', 'ü/✓ %', 'x'.repeat(200)];
    await queue.add(ids.map((id) => job(id)));
    await under.activity.idle();
    expect(runs.map(({ data }) => (data as { id: string }).id)).to.have.members(ids);
    for (const id of ['', 'x'.repeat(600)]) {
      const error = await queue.add([job(id)]).catch((reason) => reason);
      expect(error.message).to.match(/a job id has 1 to/);
    }
  });

  it('runs every job of a large batch', async () => {
    const { queue, runs } = await queueWith();
    await queue.add(Array.from({ length: 40 }, (_, index) => job(`n${index}`)));
    await under.activity.idle();
    expect(new Set(runs.map(({ data }) => (data as { id: string }).id)).size).to.equal(40);
    expect(runs).to.have.length(40);
  });

  it('tries again what failed, until it succeeds', async () => {
    const { queue, runs } = await queueWith(async ({ attempt }) => {
      if (attempt < 3) throw new Error('not yet');
    });
    await queue.add([job('a', quickly)]);
    await under.activity.idle();
    expect(runs.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3]);
    expect(await queue.dead(10)).to.deep.equal([]);
  });

  it('keeps what used up its attempts, and runs it again when told to', async () => {
    let broken = true;
    const { queue, runs } = await queueWith(async () => {
      if (broken) throw new Error('the counterparty is away');
    });
    await queue.add([job('a', quickly)]);
    await under.activity.idle();
    expect(runs).to.have.length(3);
    expect(await queue.dead(10)).to.deep.equal([
      { id: 'a', name: 'send', data: { id: 'a' }, reason: 'the counterparty is away' },
    ]);
    expect(await queue.counts()).to.deep.equal({ waiting: 0, active: 0, delayed: 0, failed: 1 });

    await queue.add([job('a', quickly)]);
    await under.activity.idle();
    expect(runs, 'its id is known').to.have.length(3);

    broken = false;
    expect(await queue.redrive(10)).to.equal(1);
    await under.activity.idle();
    expect(runs).to.have.length(4);
    expect(await queue.dead(10)).to.deep.equal([]);
    expect(await queue.redrive(10)).to.equal(0);
  });

  it('shows and redrives no more dead jobs than it is asked for, the oldest first', async () => {
    let broken = true;
    const { queue, runs } = await queueWith(async () => {
      if (broken) throw new Error('away');
    });
    for (const id of ['a', 'b', 'c']) {
      await queue.add([job(id, { attempts: 1 })]);
      await under.activity.idle();
    }
    expect((await queue.dead(2)).map(({ id }) => id)).to.deep.equal(['a', 'b']);
    broken = false;
    expect(await queue.redrive(1)).to.equal(1);
    await under.activity.idle();
    expect((await queue.dead(10)).map(({ id }) => id)).to.deep.equal(['b', 'c']);
    expect(runs.at(-1)?.data).to.deep.equal({ id: 'a' });
  });

  it('has one queue a subscriber, with one set of handlers, and knows which are open', async () => {
    const { queue } = await queueWith();
    expect(await under.engine.open(`test-${serial - 1}.example`)).to.equal(queue);
    expect((await under.engine.opened()).filter(({ name }) => name === queue.name)).to.deep.equal([queue]);
    const again = await queue.process({}).catch((error) => error);
    expect(again.message).to.match(/has its handlers already/);
    await queue.add([]);
    expect(await queue.counts()).to.deep.equal({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it('pauses longer after each failed attempt', async () => {
    const atMs: number[] = [];
    const { queue } = await queueWith(async () => {
      atMs.push(performance.now());
      throw new Error('away');
    });
    await queue.add([job('a', { attempts: 3, backoffMs: 60 })]);
    await under.activity.idle();
    // A pause may be longer than told, never shorter; a millisecond for the rounding of clocks.
    const [first = 0, second = 0, third = 0] = atMs;
    expect(second - first).to.be.at.least(59);
    expect(third - second).to.be.at.least(119);
  });

  it('lists a job without a handler among the dead', async () => {
    const { queue } = await queueWith();
    await queue.add([job('a', { name: 'unheard-of', attempts: 1 })]);
    await under.activity.idle();
    expect((await queue.dead(10)).map(({ name, reason }) => ({ name, reason }))).to.deep.equal([
      { name: 'unheard-of', reason: 'no handler for jobs of the name unheard-of' },
    ]);
  });

  it('runs a delayed job later than one that is not', async () => {
    const seen: string[] = [];
    let both = () => {};
    const done = new Promise<void>((resolve) => {
      both = resolve;
    });
    const { queue } = await queueWith(async ({ data }) => {
      seen.push((data as { id: string }).id);
      if (seen.length === 2) both();
    });
    await queue.add([job('late', { delayMs: 150 })]);
    expect((await queue.counts()).delayed).to.equal(1);
    await queue.add([job('now')]);
    await done;
    await under.activity.idle();
    expect(seen).to.deep.equal(['now', 'late']);
  });

  it('is busy from the adding of a job to its end, retries included', async () => {
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { queue } = await queueWith(() => gate);
    expect(under.activity.inFlight).to.equal(0);
    await queue.add([job('a')]);
    expect(under.activity.inFlight).to.equal(1);
    letGo();
    await under.activity.idle();
    expect(await queue.counts()).to.deep.equal({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it('keeps the jobs of subscribers apart', async () => {
    const [one, two] = [await queueWith(), await queueWith()];
    await one.queue.add([job('a')]);
    await under.activity.idle();
    await two.queue.add([job('a')]);
    await under.activity.idle();
    expect([one.runs.length, two.runs.length]).to.deep.equal([1, 1]);
  });

  it('holds jobs that nobody processes yet', async () => {
    const queue = await under.engine.open('later.example');
    await queue.add([job('a')]);
    expect((await queue.counts()).waiting).to.equal(1);
    const ran = new Promise<void>((resolve) => void queue.process({ send: async () => resolve() }));
    await ran;
    await under.activity.idle();
  });

  it('lets a running job end before it closes, and then takes none', async () => {
    const events: string[] = [];
    let started = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const { queue } = await queueWith(async () => {
      started();
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      events.push('job ended');
    });
    await queue.add([job('a')]);
    await running;
    await under.engine.close();
    events.push('closed');
    expect(events).to.deep.equal(['job ended', 'closed']);
    expect((await queue.add([job('b')]).catch((error) => error)).message).to.match(/closed/);
  });
}
