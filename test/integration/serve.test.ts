/** Every service as a process of its own, as `flexder serve plan` lays them out: up, trading, and down again. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';
import { expect } from 'chai';
import { flexder } from '../cli/flexder.ts';
import { askUntil, getJson, type Running, startProcess, stopProcess } from '../harness/processes.ts';
import { found, secretsIn } from '../harness/secrets.ts';

/** Whatever could be said is said. */
const DEBUG = { FLEXDER_LOG_LEVEL: 'debug' };

describe('services as processes of their own', function () {
  this.timeout(90_000);

  const running = new Map<string, Running>();
  let dir: string;
  let services: PlannedService[];
  const of = (name: string) => running.get(name)!;
  const launch = async (name: string, variables?: Record<string, string>) => {
    const one = startProcess(services.find((service) => service.name === name)!, variables);
    running.set(name, one);
    return one.ready;
  };

  before(async function () {
    thorough.call(this);
    dir = mkdtempSync(join(tmpdir(), 'flexder-serve-'));
    const plan = flexder(['serve', 'plan', '--dir', dir, '--ders', '24', '--telemetry-seconds', '2', '--json']);
    expect(plan.code, plan.err).to.equal(0);
    services = JSON.parse(plan.out).services;
    // A limit that the feeder is above from its first reading on.
    const path = join(dir, 'feeders.json');
    const [first, ...others] = JSON.parse(readFileSync(path, 'utf8')) as { limitKw: number }[];
    writeFileSync(path, JSON.stringify([{ ...first, limitKw: first!.limitKw * 0.6 }, ...others]));
    await Promise.all(['registry', 'gateway', 'broker', 'bap', 'bpp-1', 'bpp-2'].map((name) => launch(name, DEBUG)));
    await launch('fleet', DEBUG);
  });

  after(async () => {
    for (const { child } of running.values()) if (child.exitCode === null) child.kill('SIGKILL');
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it('each says where it is and is live and ready', async () => {
    for (const { name, kind, url, health, ready } of running.values()) {
      expect(await ready, name).to.deep.equal({ service: kind, url, health });
      expect(await getJson(`${health}/health/live`), name).to.deep.equal({ status: 200, body: { live: true } });
      const { status, body } = await getJson(`${health}/health/ready`);
      expect({ name, status, ready: body.ready }).to.deep.equal({ name, status: 200, ready: true });
      const metrics = await fetch(`${health}/metrics`);
      expect(metrics.status, name).to.equal(200);
    }
    expect(running.size).to.equal(7);
  });

  it('devices are online at their aggregators, and what the feeders draw arrives at the DSO', async () => {
    for (const name of ['bpp-1', 'bpp-2']) {
      const { body } = await askUntil(
        () => getJson(`${of(name).url}/api/v1/portfolio`),
        ({ body }) => devicesOf(body).every((der) => der.readAt !== null),
      );
      expect(devicesOf(body)).to.have.lengthOf(12);
      expect(devicesOf(body).every((der) => der.online)).to.equal(true);
    }
    const { body } = await askUntil(
      () => getJson(`${of('bap').url}/api/v1/snapshot`),
      ({ body }) => (body.feeders as { powerKw: number | null }[]).every(({ powerKw }) => powerKw !== null),
    );
    expect(body.feeders).to.have.lengthOf(3);
  });

  it('an overload is relieved across them: orders are bought and devices answer', async () => {
    const { body } = await askUntil(
      () => getJson(`${of('bap').url}/api/v1/summary`),
      ({ body }) => (body.acks as { accepted: number }).accepted > 0,
    );
    expect(body.orders).to.be.above(0);
    expect(body.commands).to.be.above(0);
  });

  it('no secret is in a log, a metric, an answer or the page', async () => {
    const secrets = secretsIn(dir);
    expect(secrets.size, 'passwords of devices, feeders and services').to.be.above(30);
    const texts = new Map<string, string>();
    for (const { name, url, health, log } of running.values()) {
      texts.set(`log of ${name}`, log());
      const paths = [`${health}/metrics`, `${health}/health/ready`, `${health}/config`, `${health}/nowhere`];
      if (url.startsWith('http:'))
        paths.push(...['/', '/api/v1/snapshot', '/api/v1/portfolio', '/lookup'].map((path) => url + path));
      for (const path of paths) texts.set(path, await (await fetch(path)).text());
    }
    for (const name of ['audit?limit=500', 'orders', 'network', 'settlement.csv'])
      texts.set(name, await (await fetch(`${of('bap').url}/api/v1/${name}`)).text());
    expect(texts.get('log of bap')?.length, 'there is something to look through').to.be.above(200);
    expect(found(secrets, texts)).to.deep.equal([]);
    const [[whose, secret]] = secrets as unknown as [[string, string]];
    expect(found(secrets, new Map([['planted', `x${secret}y`]]))).to.include(`${whose} in planted`);
  });

  it('a restart is the same subscriber: the registry takes it back, and who stops says so first', async () => {
    expect(await stopProcess(of('gateway'))).to.equal(0);
    await launch('gateway', { FLEXDER_DRAIN_MS: '1000' });
    const { child, health } = of('gateway');
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const { status, body } = await askUntil(
      () => getJson(`${health}/health/ready`),
      (answer) => answer.status !== 200,
    );
    expect(status).to.equal(503);
    expect(body).to.nested.include({ ready: false, 'dependencies.service.detail': 'stopping' });
    expect(await exited).to.deep.equal([0, null]);
    running.delete('gateway');
  });

  it('a second process on the same data is refused and names the first', async () => {
    const second = startProcess(of('registry'), { FLEXDER_REGISTRY_PORT: '0', FLEXDER_HEALTH_PORT: '0' });
    const [code] = await once(second.child, 'exit');
    expect(code).to.equal(2);
    expect(second.log()).to.include(`in use by process ${of('registry').child.pid}`);
  });

  it('on SIGTERM each ends by itself with 0', async () => {
    const ended = await Promise.all(
      [...running.values()].map(async (one) => ({ name: one.name, code: await stopProcess(one) })),
    );
    expect(ended).to.have.lengthOf(6);
    expect(ended.filter(({ code }) => code !== 0)).to.deep.equal([]);
  });
});

function devicesOf(body: Record<string, unknown>): { online: boolean; readAt: string | null }[] {
  return (body.feeders as { ders: { online: boolean; readAt: string | null }[] }[]).flatMap(({ ders }) => ders);
}
