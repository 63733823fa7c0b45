/** `flexder queue` on a job queue of the embedded engine, shown as a service shows it. */

import { openPglite, type PgliteDatabase } from '@flexder/runtime/engines/database/pglite.ts';
import { pgliteQueueEngine } from '@flexder/runtime/engines/queue/pglite.ts';
import type { JobQueueEngine } from '@flexder/runtime/engines/queue/port.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { type Operations, openOperations } from '@flexder/sandbox/serve/process/operations.ts';
import { expect } from 'chai';
import { askUntil } from '../harness/processes.ts';
import { flexderBeside } from './flexder.ts';

describe('flexder queue', function () {
  this.timeout(90_000);
  const deps = testDeps();
  const done: unknown[] = [];
  let away = true;
  let database: PgliteDatabase;
  let engine: JobQueueEngine;
  let operations: Operations;

  const ask = (verb: string, ...more: string[]) => flexderBeside(['queue', verb, '--url', operations.url, ...more]);
  const linesOf = (out: string) =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  before(async function () {
    thorough.call(this);
    database = await openPglite({ location: 'memory', ...deps });
    engine = pgliteQueueEngine(database.shared, deps);
    operations = await openOperations({ host: '127.0.0.1', port: 0, wall: deps.wall }, { text: async () => '' });
    operations.showQueues(() => engine.opened());
    const queue = await engine.open('dso-1');
    await queue.process({
      send: async (data) => {
        if (away) throw new Error('the counterparty is away');
        done.push(data);
      },
    });
    await queue.add([1, 2].map((n) => ({ name: 'send', id: `job-${n}`, data: { n }, attempts: 1 })));
    await askUntil(
      () => queue.counts(),
      ({ failed }) => failed === 2,
    );
  });
  after(async () => {
    await engine?.close();
    await operations?.close();
    await database?.close();
  });

  it('status counts the jobs of each queue, and fails while there are dead ones', async () => {
    const { code, out, err } = await ask('status');
    expect(code, err).to.equal(1);
    const [counts, ...more] = linesOf(out);
    expect(more).to.deep.equal([]);
    expect(counts).to.include({ waiting: 0, active: 0, delayed: 0, failed: 2 });
    expect(counts.queue).to.match(/^p_dso_1_/);
    expect(err).to.include('2 dead jobs');
  });

  it('dead shows them with the reason, as many as asked for', async () => {
    const { code, out } = await ask('dead');
    expect(code).to.equal(0);
    const jobs = linesOf(out) as { data: { n: number }; reason: string }[];
    expect(jobs.map(({ data }) => data.n)).to.have.members([1, 2]);
    for (const job of jobs) expect(job).to.include({ name: 'send', reason: 'the counterparty is away' });
    expect(linesOf((await ask('dead', '--limit', '1')).out)).to.have.lengthOf(1);
    expect(done).to.deep.equal([]);
  });

  it('redrive tries them again, and nothing is dead then', async () => {
    away = false;
    const { code, out, err } = await ask('redrive');
    expect(code, err).to.equal(0);
    expect(linesOf(out)).to.deep.equal([{ redriven: 2 }]);
    await askUntil(
      async () => done.length,
      (length) => length === 2,
    );
    expect(done).to.have.deep.members([{ n: 1 }, { n: 2 }]);
    const status = await ask('status');
    expect(status.code, status.err).to.equal(0);
    expect(linesOf(status.out)[0]).to.include({ failed: 0 });
    const dead = await ask('dead');
    expect([dead.code, dead.out, dead.err]).to.deep.equal([0, '', 'No job is dead.\n']);
  });

  it('says what was asked wrongly, and where nobody or somebody else answers', async () => {
    const wrong: [string[], string][] = [
      [['status'], '--url is required'],
      [['status', '--url', 'here'], '--url "here" is no URL'],
      [['status', '--url', 'http://127.0.0.1:1'], 'no service answers at http://127.0.0.1:1'],
      [['dead', '--url', operations.url, '--limit', '0'], '--limit must be a whole number from 1'],
      [['drop', '--url', operations.url], 'say what to do'],
    ];
    for (const [args, why] of wrong) {
      const { code, err } = await flexderBeside(['queue', ...args]);
      expect(code, why).to.equal(2);
      expect(err).to.include(why);
    }
    const engineAway = await openOperations({ host: '127.0.0.1', port: 0, wall: deps.wall }, { text: async () => '' });
    engineAway.showQueues(async () => {
      throw new Error('Redis is away');
    });
    const { code, err } = await flexderBeside(['queue', 'status', '--url', engineAway.url]);
    await engineAway.close();
    expect(code).to.equal(2);
    expect(err).to.include('answered 503: Redis is away');
  });
});
