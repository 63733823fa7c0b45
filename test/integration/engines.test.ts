/** What docker-compose.yml runs, minus the containers: a plan on real engines, and one aggregator as three processes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEvents } from '@flexder/runtime/engines/events/open.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';
import { expect } from 'chai';
import { flexder } from '../cli/flexder.ts';
import { needsPlanEngines, type PlanEngines, startPlanEngines } from '../harness/plan-engines.ts';
import { askUntil, getJson, type Running, startProcess, stopProcess } from '../harness/processes.ts';

const REPLICAS = ['bpp-1-1', 'bpp-1-2', 'bpp-1-3'];

describe('a plan on real engines', function () {
  this.timeout(150_000);

  const running = new Map<string, Running>();
  let dir: string;
  let engines: PlanEngines | undefined;
  let services: PlannedService[];
  const of = (name: string) => running.get(name)!;
  const launch = async (name: string) => {
    const one = startProcess(services.find((service) => service.name === name)!, engines!.variables);
    running.set(name, one);
    await one.ready;
  };

  before(async function () {
    needsPlanEngines.call(this);
    dir = mkdtempSync(join(tmpdir(), 'flexder-engines-'));
    const size = ['--ders', '24', '--bpps', '1', '--replicas', '3', '--telemetry-seconds', '2'];
    const plan = flexder(['serve', 'plan', '--dir', dir, ...size, '--engines', '--json']);
    expect(plan.code, plan.err).to.equal(0);
    services = JSON.parse(plan.out).services;
    // A limit that the feeder is above from its first reading on.
    const path = join(dir, 'feeders.json');
    const [first, ...others] = JSON.parse(readFileSync(path, 'utf8')) as { limitKw: number }[];
    writeFileSync(path, JSON.stringify([{ ...first, limitKw: first!.limitKw * 0.6 }, ...others]));
    engines = await startPlanEngines(dir, services);
    await Promise.all(['registry', 'gateway', 'bap', ...REPLICAS].map((name) => launch(name)));
    await launch('fleet');
  });

  afterEach(function () {
    if (this.currentTest?.state === 'failed')
      for (const one of running.values()) process.stderr.write(`--- ${one.name}\n${one.log().slice(-4_000)}\n`);
  });

  after(async () => {
    for (const { child } of running.values()) if (child.exitCode === null) child.kill('SIGKILL');
    await engines?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it('each is ready, and the aggregator is one subscriber at the address of its balancer', async () => {
    for (const { name, health } of running.values())
      expect((await getJson(`${health}/health/ready`)).status, name).to.equal(200);
    const { url } = services.find(({ name }) => name === 'balancer')!;
    const answer = await fetch(`${of('registry').url}/lookup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'BPP' }),
    });
    const found = (await answer.json()) as { subscriber_id: string; subscriber_url: string }[];
    expect(found.map(({ subscriber_url }) => new URL(subscriber_url).origin)).to.deep.equal([url]);
    expect((await getJson(`${url}/health/ready`)).status).to.equal(200);
  });

  it('an overload is relieved: an order is bought and devices answer', async () => {
    const { body } = await askUntil(
      () => getJson(`${of('bap').url}/api/v1/summary`),
      ({ body }) => (body.acks as { accepted: number }).accepted > 0,
    );
    expect(body.orders).to.be.above(0);
  });

  it('tables, jobs and records are at the servers, not in the folders of the services', async () => {
    const schemas = await engines!.postgres.admin(
      "select nspname::text as name from pg_namespace where nspname like 'p\\_%' order by 1",
      'flexder',
    );
    expect(schemas.map(({ name }) => String(name).replace(/_[0-9a-f]{12}$/, ''))).to.deep.equal([
      'p_aggregator_1',
      'p_dso_1',
      'p_gateway_1',
      'p_registry_1',
    ]);
    const redis = new URL(services.find(({ name }) => name === 'redis')!.url);
    const REDISCLI_AUTH = readFileSync(join(dir, 'redis', 'password'), 'utf8').trim();
    const keys = execFileSync('redis-cli', ['-p', redis.port, '-e', 'keys', 'flexder:*'], {
      env: { ...process.env, REDISCLI_AUTH },
      encoding: 'utf8',
    });
    expect(keys).to.match(/^flexder:.*aggregator/m);
    expect(existsSync(join(dir, 'data'))).to.equal(false);
    const env = readFileSync(join(dir, 'bap.env'), 'utf8');
    const url = /FLEXDER_EVENTS_URL=(.*)/.exec(env)![1]!;
    const file = encodeURIComponent(join(dir, 'secrets', 'events'));
    const stream = await openEvents(`${url}&password-file=${file}`, testDeps());
    const actors = new Set<string>();
    const end = await stream.subscribe(
      'audit',
      ({ value }) => void actors.add((value as { actor_id: string }).actor_id),
      {
        group: 'test',
      },
    );
    await askUntil(
      async () => actors,
      (seen) => seen.has('dso-1') && seen.has('aggregator-1'),
    );
    await end();
    await stream.close();
  });

  it('on SIGTERM each ends by itself with 0', async () => {
    const ended = await Promise.all(
      [...running.values()].map(async (one) => ({ name: one.name, code: await stopProcess(one) })),
    );
    expect(ended.filter(({ code }) => code !== 0)).to.deep.equal([]);
    expect(ended).to.have.lengthOf(7);
  });
});
