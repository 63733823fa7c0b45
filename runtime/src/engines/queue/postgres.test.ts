import { expect } from 'chai';
import { sql } from 'kysely';
import { needsPostgres, type PostgresServer, startPostgres } from '../../testing/postgres.ts';
import { testDeps } from '../../testing/quiet.ts';
import { subscriberName } from '../database/names.ts';
import { openPostgres } from '../database/postgres.ts';
import { queueConformance } from './conformance.ts';
import { postgresQueueEngine } from './postgres.ts';

describe('job queue postgres', function () {
  this.timeout(60_000);
  const deps = testDeps();
  let server: PostgresServer;
  let url: string;
  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
    url = await server.createDatabase();
  });
  after(() => server?.stop());

  describe('as every queue', () => {
    queueConformance(async () => ({
      engine: postgresQueueEngine(url, deps),
      activity: deps.activity,
      async close() {},
    }));
  });

  it('subscriber_cannot_read_jobs_with_sql', async () => {
    const engine = postgresQueueEngine(url, deps);
    await (await engine.open('bap.example')).add([{ name: 'send', id: 'a', data: { secret: true } }]);
    const database = await openPostgres({ url, ...deps });
    const db = await database.open('bpp.example', {});
    const error = await sql`select * from bullmq.job`.execute(db).catch((reason) => reason);
    expect(error.code).to.equal('42501');
    await database.close();
    await engine.close();
  });

  it('sets its tables up once, however many processes start', async () => {
    const at = await server.createDatabase();
    const engines = [1, 2, 3].map(() => postgresQueueEngine(at, deps));
    const queues = await Promise.all(engines.map((engine) => engine.open('at-once.example')));
    await Promise.all(queues.map((queue) => queue.add([{ name: 'send', id: 'same', data: 1 }])));
    expect((await queues[0]!.counts()).waiting).to.equal(1);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it('leaves a job to the process that works at it, and takes over that of a dead one', async () => {
    const name = subscriberName('crash.example');
    const before = postgresQueueEngine(url, deps);
    await (await before.open('crash.example')).add([{ name: 'send', id: 'cut-off', data: 1 }]);
    await before.close();
    // A worker takes the job, with its lock, and is heard of no more.
    const active = (lockMs: number, nowMs: number) =>
      server.admin(
        `set search_path to bullmq;
         select * from move_to_active('${name}', 'dead-worker', ${lockMs}, ${nowMs}, null, null, null)`,
        new URL(url).pathname.slice(1),
      );
    await active(1, deps.wall.nowMs() - 60_000);
    const engine = postgresQueueEngine(url, deps);
    const queue = await engine.open('crash.example');
    expect(await queue.counts()).to.deep.include({ active: 1, waiting: 0 });
    const data = await new Promise((resolve) => void queue.process({ send: async (value) => resolve(value) }));
    expect(data).to.equal(1);
    await deps.activity.idle();
    await engine.close();
  });

  it('rejects an add within its bound when the server does not answer, and goes on when it does', async () => {
    const engine = postgresQueueEngine(url, deps);
    const queue = await engine.open('away.example');
    const hung = server.admin(
      'begin; lock table bullmq.job in access exclusive mode; select pg_sleep(2); commit',
      new URL(url).pathname.slice(1),
    );
    for (let tries = 0; ; tries++) {
      const rows = await server.admin("select from pg_locks where mode = 'AccessExclusiveLock' and granted");
      if (rows.length > 0 || tries > 1_000) break;
    }
    const error = await queue.add([{ name: 'send', id: 'a', data: 1 }]).catch((reason) => reason);
    expect(error.message).to.match(/1 jobs not added: no answer within/);
    expect(deps.activity.inFlight).to.equal(0);
    await hung;
    await queue.add([{ name: 'send', id: 'a', data: 1 }]);
    expect((await queue.counts()).waiting).to.equal(1);
    await engine.close();
  });

  it('goes on after its connections were cut', async () => {
    const engine = postgresQueueEngine(url, deps);
    const queue = await engine.open('cut.example');
    const seen: unknown[] = [];
    await queue.process({ send: async (data) => void seen.push(data) });
    await queue.add([{ name: 'send', id: 'before', data: 'before' }]);
    await deps.activity.idle();
    await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'flexder'");
    for (let tries = 0; tries < 20; tries++) {
      const added = await queue.add([{ name: 'send', id: 'after', data: 'after' }]).then(
        () => true,
        () => false,
      );
      if (added) break;
    }
    await deps.activity.idle();
    expect(seen).to.deep.equal(['before', 'after']);
    await engine.close();
  });
});
