import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemIds } from '@flexder/runtime/context.ts';
import { fileArchive } from '@flexder/runtime/engines/archive/file.ts';
import { expect } from 'chai';
import { eveningPeak } from '../scenario/evening-peak.ts';
import type { Env } from '../serve/settings/config.ts';
import { UsageError, type Values } from './command.ts';
import { engineLine, enginesOf, refuseEarlierRun } from './engine-options.ts';

describe('engines of demo and up', () => {
  let folder: string;
  const scenario = eveningPeak({ seed: 1, ders: 18, feeders: 3, bpps: 1, historyDays: 1 });
  const problem = (env: Env, values: Values = {}): string => {
    try {
      enginesOf(values, env);
      return '';
    } catch (error) {
      expect(error).to.be.instanceOf(UsageError);
      return (error as Error).message;
    }
  };
  const refusal = (env: Env, dataDir = folder): Promise<string> =>
    refuseEarlierRun(enginesOf({}, env), scenario, dataDir).then(
      () => '',
      (error: Error) => error.message,
    );
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-engines-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are embedded where no variable names another', async () => {
    const engines = enginesOf({}, {});
    expect(engines).to.deep.equal({
      ...{ databaseUrl: 'pglite:database', queueUrl: 'pglite:', eventsUrl: 'memory:', archiveUrl: 'file:archive' },
    });
    expect(engineLine(engines)).to.equal(
      'Engines: database PGlite, queue in PGlite, broker embedded, events in memory, archive files.',
    );
    expect(await refusal({})).to.equal('');
  });

  it('are those of the variables, shown without what is secret', () => {
    const secret = join(folder, 'password');
    writeFileSync(secret, 'canary\n');
    const engines = enginesOf(
      {},
      {
        FLEXDER_DATABASE_URL: 'postgres://me@127.0.0.1:5433/flex',
        FLEXDER_DATABASE_PASSWORD_FILE: secret,
        FLEXDER_QUEUE_URL: 'redis://127.0.0.1:6380/2?prefix=a',
        FLEXDER_QUEUE_PASSWORD_FILE: secret,
        FLEXDER_EVENTS_URL: 'kafka://me@127.0.0.1:9093/flex',
        FLEXDER_EVENTS_PASSWORD_FILE: secret,
        FLEXDER_ARCHIVE_URL: 's3://bucket/demo?endpoint=http://127.0.0.1:9000',
        FLEXDER_ARCHIVE_RETENTION_DAYS: '1',
        FLEXDER_ARCHIVE_ACCESS_KEY_ID: 'canary',
        FLEXDER_ARCHIVE_SECRET_ACCESS_KEY_FILE: secret,
      },
    );
    expect(engines.databaseUrl).to.equal('postgres://me:canary@127.0.0.1:5433/flex');
    expect(engines.queueUrl).to.equal('redis://:canary@127.0.0.1:6380/2?prefix=a');
    expect(engines.archiveAccess).to.include({ retentionDays: 1 });
    expect(engineLine(engines)).to.equal(
      'Engines: database PostgreSQL 127.0.0.1:5433/flex, queue redis://127.0.0.1:6380/2, broker embedded, ' +
        'events Kafka 127.0.0.1:9093/flex, archive S3 bucket/demo/.',
    );
  });

  it('that are named wrongly are told all at once, by their variables', () => {
    const told = problem({ FLEXDER_DATABASE_URL: 'mysql://me:canary@db/flex', FLEXDER_EVENTS_URL: 'amqp://canary' });
    expect(told).to.include('FLEXDER_DATABASE_URL must be').and.include('FLEXDER_EVENTS_URL must be');
    expect(told).to.not.include('canary');
  });

  it('of a broker outside need the Mosquitto that is told the accounts', () => {
    const FLEXDER_MQTT_URL = 'mqtt://127.0.0.1:1999';
    expect(problem({ FLEXDER_MQTT_URL })).to.include('--mosquitto DIR').and.include('unset the variable');
    expect(problem({}, { mosquitto: folder })).to.include('--mosquitto goes with FLEXDER_MQTT_URL');
    expect(problem({ FLEXDER_MQTT_URL }, { mosquitto: folder })).to.include(
      `no Mosquitto runs from there: start it with mosquitto -c ${folder}/mosquitto.conf`,
    );
    expect(problem({ FLEXDER_MQTT_URL: 'mqtt://me:canary@h' }, { mosquitto: folder }))
      .to.include('FLEXDER_MQTT_URL must be mqtt://HOST:PORT')
      .and.not.include('canary');
    writeFileSync(join(folder, 'mosquitto.pid'), `${process.pid}\n`);
    const engines = enginesOf({ mosquitto: folder }, { FLEXDER_MQTT_URL });
    expect(engines.outside?.url).to.equal(FLEXDER_MQTT_URL);
    expect(engineLine(engines)).to.include(`broker Mosquitto ${FLEXDER_MQTT_URL}`);
  });

  it('refuse a folder with an earlier run, wherever the URL names it', async () => {
    const kept = join(folder, 'kept');
    const FLEXDER_DATABASE_URL = `pglite:${kept}`;
    expect(await refusal({ FLEXDER_DATABASE_URL })).to.equal('');
    mkdirSync(kept);
    writeFileSync(join(kept, 'ready'), '');
    expect(await refusal({ FLEXDER_DATABASE_URL })).to.include(`the database in ${kept} holds a run already`);
    expect(await refusal({ FLEXDER_DATABASE_URL: 'pglite:kept' })).to.include(kept);
    expect(await refusal({ FLEXDER_DATABASE_URL: 'pglite:memory' })).to.equal('');
  });

  it('refuse an archive that has records of these participants, and take one that has those of others', async () => {
    const archive = await fileArchive(join(folder, 'records'), systemIds());
    const FLEXDER_ARCHIVE_URL = `file:${join(folder, 'records')}`;
    await archive.put('somebody-else/audit/a', new Uint8Array([1]));
    expect(await refusal({ FLEXDER_ARCHIVE_URL })).to.equal('');
    await archive.put('aggregator-1/audit/a', new Uint8Array([1]));
    expect(await refusal({ FLEXDER_ARCHIVE_URL })).to.include('holds records of aggregator-1 already');
  });

  it('that cannot be asked are named without their passwords', async () => {
    const told = await refusal({ FLEXDER_QUEUE_URL: 'redis://:canary@127.0.0.1:1/0', FLEXDER_DATABASE_URL: '' });
    expect(told).to.include('redis://127.0.0.1:1/0 cannot be asked').and.not.include('canary');
    const database = await refusal({ FLEXDER_DATABASE_URL: 'postgres://me:canary@127.0.0.1:1/flex' });
    expect(database).to.include('an engine cannot be asked what it holds').and.not.include('canary');
  });
});
