import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import { expect } from 'chai';
import { configure } from '../settings/configure.ts';
import { makePlan, type Plan, type PlanOptions, serviceNames } from './plan.ts';
import { portsFrom, writePlan } from './plan-folder.ts';

const SHAPE = { bpps: 2, engines: true, replicas: 3 };

describe('plan of a sandbox on real engines', () => {
  let dir: string;
  let plan: Plan;
  const secrets: string[] = [];
  const portsOf = portsFrom(5000, serviceNames(SHAPE));
  const make = (changes: Partial<PlanOptions> = {}) => {
    const place = { dir, nowMs: 0, bapHost: '127.0.0.1', telemetrySeconds: 60, seed: 1, ders: 18, feeders: 3 };
    const secret = () => {
      secrets.push(`canary-${secrets.length}-`);
      return secrets.at(-1)!;
    };
    return makePlan({ ...SHAPE, ...place, secret, ...changes }, portsOf);
  };
  const text = (name: string) => readFileSync(join(dir, name), 'utf8');
  const envOf = (name: string) => parseEnv(text(`${name}.env`)) as Record<string, string>;
  const secret = (name: string) => text(join('secrets', name)).trim();

  before(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'flexder-plan-')), 'plan');
    plan = make();
    writePlan(dir, plan);
  });
  after(() => rmSync(join(dir, '..'), { recursive: true }));

  it('leaves the ports of a plan without them as they are, and starts the engines first', () => {
    const names = serviceNames(SHAPE);
    const without = serviceNames({ bpps: 2 });
    expect(names.slice(0, without.length)).to.deep.equal(without);
    expect(plan.services.slice(0, 5).map(({ name }) => name)).to.deep.equal([
      ...['postgres', 'redis', 'kafka', 's3', 'balancer'],
    ]);
    expect(plan.services.find(({ name }) => name === 'broker')?.kind).to.equal('mosquitto');
  });

  it('each service accepts its environment, with the passwords that the servers were given', async () => {
    for (const { name, kind, env } of plan.services.filter((service) => service.env !== '')) {
      const { engines } = (await configure(kind, envOf(name))).config;
      expect(env, name).to.equal(join(dir, `${name}.env`));
      if (name === 'fleet') continue;
      const password = (url: string) => new URL(url).password;
      expect(password(engines.databaseUrl), name).to.equal(secret('database'));
      expect(password(engines.queueUrl), name).to.equal(secret('queue'));
      expect(kafkaSettings(engines.eventsUrl).sasl, name).to.deep.equal({
        ...{ mechanism: 'plain', username: 'flexder', password: secret('events') },
      });
      expect(engines.archiveAccess?.credentials?.(), name).to.deep.equal({
        accessKeyId: secret('archive-access-key-id'),
        secretAccessKey: secret('archive-secret-access-key'),
      });
    }
    expect(text('postgres/login.sql')).to.include(`login createrole password '${secret('database')}'`);
    expect(text('redis/redis.conf')).to.include(`requirepass ${secret('queue')}\n`);
    expect(text('kafka/server.properties')).to.include(`user_flexder="${secret('events')}"`);
    expect(text('s3/access-key-id').trim()).to.equal(secret('archive-access-key-id'));
    expect(text('s3/secret-access-key').trim()).to.equal(secret('archive-secret-access-key'));
  });

  it('draws a password for each engine, and writes none of them where services or people look', () => {
    const used = ['database', 'queue', 'events', 'archive-access-key-id', 'archive-secret-access-key'].map(secret);
    used.push(text('postgres/admin-password').trim());
    expect(new Set(used).size).to.equal(6);
    const seen = ['plan.json', ...plan.services.flatMap(({ name, env }) => (env === '' ? [] : [`${name}.env`]))];
    for (const name of seen) for (const one of used) expect(text(name), name).to.not.include(one);
    expect(seen).to.have.lengthOf(10);
  });

  it('lets the group read what PostgreSQL is started with, and nothing else', () => {
    for (const { path } of plan.files) {
      const mode = path.startsWith(join(dir, 'postgres')) ? 0o640 : 0o600;
      expect(statSync(path).mode & 0o777, path).to.equal(mode);
    }
  });

  it('tells the processes of one aggregator the same, but for their ports and the address of the balancer', () => {
    const { FLEXDER_BPP_PORT, FLEXDER_HEALTH_PORT, FLEXDER_DATA, ...alone } = envOf('bpp-1');
    const ports = new Set([FLEXDER_BPP_PORT, FLEXDER_HEALTH_PORT]);
    for (const name of ['bpp-1-1', 'bpp-1-2', 'bpp-1-3']) {
      const { FLEXDER_BPP_PORT: port, FLEXDER_HEALTH_PORT: health, FLEXDER_DATA: data, ...rest } = envOf(name);
      expect(rest, name).to.deep.equal({ ...alone, FLEXDER_BPP_PUBLIC_URL: `http://127.0.0.1:${FLEXDER_BPP_PORT}` });
      expect(data).to.not.equal(FLEXDER_DATA);
      ports.add(port).add(health);
    }
    expect(ports.size).to.equal(8);
    const profiles = Object.fromEntries(plan.services.map(({ name, profile }) => [name, profile]));
    expect(profiles).to.include({ 'bpp-1': 'one', 'bpp-1-1': 'several', balancer: 'several', 'bpp-2': undefined });
  });

  it('has one process of each aggregator and no balancer unless asked', () => {
    const names = make({ replicas: 0 }).services.map(({ name }) => name);
    expect(names).to.include('bpp-1').and.not.include('balancer').and.not.include('bpp-1-1');
  });

  it('refuses several processes without engines, and a password that could end a statement', () => {
    expect(() => make({ engines: false })).to.throw(RangeError, 'share a PostgreSQL database');
    expect(() => make({ bpps: 0, replicas: 3 })).to.throw(RangeError, 'of no aggregator');
    expect(() => make({ secret: () => "x'; drop" })).to.throw(RangeError, 'letters, digits');
    expect(() => make()).not.to.throw();
  });
});
