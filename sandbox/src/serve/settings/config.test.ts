import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import { expect } from 'chai';
import type { Env } from './config.ts';
import { configure } from './configure.ts';
import { problemsOf } from './problems.fixture.ts';

const BAP: Env = {
  FLEXDER_REGISTRY_URL: 'http://127.0.0.1:4000',
  FLEXDER_BAP_SUBSCRIBER_ID: 'dso-1',
  FLEXDER_BAP_NAME: 'A DSO',
  FLEXDER_BAP_MQTT_USERNAME: 'dso/dso-1',
  FLEXDER_BAP_MQTT_PASSWORD: 'wC7-kq2LpZ',
  FLEXDER_BAP_FEEDERS: '[{"feederId":"feeder-1","name":"Heath Road","limitKw":100}]',
};
const BPP: Env = {
  FLEXDER_REGISTRY_URL: 'http://127.0.0.1:4000',
  FLEXDER_BPP_SUBSCRIBER_ID: 'aggregator-1',
  FLEXDER_BPP_NAME: 'An aggregator',
  FLEXDER_BPP_PROVIDER_ID: 'provider-1',
  FLEXDER_BPP_MQTT_USERNAME: 'aggregator/aggregator-1',
  FLEXDER_BPP_MQTT_PASSWORD: 'wC7-kq2LpZ',
};

describe('configuration of service processes', () => {
  let folder: string;
  const file = (name: string, value: unknown) => {
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
    return join(folder, name);
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('has defaults below the working directory, on loopback', async () => {
    const { config } = await configure('registry', {});
    expect(config).to.deep.equal({
      dataDir: join(process.cwd(), '.flexder', 'registry'),
      logLevel: 'info',
      healthHost: '127.0.0.1',
      healthPort: 0,
      drainMs: 500,
      engines: {
        databaseUrl: 'pglite:database',
        queueUrl: 'pglite:',
        mqttUrl: 'mqtt://127.0.0.1:1883',
        mqtt: { version: 'auto', profile: 'strict' },
        eventsUrl: 'memory:',
        archiveUrl: 'file:archive',
      },
    });
  });

  it('tells what is wrong with process, engines and service at once', async () => {
    const problems = await problemsOf('gateway', {
      FLEXDER_LOG_LEVEL: 'loud',
      FLEXDER_HEALTH_PORT: '-1',
      FLEXDER_DRAIN_MS: '60000',
      FLEXDER_QUEUE_URL: 'amqp://127.0.0.1',
      FLEXDER_GATEWAY_PORT: 'http',
    });
    expect(problems.map((problem) => problem.split(' ')[0])).to.have.members([
      'FLEXDER_LOG_LEVEL',
      'FLEXDER_HEALTH_PORT',
      'FLEXDER_DRAIN_MS',
      'FLEXDER_QUEUE_URL',
      'FLEXDER_GATEWAY_PORT',
      'FLEXDER_REGISTRY_URL',
    ]);
    expect(await problemsOf('gateway', { FLEXDER_REGISTRY_URL: 'http://127.0.0.1:4000' })).to.deep.equal([]);
  });

  it('does not repeat an engine URL, which may hold a password', async () => {
    const [problem, ...more] = await problemsOf('registry', { FLEXDER_DATABASE_URL: 'mysql://me:s3cret@db/flex' });
    expect(more).to.deep.equal([]);
    expect(problem).to.include('FLEXDER_DATABASE_URL must be pglite:').and.not.include('s3cret');
  });

  it('takes a server for the database, and the queue with it, with the password from a file', async () => {
    const enginesOf = async (env: Env) => (await configure('registry', env)).config.engines;
    const url = 'postgres://me@db:5432/flex';
    const password = file('password', 's3cr/t@\n');
    const full = 'postgres://me:s3cr%2Ft%40@db:5432/flex';
    expect(await enginesOf({ FLEXDER_DATABASE_URL: url, FLEXDER_DATABASE_PASSWORD_FILE: password })).to.include({
      databaseUrl: full,
      queueUrl: full,
    });
    const queue = { FLEXDER_QUEUE_URL: 'postgres://q@other/jobs', FLEXDER_QUEUE_PASSWORD_FILE: password };
    expect(await enginesOf({ FLEXDER_DATABASE_URL: 'postgres://me:pw@db/flex', ...queue })).to.include({
      databaseUrl: 'postgres://me:pw@db/flex',
      queueUrl: 'postgres://q:s3cr%2Ft%40@other/jobs',
    });
    const redis = { FLEXDER_QUEUE_URL: 'redis://queue:6379/0?prefix=a', FLEXDER_QUEUE_PASSWORD_FILE: password };
    expect(await enginesOf(redis)).to.include({
      databaseUrl: 'pglite:database',
      queueUrl: 'redis://:s3cr%2Ft%40@queue:6379/0?prefix=a',
    });
  });

  it('says what is wrong with a password file, and never what is in it', async () => {
    const url = 'postgres://me@db:5432/flex';
    const wrong: [Env, RegExp][] = [
      [
        { FLEXDER_DATABASE_URL: url, FLEXDER_DATABASE_PASSWORD_FILE: join(folder, 'none') },
        /^FLEXDER_DATABASE_PASSWORD_FILE: .*none cannot be read/,
      ],
      [
        { FLEXDER_DATABASE_URL: url, FLEXDER_DATABASE_PASSWORD_FILE: file('empty', '\n') },
        /^FLEXDER_DATABASE_PASSWORD_FILE: .* is empty/,
      ],
      [
        { FLEXDER_DATABASE_URL: 'postgres://me:s3cret@db/flex', FLEXDER_DATABASE_PASSWORD_FILE: file('p', 's3cret') },
        /^FLEXDER_DATABASE_URL has a password already/,
      ],
      [{ FLEXDER_DATABASE_PASSWORD_FILE: file('p', 's3cret') }, /^FLEXDER_DATABASE_PASSWORD_FILE is for a server/],
      [
        { FLEXDER_DATABASE_URL: 'postgres://me:pw@db/flex', FLEXDER_QUEUE_URL: 'pglite:' },
        /^FLEXDER_QUEUE_URL can be pglite: only with/,
      ],
    ];
    for (const [env, message] of wrong) {
      const [problem, ...more] = await problemsOf('registry', env);
      expect(more).to.deep.equal([]);
      expect(problem).to.match(message).and.not.include('s3cret');
    }
  });

  it('takes the access of an S3 archive from variables or files, and prints none of it', async () => {
    const s3: Env = {
      FLEXDER_ARCHIVE_URL: 's3://bucket/dso?endpoint=http://127.0.0.1:9000',
      FLEXDER_ARCHIVE_RETENTION_DAYS: '30',
      FLEXDER_ARCHIVE_ACCESS_KEY_ID: 'the-key-id',
      FLEXDER_ARCHIVE_SECRET_ACCESS_KEY_FILE: file('secret', 's3cret\n'),
    };
    const { config } = await configure('registry', s3);
    const { archiveAccess } = config.engines;
    expect(archiveAccess?.credentials?.()).to.deep.equal({ accessKeyId: 'the-key-id', secretAccessKey: 's3cret' });
    expect(archiveAccess).to.include({ retentionDays: 30, createBucket: false });
    expect(`${JSON.stringify(config)} ${inspect(config, { depth: 9 })}`).to.not.match(/the-key-id|s3cret/);
    const without = (name: string, more: Env = {}) =>
      problemsOf('registry', { ...s3, [name]: undefined, ...more }).then((all) => all.join(' '));
    expect(await without('FLEXDER_ARCHIVE_RETENTION_DAYS')).to.include('it has no default');
    expect(await without('FLEXDER_ARCHIVE_ACCESS_KEY_ID')).to.include('go together');
    expect(await without('', { FLEXDER_ARCHIVE_SECRET_ACCESS_KEY: 's3cret' })).to.include('are both set');
    expect(await without('', { FLEXDER_ARCHIVE_SECRET_ACCESS_KEY_FILE: join(folder, 'none') })).to.include(
      'cannot be read',
    );
    expect(await without('', { FLEXDER_ARCHIVE_RETENTION_DAYS: '0' })).to.include('from 1 to 36500');
    expect(await without('', { FLEXDER_ARCHIVE_CREATE_BUCKET: 'yes' })).to.include('must be true or false');
    const url = 's3://me:s3cret@bucket?endpoint=http://127.0.0.1:9000';
    expect(await without('', { FLEXDER_ARCHIVE_URL: url }))
      .to.include('it holds credentials')
      .and.not.include('s3cret');
    expect(await without('FLEXDER_ARCHIVE_URL')).to.equal('');
  });

  it('refuses a variable nobody knows, unless it is another service’s', async () => {
    expect(await problemsOf('bap', { ...BAP, FLEXDER_BPP_PORT: '1', FLEXDER_REQUIRE_ENGINES: '1' })).to.deep.equal([]);
    expect(await problemsOf('bap', { ...BAP, FLEXDER_BAP_PROT: '1', FLEXDER_DATABSE_URL: 'x' })).to.deep.equal([
      'FLEXDER_BAP_PROT is no variable of bap: check its spelling, or unset it.',
      'FLEXDER_DATABSE_URL is no variable of bap: check its spelling, or unset it.',
    ]);
  });

  it('of an aggregator names its files, readable and not', async () => {
    const env = { ...BPP, FLEXDER_BPP_PORTFOLIO_FILE: file('portfolio.json', []) };
    expect(await problemsOf('bpp', env)).to.deep.equal([]);
    const problems = await problemsOf('bpp', {
      ...env,
      FLEXDER_BPP_PORT: 'x',
      FLEXDER_BPP_METER_HISTORY_FILE: join(folder, 'none.json'),
    });
    expect(problems.map((problem) => problem.split(/[ :]/)[0])).to.have.members([
      'FLEXDER_BPP_PORT',
      'FLEXDER_BPP_METER_HISTORY_FILE',
    ]);
    const odd = { ...env, FLEXDER_BPP_METER_HISTORY_FILE: file('history.json', {}) };
    expect(await problemsOf('bpp', odd)).to.deep.equal([
      'FLEXDER_BPP_METER_HISTORY_FILE must hold a JSON array of meter rows.',
    ]);
  });

  it('of the edge, and of a DSO that listens to it, names the stream they need', async () => {
    const { FLEXDER_BAP_MQTT_USERNAME: _u, FLEXDER_BAP_MQTT_PASSWORD: _p, ...withoutBus } = BAP;
    const bap = { ...withoutBus, FLEXDER_BAP_MONITORING: 'stream' };
    const monitor = {
      FLEXDER_MONITOR_ID: 'edge-1',
      FLEXDER_MONITOR_DSO_ID: 'dso-1',
      FLEXDER_MONITOR_FEEDERS: BAP.FLEXDER_BAP_FEEDERS,
      FLEXDER_MONITOR_TELEMETRY: 'stream',
    };
    const stream = { FLEXDER_EVENTS_URL: 'kafka://127.0.0.1:9092/flexder' };
    for (const [service, env] of Object.entries({ bap, monitor })) {
      expect(await problemsOf(service, { ...env, ...stream }), service).to.deep.equal([]);
      expect((await problemsOf(service, env))[0], service).to.include('FLEXDER_EVENTS_URL must be kafka://');
    }
    const wrong = { FLEXDER_EVENTS_URL: 'kafka://me:s3cret@127.0.0.1/flexder?partition=1' };
    const [problem, ...more] = await problemsOf('monitor', { ...monitor, ...wrong });
    expect(more).to.deep.equal([]);
    expect(problem).to.include('knows no parameter partition').and.not.include('s3cret');
  });

  it('takes the password of the event stream from a file', async () => {
    const env = {
      FLEXDER_EVENTS_URL: 'kafka://me@127.0.0.1:9092/flexder',
      FLEXDER_EVENTS_PASSWORD_FILE: file('password', 's3cret'),
    };
    const { config } = await configure('registry', env);
    expect(kafkaSettings(config.engines.eventsUrl).sasl).to.deep.include({ username: 'me', password: 's3cret' });
    expect(await problemsOf('registry', { FLEXDER_EVENTS_URL: env.FLEXDER_EVENTS_URL })).to.have.length(1);
  });

  it('of a broker says which account is wrong, without its password', async () => {
    const good = { username: 'dso/dso-1', password: 'pa55', publish: [], subscribe: ['grid/v1/dso-1/+/telemetry'] };
    const path = file('accounts.json', [good]);
    expect(await problemsOf('broker', { FLEXDER_BROKER_ACCOUNTS: path })).to.deep.equal([]);
    file('accounts.json', [good, good, { ...good, username: 'x', publish: ['a/#/b'] }, 7]);
    expect(await problemsOf('broker', { FLEXDER_BROKER_ACCOUNTS: path })).to.deep.equal([
      'FLEXDER_BROKER_ACCOUNTS: account 1: dso/dso-1 is listed twice.',
      'FLEXDER_BROKER_ACCOUNTS: account 2: x: publish must be an array of topic filters.',
      'FLEXDER_BROKER_ACCOUNTS: account 3: is not an object.',
    ]);
    file('accounts.json', '[');
    expect((await problemsOf('broker', { FLEXDER_BROKER_ACCOUNTS: path }))[0]).to.include(
      `${path} is not a JSON array`,
    );
    expect(await problemsOf('broker', {})).to.deep.equal([
      'FLEXDER_BROKER_ACCOUNTS must name a JSON array of bus accounts.',
    ]);
  });

  it('of a fleet names the manifest’s fault and the first device without a login', async () => {
    const manifest = {
      v: 1,
      scenario: { name: 'evening-peak', seed: 1, ders: 18, feeders: 3, bpps: 1 },
      startAt: '2026-01-15T15:30:00Z',
      dsoId: 'dso-1',
    };
    const env = {
      FLEXDER_FLEET_FILE: file('fleet.json', manifest),
      FLEXDER_FLEET_CREDENTIALS: file('logins.json', {}),
    };
    expect(await problemsOf('fleet', env)).to.deep.equal([
      'FLEXDER_FLEET_CREDENTIALS: der-00001 has no {"username", "password"}.',
    ]);
    file('fleet.json', { ...manifest, startAt: 'tomorrow' });
    expect(await problemsOf('fleet', { ...env, FLEXDER_FLEET_TELEMETRY_SECONDS: '0' })).to.deep.equal([
      'FLEXDER_FLEET_TELEMETRY_SECONDS must be a whole number from 1 to 120, not "0".',
      'FLEXDER_FLEET_FILE: startAt must be an RFC 3339 instant.',
    ]);
    file('fleet.json', { ...manifest, scenario: { ...manifest.scenario, ders: 3 } });
    expect((await problemsOf('fleet', env))[0]).to.include('FLEXDER_FLEET_FILE: 3 feeders need at least 18 ders');
  });
});
