import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { JobQueue } from '@flexder/runtime/engines/queue/port.ts';
import { recordingLogger } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import type { ProcessConfig } from '../settings/config.ts';
import { reachable } from './base.ts';
import type { Start } from './kind.ts';
import { openOperations } from './operations.ts';
import { type Ready, runService } from './process.ts';

const noMetrics = { text: async () => '' };
const CONFIG: ProcessConfig = {
  dataDir: '/nowhere',
  logLevel: 'silent',
  healthHost: '127.0.0.1',
  healthPort: 0,
  drainMs: 100,
  engines: { databaseUrl: '', queueUrl: '', mqttUrl: '', eventsUrl: '', archiveUrl: '' },
};

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Runs `start` until the returned `stop` is called. */
function run(start: Start) {
  const stopping = deferred<void>();
  const ready = deferred<Ready>();
  let reload = () => {};
  const onReload = (run: () => void) => {
    reload = run;
  };
  const ended = runService('bap', CONFIG, start, { stop: stopping.promise, onReload }, ready.resolve);
  ended.catch(ready.reject);
  return { ready: ready.promise, ended, stop: stopping.resolve, reload: () => reload() };
}

async function ask(url: string) {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

/** With any Host and Origin, which fetch does not let one set. */
function raw(url: string, method: string, headers: Record<string, string>) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asking = request(url, { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

describe('the life of a service process', () => {
  const healthy = { ready: true, dependencies: {} };

  it('is live and not ready while it starts, ready then, and not ready before its doors close', async () => {
    const closed = deferred<void>();
    const begin = deferred<void>();
    const steps: string[] = [];
    const service = run(async (base) => {
      base.keep({
        async close() {
          steps.push('closing');
          await closed.promise;
        },
      });
      await begin.promise;
      return { url: 'http://door', health: async () => healthy, measure: () => base.metrics.gauge('measured', 7) };
    });
    begin.resolve();
    const { health, ...said } = await service.ready;
    expect(said).to.deep.equal({ service: 'bap', url: 'http://door' });
    expect(await ask(`${health}/health/ready`)).to.deep.equal({ status: 200, text: JSON.stringify(healthy) });
    expect((await ask(`${health}/metrics`)).text).to.include('flexder_measured{service="bap"} 7');
    expect((await ask(`${health}/elsewhere`)).status).to.equal(404);
    expect(steps).to.deep.equal([]);
    service.stop();
    const draining = await ask(`${health}/health/ready`);
    expect(draining.status).to.equal(503);
    expect(draining.text).to.include('stopping');
    expect((await ask(`${health}/health/live`)).status).to.equal(200);
    closed.resolve();
    await service.ended;
    expect(steps).to.deep.equal(['closing']);
    expect(await ask(health).catch(() => 'closed')).to.equal('closed');
  });

  it('shows its job queues to who asks from this machine, and tries dead jobs again', async () => {
    const dead = [{ id: 'a', name: 'send', data: { n: 1 }, reason: 'the counterparty is away' }];
    const asked: number[] = [];
    const queue = {
      name: 'bap_1',
      counts: async () => ({ waiting: 1, active: 0, delayed: 2, failed: dead.length }),
      dead: async (limit: number) => dead.slice(0, limit),
      redrive: async (limit: number) => asked.push(limit),
    } as unknown as JobQueue;
    const operations = await openOperations({ host: '127.0.0.1', port: 0, wall: systemWallClock() }, noMetrics);
    expect(await ask(`${operations.url}/queue`)).to.deep.equal({ status: 200, text: '[]' });
    operations.showQueues(async () => [queue]);
    const counts = { queue: 'bap_1', waiting: 1, active: 0, delayed: 2, failed: 1 };
    expect(JSON.parse((await ask(`${operations.url}/queue`)).text)).to.deep.equal([counts]);
    expect(JSON.parse((await ask(`${operations.url}/queue/dead`)).text)).to.deep.equal([
      { queue: 'bap_1', ...dead[0] },
    ]);
    const redrive = (headers: Record<string, string>, method = 'POST', limit = '7') =>
      raw(`${operations.url}/queue/redrive?limit=${limit}`, method, headers);
    expect((await redrive({}, 'GET')).status).to.equal(405);
    expect((await redrive({}, 'POST', '0')).status).to.equal(400);
    const foreign: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { host: 'evil.example' },
      { 'x-forwarded-for': '10.0.0.1' },
    ];
    for (const headers of foreign) expect((await redrive(headers)).status, JSON.stringify(headers)).to.equal(403);
    expect(asked).to.deep.equal([]);
    expect(await redrive({})).to.deep.equal({ status: 200, text: '{"redriven":1}' });
    expect(asked).to.deep.equal([7]);
    await operations.close();
  });

  it('a start that fails closes what was opened and says why', async () => {
    let closed = 0;
    const service = run(async (base) => {
      base.keep({
        async close() {
          closed++;
        },
      });
      throw new Error('no registry');
    });
    service.ready.catch(() => {});
    expect(await service.ended.catch((error: Error) => error.message)).to.equal('no registry');
    expect(closed).to.equal(1);
  });

  it('hands a reload to the service', async () => {
    let reloads = 0;
    const service = run(async (base) => {
      base.onReload(() => {
        reloads++;
      });
      return { url: '', health: async () => healthy };
    });
    await service.ready;
    service.reload();
    expect(reloads).to.equal(1);
    service.stop();
    await service.ended;
  });

  it('health that cannot be told is 503, not an end of the process', async () => {
    const service = run(async () => ({
      url: '',
      health: async () => {
        throw new Error('a bug');
      },
    }));
    const { health } = await service.ready;
    expect((await ask(`${health}/health/ready`)).status).to.equal(503);
    expect((await ask(`${health}/health/live`)).status).to.equal(200);
    service.stop();
    await service.ended;
  });
});

describe('waiting for a peer', () => {
  const parts = () => ({ wall: systemWallClock(), log: recordingLogger() });

  it('ends when it accepts connections, and fails within its bound when it does not', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await reachable(parts(), 'the broker', url, 0);
    await new Promise((resolve) => server.close(resolve));
    const failed = await reachable(parts(), 'the broker', url, 0).catch((error: Error) => error.message);
    expect(failed).to.include(`nothing answers at ${url} (the broker)`);
  });

  it('goes on asking, and says once whom it waits for', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { log, wall } = parts();
    const waiting = reachable({ wall, log }, 'the registry', `http://127.0.0.1:${port}`);
    const later = createServer();
    await new Promise((resolve) => setTimeout(resolve, 400));
    await new Promise<void>((resolve) => later.listen(port, '127.0.0.1', resolve));
    await waiting;
    expect(log.lines.map(({ text }) => text)).to.deep.equal(['waiting for a peer']);
    await new Promise((resolve) => later.close(resolve));
  });
});
