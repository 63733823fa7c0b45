import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { freePort } from '../../http/free-port.ts';
import { testDeps } from '../../testing/quiet.ts';
import { needsRedis, type RedisServer, startRedis } from '../../testing/redis.ts';
import { engineLimits } from '../limits.ts';
import { queueConformance } from './conformance.ts';
import type { Job, JobQueueEngine } from './port.ts';
import { redisQueueEngine } from './redis.ts';

const job = (id: string, more: Partial<Job> = {}): Job => ({ name: 'send', id, data: { id }, ...more });
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => error.message,
  );

describe('job queue redis', () => {
  before(needsRedis);
  queueConformance(async () => {
    const server = await startRedis();
    const deps = testDeps();
    const engine = await redisQueueEngine(server.url, deps);
    return { engine, activity: deps.activity, close: () => server.stop() };
  });
});

describe('a queue and the faults of its Redis', function () {
  this.timeout(60_000);
  before(needsRedis);

  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function server(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
    const started = await startRedis(options);
    closing.push(() => started.stop());
    return started;
  }
  async function engineAt(url: string, deps = testDeps()): Promise<JobQueueEngine> {
    const engine = await redisQueueEngine(url, deps);
    closing.push(() => engine.close());
    return engine;
  }
  /** Resolves with the ids that were worked on, once there are `count` different ones. */
  function collect(count: number) {
    const ids: string[] = [];
    let finished = () => {};
    const done = new Promise<string[]>((resolve) => {
      finished = () => resolve(ids);
    });
    const send = async (data: unknown) => {
      ids.push((data as { id: string }).id);
      if (new Set(ids).size === count) finished();
    };
    return { done, handlers: { send } };
  }
  const admin = async (at: RedisServer, ...settings: [string, string][]) => {
    const client = new Redis(at.url);
    try {
      for (const [name, value] of settings) await client.config('SET', name, value);
    } finally {
      client.disconnect();
    }
  };

  it('loses no added job when Redis is killed and started again', async () => {
    const first = await server();
    const queue = await (await engineAt(first.url)).open('bpp.example');
    await queue.add(Array.from({ length: 30 }, (_, index) => job(`n${index}`)));
    await first.kill();
    expect(await messageOf(queue.add([job('meanwhile')]))).to.match(/^1 jobs not added: Redis is away: redis:\/\/127/);
    await server({ port: first.port, folder: first.folder });
    const { done, handlers } = collect(30);
    await queue.process(handlers);
    expect((await done).sort()).to.deep.equal(Array.from({ length: 30 }, (_, index) => `n${index}`).sort());
  });

  it('rejects within its bound while Redis is away, and is of use again without a restart', async () => {
    const first = await server();
    const deps = testDeps();
    const queue = await (await engineAt(first.url, deps)).open('bpp.example');
    const { done, handlers } = collect(2);
    await queue.process(handlers);
    await queue.add([job('before')]);
    await deps.activity.idle();
    await first.kill();
    const begunMs = performance.now();
    expect(await messageOf(queue.add([job('lost')]))).to.match(/Redis is away/);
    expect(performance.now() - begunMs).to.be.below(engineLimits.queueAddMs + 500);
    expect(await messageOf(queue.counts())).to.match(/jobs not counted: Redis is away/);
    expect(deps.activity.inFlight).to.equal(0);
    await server({ port: first.port, folder: first.folder });
    while ((await messageOf(queue.add([job('after')]))) !== 'no error') await new Promise((r) => setTimeout(r, 20));
    expect(await done).to.deep.equal(['before', 'after']);
  });

  it('does not wait for ever for a Redis that hangs', async () => {
    const hung = await server();
    const queue = await (await engineAt(hung.url)).open('bpp.example');
    hung.child.kill('SIGSTOP');
    expect(await messageOf(queue.add([job('a')]))).to.equal(
      `1 jobs not added: no answer within ${engineLimits.queueAddMs} ms`,
    );
    hung.child.kill('SIGCONT');
    // What was on its way may have arrived: the id makes the repetition one job.
    await queue.add([job('a')]);
    expect((await queue.counts()).waiting).to.equal(1);
  });

  it('closes within a bound while Redis is away', async () => {
    const gone = await server();
    const deps = testDeps();
    const engine = await redisQueueEngine(gone.url, deps);
    const queue = await engine.open('bpp.example');
    await queue.process({ send: async () => {} });
    await gone.kill();
    await engine.close();
    expect(await messageOf(queue.add([job('a')]))).to.equal('the job queue is closed');
  });

  it('says that Redis is full, and goes on when there is room again', async () => {
    const full = await server();
    const queue = await (await engineAt(full.url)).open('bpp.example');
    await admin(full, ['maxmemory', '1mb']);
    expect(await messageOf(queue.add([job('a')]))).to.match(/^1 jobs not added: Redis is full: raise its maxmemory/);
    await admin(full, ['maxmemory', '0']);
    const { done, handlers } = collect(1);
    await queue.add([job('a')]);
    await queue.process(handlers);
    expect(await done).to.deep.equal(['a']);
  });

  it('says that Redis cannot save, and goes on when it can', async () => {
    const at = await server({ args: ['--save', '3600 1', '--dbfilename', 'dump.rdb'] });
    const queue = await (await engineAt(at.url)).open('bpp.example');
    // A folder in the place of the snapshot, that not even root can replace by a file.
    mkdirSync(join(at.folder, 'dump.rdb', 'in-the-way'), { recursive: true });
    const client = new Redis(at.url);
    closing.push(async () => client.disconnect());
    const saved = async (status: string) => {
      await client.bgsave();
      const info = async () => /rdb_last_bgsave_status:(\w+)/.exec(await client.info('persistence'))?.[1];
      while (/rdb_bgsave_in_progress:1/.test(await client.info('persistence')))
        await new Promise((r) => setTimeout(r, 20));
      expect(await info()).to.equal(status);
    };
    await saved('err');
    expect(await messageOf(queue.add([job('a')]))).to.match(
      /^1 jobs not added: Redis refuses writes because it cannot/,
    );
    rmSync(join(at.folder, 'dump.rdb'), { recursive: true });
    await saved('ok');
    await queue.add([job('a')]);
    expect((await queue.counts()).waiting).to.equal(1);
  });

  it('takes up what a killed worker process was doing, and repeats nothing that was done', async () => {
    const at = await server();
    const queue = await (await engineAt(at.url)).open('bpp.example');
    const ids = Array.from({ length: 24 }, (_, index) => `n${index}`);
    await queue.add(ids.map((id) => job(id)));
    const program = join(import.meta.dirname, '..', '..', 'testing', 'queue-worker.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', program, at.url, 'bpp.example'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    closing.push(async () => void child.kill('SIGKILL'));
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      // The second eight have begun: eight jobs are done, eight are active.
      if (lines.filter((said) => said.startsWith('begin')).length === 16) child.kill('SIGKILL');
    }
    const of = (word: string) => lines.filter((line) => line.startsWith(word)).map((line) => line.split(' ')[1]);
    const finished = of('end');
    expect(finished).to.have.length.of.at.least(8);
    const { done, handlers } = collect(ids.length - finished.length);
    await queue.process(handlers);
    const taken = await done;
    expect(new Set([...taken, ...finished])).to.deep.equal(new Set(ids));
    expect(taken.length, 'each once').to.equal(new Set(taken).size);
    // The last of them may have ended without Redis having heard of it.
    const unheard = taken.filter((id) => finished.includes(id));
    expect(unheard.every((id) => finished.slice(-8).includes(id))).to.equal(true);
    expect(await queue.dead(10)).to.deep.equal([]);
  });

  it('keeps deployments of one server apart by their prefix', async () => {
    const at = await server();
    const [one, two] = [
      await (await engineAt(`${at.url}?prefix=one`)).open('bpp.example'),
      await (await engineAt(`${at.url}/0?prefix=two`)).open('bpp.example'),
    ];
    await one.add([job('a')]);
    expect([(await one.counts()).waiting, (await two.counts()).waiting]).to.deep.equal([1, 0]);
  });

  it('shares the jobs of one deployment between processes', async () => {
    const at = await server();
    const [one, two] = [
      await (await engineAt(at.url)).open('b.example'),
      await (await engineAt(at.url)).open('b.example'),
    ];
    const { done, handlers } = collect(40);
    const byTwo: unknown[] = [];
    await one.process(handlers, { concurrency: 1 });
    const both = async (data: unknown) => {
      byTwo.push(data);
      await handlers.send(data);
    };
    await two.process({ send: both }, { concurrency: 1 });
    await one.add(Array.from({ length: 40 }, (_, index) => job(`n${index}`)));
    expect(await done).to.have.length(40);
    expect(byTwo.length).to.be.within(1, 39);
  });

  it('needs the password, takes it from the URL, and repeats it nowhere', async () => {
    const at = await server({ args: ['--requirepass', 'p@ss/w:rd'] });
    const deps = testDeps();
    const given = (password: string) => at.url.replace('//', `//:${encodeURIComponent(password)}@`);
    const queue = await (await engineAt(given('p@ss/w:rd'), deps)).open('bpp.example');
    await queue.add([job('a')]);
    for (const url of [at.url, given('wr0ng')]) {
      const text = await messageOf(redisQueueEngine(url, deps));
      expect(text).to.match(/^Redis refuses this user: check user and password of the queue URL/);
      expect(text).to.not.contain('wr0ng');
    }
    expect(JSON.stringify(deps.log.lines)).to.not.contain('p@ss').and.not.contain('p%40ss');
  });

  it('says how durable Redis is, and refuses one that evicts jobs', async () => {
    const deps = testDeps();
    const durable = await server();
    await engineAt(durable.url, deps);
    expect(deps.log.lines.at(-1)?.fields).to.include({ appendonly: true, appendfsync: 'always' });
    const forgetful = await server({ args: ['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'] });
    await engineAt(forgetful.url, deps);
    expect(deps.log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text)).to.deep.equal([
      `redis://127.0.0.1:${forgetful.port}/0 has maxmemory-policy allkeys-lru, which throws jobs away when memory is short: set it to noeviction`,
      'Redis keeps no append-only file: a crash of Redis loses jobs; set appendonly yes',
    ]);
    await admin(forgetful, ['maxmemory', '100mb']);
    expect(await messageOf(redisQueueEngine(forgetful.url, deps))).to.match(/set it to noeviction$/);
  });

  it('waits for a Redis that starts beside it, and gives up in time', async () => {
    const port = await freePort();
    const opening = redisQueueEngine(`redis://127.0.0.1:${port}`, testDeps());
    await server({ port });
    await (await opening).close();
    const late = { ...testDeps(), wall: { ...testDeps().wall, sleep: async () => {} } };
    const never = await messageOf(redisQueueEngine(`redis://127.0.0.1:${await freePort()}`, late));
    expect(never).to.match(/^no answer within/);
  });
});
