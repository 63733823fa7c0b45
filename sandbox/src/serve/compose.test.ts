/** docker-compose.yml against what the plan it runs lays out: commands, ports, files and environments have to meet. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { SERVICE_NODE_FLAGS } from './node-flags.ts';
import { makePlan, type PlannedService, serviceNames } from './plan/plan.ts';
import { portsFrom } from './plan/plan-folder.ts';

type Volume = string | { readonly source: string; readonly target: string; readonly read_only?: boolean };
interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly Volume[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly profiles?: readonly string[];
  readonly [member: string]: unknown;
}
interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const root = join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
// mocha reads its own configuration with it, so it is there wherever tests run.
const yaml = createRequire(createRequire(import.meta.url).resolve('mocha'))('js-yaml') as {
  load(text: string, options: { schema: unknown }): unknown;
  /** The one with `<<`, which compose files use. */
  readonly YAML11_SCHEMA: unknown;
};

/** A name, a version of at least two numbers, and no tag that moves on by itself. */
const PINNED = /^[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9.]+)*(@sha256:[0-9a-f]{64})?$/;
const STORES = ['postgres', 'redis', 'kafka', 's3'];
const SERVERS = [...STORES, 'broker', 'balancer'];

describe('docker-compose.yml', () => {
  const compose = yaml.load(read('docker-compose.yml'), { schema: yaml.YAML11_SCHEMA }) as Compose;
  const shape = { bpps: 2, engines: true, replicas: 3 };
  const portsOf = portsFrom(3000, serviceNames(shape));
  const size = { seed: 1, ders: 18, feeders: 3 };
  const place = { dir: '/plan', nowMs: 0, bapHost: '0.0.0.0', telemetrySeconds: 60 };
  const { services, files } = makePlan({ ...shape, ...size, ...place, secret: () => 'x' }, portsOf);
  const ours = services.filter(({ env }) => env !== '');
  const of = (name: string) => compose.services[name]!;
  const planned = (name: string) => services.find((service) => service.name === name)!;
  const text = (path: string) => files.find((file) => file.path === path)!.text;
  /** As a shell gets it: compose writes a dollar twice, and YAML folds lines. */
  const shellLine = (name: string) => of(name).command!.join(' ').replaceAll('$$', '$').trim();
  const mounts = (name: string) =>
    (of(name).volumes ?? []).map((volume) => {
      if (typeof volume !== 'string') return `${volume.source}:${volume.target}${volume.read_only ? ':ro' : ''}`;
      return volume;
    });

  it('runs every service of the plan, with its environment file and its health', () => {
    expect(Object.keys(compose.services)).to.have.members(['loopback', 'plan', ...services.map(({ name }) => name)]);
    expect(ours.map(({ name }) => name)).to.have.lengthOf(9);
    for (const { name, kind, env, health } of ours) {
      const { command, environment, healthcheck } = of(name);
      expect(command, name).to.deep.equal(['serve', kind, '--env', env]);
      expect(environment, name).to.deep.equal({ READY: `${health}/health/ready` });
      expect(healthcheck?.test.join(' '), name).to.include('process.env.READY');
      expect(mounts(name), name).to.deep.equal(['plan:/plan:ro']);
    }
    const asked = ['--base-port', '3000', '--dir', '/plan', '--keep', '--engines', '--replicas', '3'];
    expect(of('plan').command).to.include.members(asked);
  });

  it('starts each engine as the plan does, at its port', () => {
    const command = (name: string) => planned(name).command!;
    for (const name of ['redis', 'broker', 'balancer']) expect(of(name).command!.join(' ')).to.equal(command(name));
    expect(shellLine('s3')).to.equal(command('s3'));
    expect(shellLine('kafka')).to.equal(`PATH="$PATH:/opt/kafka/bin" && ${command('kafka')}`);
    const withoutData = command('postgres').replace('-D /plan/postgres/data ', '');
    expect(of('postgres').command!.join(' ')).to.include(withoutData);
    expect(of('postgres').command).to.include('shared_preload_libraries=timescaledb');
  });

  it('tells no password: each engine reads its own from its own folder of the plan, which services do not see', () => {
    const folders: Record<string, string> = {
      ...{ postgres: 'postgres-plan:/plan/postgres', broker: 'mosquitto:/plan/mosquitto' },
      ...Object.fromEntries(['redis', 'kafka', 's3', 'balancer'].map((name) => [name, `${name}:/plan/${name}`])),
    };
    expect(mounts('plan')).to.have.members(['plan:/plan', ...Object.values(folders)]);
    for (const name of SERVERS.filter((one) => one !== 'postgres'))
      expect(
        mounts(name).map((mount) => mount.replace(/:ro$/, '')),
        name,
      ).to.deep.equal([folders[name]]);
    expect(mounts('postgres')).to.deep.equal([
      'postgres:/var/lib/postgresql/data',
      'postgres-plan:/docker-entrypoint-initdb.d:ro',
    ]);
    // What the image has there would be copied into an empty volume, and take it over.
    expect(of('postgres').volumes).to.deep.include({
      ...{ type: 'volume', source: 'postgres-plan', target: '/docker-entrypoint-initdb.d', read_only: true },
      volume: { nocopy: true },
    });
    const { POSTGRES_PASSWORD_FILE } = of('postgres').environment!;
    expect(POSTGRES_PASSWORD_FILE?.replace('/docker-entrypoint-initdb.d', '/plan/postgres')).to.be.oneOf(
      files.map(({ path }) => path),
    );
    for (const [name, { environment = {} }] of Object.entries(compose.services))
      expect(
        Object.keys(environment).filter((key) => /PASSWORD$|SECRET|KEY$/.test(key)),
        name,
      ).to.deep.equal([]);
    for (const path of ['/plan/postgres/login.sql', '/plan/postgres/admin-password'])
      expect(files.find((file) => file.path === path)?.mode, path).to.equal(0o640);
  });

  it('asks each engine for its health where it listens', () => {
    const port = (name: string) => String(portsOf(name).port);
    const asked = (name: string) => of(name).healthcheck!.test.join(' ').replaceAll('$$', '$');
    expect(asked('postgres')).to.equal(`CMD pg_isready -q -h 127.0.0.1 -p ${port('postgres')} -U flexder -d flexder`);
    expect(asked('redis')).to.include(`$(cat /plan/redis/password)" redis-cli -p ${port('redis')} -e ping`);
    expect(text('/plan/redis/redis.conf')).to.include(`requirepass ${text('/plan/redis/password').trim()}\n`);
    expect(asked('broker')).to.equal(`CMD nc -z 127.0.0.1 ${port('broker')}`);
    expect(asked('kafka')).to.include(`/dev/tcp/127.0.0.1/${port('kafka')}`);
    expect(asked('s3')).to.include(`http://127.0.0.1:${port('s3')}/health`);
    expect(asked('balancer')).to.include(`${planned('balancer').health}/health/ready`);
  });

  it('starts a service after those it needs, in either profile', () => {
    const needs = (name: string) => of(name).depends_on ?? {};
    for (const [name, { profiles }] of Object.entries(compose.services)) {
      for (const other of Object.keys(needs(name))) {
        expect(compose.services, name).to.have.property(other);
        expect(of(other).profiles ?? profiles, `${name} after ${other}`).to.deep.equal(profiles);
      }
    }
    for (const { name } of services)
      expect(needs(name).plan?.condition, name).to.equal('service_completed_successfully');
    const stored = ours.filter(({ kind }) => kind !== 'fleet').map(({ name }) => name);
    for (const name of stored)
      for (const store of STORES) expect(needs(name)[store]?.condition, name).to.equal('service_healthy');
    for (const { name, kind } of ours.filter(({ kind }) => kind === 'bap' || kind === 'bpp'))
      expect(Object.keys(needs(name)), kind).to.include.members(['registry', 'broker']);
    expect(needs('fleet')).to.have.property('broker');
  });

  it('has one process of the first aggregator, or three behind a balancer at the same address', () => {
    const profile = ({ profile }: PlannedService) => profile && [profile === 'one' ? 'one' : 'three'];
    for (const service of services) expect(of(service.name).profiles, service.name).to.deep.equal(profile(service));
    expect(read('.env')).to.match(/^COMPOSE_PROFILES=one$/m);
    const settings = text('/plan/balancer/haproxy.cfg');
    expect(settings)
      .to.include(`bind 127.0.0.1:${portsOf('bpp-1').port}\n`)
      .and.include('GET /health/ready');
    const behind = [...settings.matchAll(/^ {2}server (\S+) (\S+)$/gm)].map(([, name, at]) => [name, `http://${at}`]);
    expect(behind).to.deep.equal(['bpp-1-1', 'bpp-1-2', 'bpp-1-3'].map((name) => [name, planned(name).url]));
    for (const [name] of behind) {
      expect(needsStarted(of(name!)), name).to.equal('service_started');
      expect(text(planned(name!).env)).to.include(`FLEXDER_BPP_PUBLIC_URL=${planned('balancer').url}\n`);
    }
  });

  it('gives none of them more than it needs', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service, name).to.include({ user: name === 'postgres' ? '70:1000' : '1000:1000', read_only: true });
      expect(service.cap_drop, name).to.deep.equal(['ALL']);
      expect(service.security_opt, name).to.deep.equal(['no-new-privileges:true']);
      expect(service, name).to.include.keys('mem_limit', 'cpus', 'pids_limit', 'stop_grace_period', 'restart');
      expect(service, name).to.not.have.any.keys('cap_add', 'privileged', 'devices', 'pid', 'ipc');
      expect(name === 'loopback' ? service.ports : service.network_mode, name).to.deep.equal(
        name === 'loopback' ? ['127.0.0.1:3000:3000'] : 'service:loopback',
      );
    }
  });

  it('names images by their whole version, and volumes that there are', () => {
    for (const [name, { image }] of Object.entries(compose.services)) {
      if (SERVERS.includes(name)) expect(image, name).to.match(PINNED);
      else expect(image, name).to.equal('flexder');
      for (const mount of mounts(name)) expect(compose.volumes, name).to.have.property(mount.split(':')[0]!);
    }
    for (const moving of ['redis:latest', 'redis', 'redis:8', 'redis:8.10', 'node:20-slim'])
      expect(moving).to.not.match(PINNED);
  });
});

const needsStarted = ({ depends_on }: ComposeService) => depends_on?.balancer?.condition;

describe('Dockerfile', () => {
  const lines = read('Dockerfile')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line));
  const last = lines.findLastIndex((line) => line.startsWith('FROM '));
  const final = lines.slice(last + 1);

  it('builds on one base of a whole version', () => {
    const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]!);
    expect(new Set(bases).size).to.equal(1);
    expect(bases[0]).to.match(PINNED);
    expect(bases[0]).to.match(/^node:20\./);
  });

  it('leaves what only building needs behind', () => {
    expect(lines.slice(0, last).at(-1)).to.match(/^RUN npm ci && npm prune --omit=dev /);
    expect(final.filter((line) => /^(COPY|ADD) /.test(line))).to.deep.equal(['COPY --from=build /app /app']);
    expect(final.find((line) => line.startsWith('ENV '))).to.equal('ENV NODE_ENV=production');
    expect(read('.dockerignore').split('\n')).to.include.members(['**/node_modules', '.git']);
  });

  it('gives Node.js the flags that the large fleet is measured with', () => {
    const entry = final.find((line) => line.startsWith('ENTRYPOINT '))!.replace('ENTRYPOINT ', '');
    expect(JSON.parse(entry)).to.deep.equal(['node', ...SERVICE_NODE_FLAGS, '/app/sandbox/bin/flexder.mjs']);
  });

  it('runs as somebody who owns the folders of the volumes and nothing else', () => {
    const user = final.indexOf('USER node');
    expect(user).to.be.above(0);
    expect(final.slice(user).some((line) => /^(RUN|USER root|COPY)/.test(line))).to.equal(false);
    const made = final.find((line) => line.startsWith('RUN mkdir'))!;
    for (const name of ['redis', 'mosquitto', 'kafka', 's3', 'balancer', 'postgres'])
      expect(made).to.include(` ${name}`);
    expect(made).to.include('mkdir -m 0750 postgres').and.include('chown -R node:node /plan');
  });
});
