/** What `flexder serve` says without starting anything. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { flexder } from './flexder.ts';

const CANARY = 'c4nary';

describe('flexder serve', function () {
  this.timeout(60_000);
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-serve-'));
    file = join(folder, 'registry.env');
  });
  after(() => rmSync(folder, { recursive: true }));
  const variables = {
    FLEXDER_REGISTRY_PORT: '4001',
    FLEXDER_QUEUE_URL: `redis://:${CANARY}@127.0.0.1:6379/0`,
  };

  it('shows a configuration and where it came from, for people and for programs, without secrets', () => {
    writeFileSync(
      file,
      `FLEXDER_REGISTRY_PORT=4002\nFLEXDER_LOG_LEVEL=warn\nFLEXDER_DATABASE_URL=postgres://me:${CANARY}@db/flex\n`,
    );
    const data = join(folder, 'data');
    const check = (...more: string[]) =>
      flexder(['serve', 'registry', '--env', file, '--data', data, '--check', ...more], '', variables);
    const { code, out, err } = check();
    expect(code, err).to.equal(0);
    const lines = [
      'FLEXDER_REGISTRY_PORT=4001  (environment)',
      'FLEXDER_LOG_LEVEL=warn  (file)',
      `FLEXDER_DATA=${data}  (option)`,
      'FLEXDER_DRAIN_MS=500  (default)',
      'FLEXDER_DATABASE_URL=postgres://me:***@db/flex  (file)',
      'FLEXDER_QUEUE_URL=redis://:***@127.0.0.1:6379/0  (environment)',
    ];
    expect(out.split('\n')).to.include.members(lines);
    const json = check('--json');
    const { service, settings } = JSON.parse(json.out) as { service: string; settings: Record<string, string>[] };
    expect(service).to.equal('registry');
    expect(settings.map(({ variable, value, from }) => `${variable}=${value}  (${from})`)).to.include.members(lines);
    for (const text of [out, err, json.out, json.err]) expect(text).to.not.include(CANARY);
    expect(existsSync(data)).to.equal(false);
  });

  it('does not show a secret in what is wrong either', () => {
    const wrong = {
      ...variables,
      FLEXDER_DATABASE_URL: `mysql://me:${CANARY}@db`,
      FLEXDER_EVENTS_URL: `kafka://${CANARY}`,
    };
    const { code, out, err } = flexder(['serve', 'registry', '--check'], '', wrong);
    expect(code).to.equal(2);
    expect(err).to.include('FLEXDER_DATABASE_URL must be').and.include('FLEXDER_EVENTS_URL');
    expect(out + err).to.not.include(CANARY);
    expect(flexder(['serve', 'registry', '--json']).err).to.include('--json belongs to');
  });

  it('plans engines that are its own alone, and several processes on them alone', () => {
    const plan = (...more: string[]) =>
      flexder(['serve', 'plan', '--dir', join(folder, 'plan'), '--ders', '18', ...more]);
    for (const [option, value] of [
      ['--broker', 'embedded'],
      ['--events', 'kafka://127.0.0.1/flex'],
    ] as const)
      expect(plan('--engines', option, value).err).to.include(`--engines brings a server of its own for ${option}`);
    expect(plan('--replicas', '3').err).to.include('share a PostgreSQL database');
    expect(existsSync(join(folder, 'plan'))).to.equal(false);
    const { code, out, err } = plan('--engines', '--replicas', '2');
    expect(code, err).to.equal(0);
    expect(out)
      .to.match(/^redis-server .*redis\.conf$/m)
      .and.match(/^haproxy .*haproxy\.cfg$/m);
    expect(out)
      .to.match(/--env .*bpp-1-2\.env$/m)
      .and.not.match(/--env .*bpp-1\.env$/m);
    expect(err).to.include('one process alone').and.include('bpp-1.env');
  });
});
