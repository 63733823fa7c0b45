/** docker-compose.yml against what the plan it runs lays out: commands, ports and environment files have to meet. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { makePlan, serviceNames } from './plan.ts';
import { portsFrom } from './plan-folder.ts';

interface ComposeService {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: object;
  readonly [member: string]: unknown;
}
interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const root = join(import.meta.dirname, '..', '..', '..');
// mocha reads its own configuration with it, so it is there wherever tests run.
const yaml = createRequire(createRequire(import.meta.url).resolve('mocha'))('js-yaml') as {
  load(text: string, options: { schema: unknown }): unknown;
  /** The one with `<<`, which compose files use. */
  readonly YAML11_SCHEMA: unknown;
};

describe('docker-compose.yml', () => {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const compose = yaml.load(text, { schema: yaml.YAML11_SCHEMA }) as Compose;
  const names = serviceNames(2);
  const size = { seed: 1, ders: 18, feeders: 3, bpps: 2 };
  const options = { ...size, dir: '/plan', nowMs: 0, bapHost: '0.0.0.0', telemetrySeconds: 60, secret: () => 'x' };
  const { services } = makePlan(options, portsFrom(3000, names));

  it('runs every service of the plan, with its environment file and its health', () => {
    expect(Object.keys(compose.services)).to.have.members(['loopback', 'plan', ...names]);
    for (const { name, kind, env, health } of services) {
      const { command, environment, healthcheck } = compose.services[name]!;
      expect(command?.slice(0, 4), name).to.deep.equal(['serve', kind, '--env', env]);
      expect(environment, name).to.deep.equal({ READY: `${health}/health/ready` });
      expect(healthcheck, name).to.have.property('test');
    }
    expect(compose.services.plan?.command).to.include.members(['--base-port', '3000', '--dir', '/plan', '--keep']);
  });

  it('keeps what has a database in a volume of its own', () => {
    for (const name of ['registry', 'gateway', 'bap', 'bpp-1', 'bpp-2']) {
      expect(compose.services[name]?.volumes, name).to.include(`${name}:/data`);
      expect(compose.services[name]?.command?.slice(-2), name).to.deep.equal(['--data', '/data']);
      expect(compose.volumes).to.have.property(name);
    }
  });

  it('starts a service after those it needs', () => {
    for (const [name, { depends_on: after = {} }] of Object.entries(compose.services)) {
      for (const other of Object.keys(after)) expect(compose.services, name).to.have.property(other);
    }
    for (const name of names)
      expect(compose.services[name]?.depends_on?.plan?.condition, name).to.equal('service_completed_successfully');
    for (const name of ['bap', 'bpp-1', 'bpp-2'])
      expect(Object.keys(compose.services[name]!.depends_on!), name).to.include.members(['registry', 'broker']);
  });

  it('gives none of them more than it needs', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service, name).to.include({ user: 'node', read_only: true });
      expect(service.cap_drop, name).to.deep.equal(['ALL']);
      expect(service, name).to.include.keys('mem_limit', 'cpus', 'pids_limit', 'security_opt');
      expect(name === 'loopback' ? service.ports : service.network_mode, name).to.deep.equal(
        name === 'loopback' ? ['127.0.0.1:3000:3000'] : 'service:loopback',
      );
    }
  });
});
