import { expect } from 'chai';
import { sql } from 'kysely';
import { testDeps } from '../../testing/quiet.ts';
import { subscriberName } from '../database/names.ts';
import { openPglite } from '../database/pglite.ts';
import { inTurn } from '../database/pool.ts';
import { engineLimits } from '../limits.ts';
import { queueConformance } from './conformance.ts';
import { pgliteQueueEngine } from './pglite.ts';

describe('job queue pglite', () => {
  const deps = testDeps();
  let database: Awaited<ReturnType<typeof openPglite>>;
  before(async () => {
    database = await openPglite({ location: 'memory', ...deps });
  });
  after(() => database.close());

  queueConformance(async () => ({
    engine: pgliteQueueEngine(database.shared, deps),
    activity: deps.activity,
    close: async () => {},
  }));

  it('subscriber_cannot_read_jobs_with_sql', async () => {
    const engine = pgliteQueueEngine(database.shared, deps);
    const queue = await engine.open('bap.example');
    await queue.add([{ name: 'send', id: 'a', data: { secret: true } }]);
    const db = await database.open('bpp.example', {});
    const error = await sql`select * from bullmq.job`.execute(db).catch((reason) => reason);
    expect(error.code).to.equal('42501');
    await engine.close();
  });

  it('takes up at once what a process was doing when it died', async () => {
    const before = pgliteQueueEngine(database.shared, deps);
    await (await before.open('crash.example')).add([{ name: 'send', id: 'cut-off', data: 1 }]);
    await before.close();
    // A worker takes the job, with its lock, and is heard of no more.
    await inTurn(database.shared, { role: 'flexder_queue', schema: 'bullmq' }, (session) =>
      session.run('select * from move_to_active($1, $2, $3, $4, null, null, null)', [
        subscriberName('crash.example'),
        'dead-worker',
        engineLimits.queueLockMs,
        deps.wall.nowMs(),
      ]),
    );

    const engine = pgliteQueueEngine(database.shared, deps);
    const queue = await engine.open('crash.example');
    expect(await queue.counts()).to.deep.include({ active: 0, waiting: 1 });
    const data = await new Promise((resolve) => void queue.process({ send: async (value) => resolve(value) }));
    expect(data).to.equal(1);
    await deps.activity.idle();
    await engine.close();
  });

  it('rejects an add within its bound when the database does not answer', async () => {
    const engine = pgliteQueueEngine(database.shared, deps);
    const queue = await engine.open('away.example');
    const end = await database.shared.session.turns.take(() => () => {});
    const error = await queue.add([{ name: 'send', id: 'a', data: 1 }]).catch((reason) => reason);
    end();
    expect(error.message).to.match(/1 jobs not added: no answer within/);
    expect(deps.activity.inFlight).to.equal(0);
    await queue.add([{ name: 'send', id: 'a', data: 1 }]);
    expect((await queue.counts()).waiting).to.equal(1);
    await engine.close();
  });
});
