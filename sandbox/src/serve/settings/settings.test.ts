import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Env } from './config.ts';
import { configure } from './configure.ts';
import { type Setting, shown } from './settings.ts';

const CANARY = 'c4nary';

describe('settings of a service, shown', () => {
  let folder: string;
  let env: Env;
  let secret: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-settings-'));
    secret = join(folder, 'secret');
    writeFileSync(secret, CANARY);
    env = {
      FLEXDER_REGISTRY_URL: 'http://127.0.0.1:4000',
      FLEXDER_BAP_SUBSCRIBER_ID: 'dso-1',
      FLEXDER_BAP_NAME: 'A DSO',
      FLEXDER_BAP_MQTT_USERNAME: 'dso/dso-1',
      FLEXDER_BAP_MQTT_PASSWORD: CANARY,
      FLEXDER_BAP_FEEDERS: '[{"feederId":"feeder-1","name":"Heath Road","limitKw":100}]',
      FLEXDER_BAP_PORT: '',
      FLEXDER_DATABASE_URL: `postgres://me:${CANARY}@127.0.0.1/flex`,
      FLEXDER_QUEUE_URL: 'redis://127.0.0.1/0',
      FLEXDER_QUEUE_PASSWORD_FILE: secret,
      FLEXDER_EVENTS_URL: `kafka://me:${CANARY}@127.0.0.1:9092,127.0.0.2/flex`,
      FLEXDER_ARCHIVE_URL: 's3://bucket/dso?endpoint=http://127.0.0.1:9000',
      FLEXDER_ARCHIVE_RETENTION_DAYS: '1',
      FLEXDER_ARCHIVE_ACCESS_KEY_ID: CANARY,
      FLEXDER_ARCHIVE_SECRET_ACCESS_KEY_FILE: secret,
      FLEXDER_OPEN_DATA_UKPN_KEY: CANARY,
    };
  });
  after(() => rmSync(folder, { recursive: true }));

  const settings = async (service: string, variables: Env, from: Setting['from'] = 'environment') =>
    (await configure(service, variables)).settings(() => from);
  const byName = (all: readonly Setting[]) =>
    Object.fromEntries(all.map(({ variable, value, from }) => [variable, `${value} ${from}`]));

  it('has what is set and what holds by default, and where each came from', async () => {
    const all = byName(await settings('bap', env, 'file'));
    expect(all).to.include({
      FLEXDER_BAP_NAME: 'A DSO file',
      FLEXDER_BAP_PORT: '3000 default',
      FLEXDER_BAP_MQTT_USERNAME: 'dso/dso-1 file',
      FLEXDER_LOG_LEVEL: 'info default',
      FLEXDER_NETWORK_PROFILE: 'strict default',
      FLEXDER_OPEN_DATA: 'off default',
      FLEXDER_ARCHIVE_RETENTION_DAYS: '1 file',
      FLEXDER_ARCHIVE_CREATE_BUCKET: 'false default',
    });
    for (const service of ['registry', 'broker', 'fleet']) expect(all).to.not.have.property(`FLEXDER_${service}_PORT`);
    const registry = byName(await settings('registry', {}));
    expect(registry).to.include({
      FLEXDER_REGISTRY_PORT: '4000 default',
      FLEXDER_DATABASE_URL: 'pglite:database default',
    });
    expect(Object.values(registry).every((value) => value.endsWith(' default'))).to.equal(true);
  });

  it('hides every secret, and says that it is there', async () => {
    const all = await settings('bap', env);
    expect(JSON.stringify(all)).to.not.include(CANARY);
    expect(byName(all)).to.include({
      FLEXDER_BAP_MQTT_PASSWORD: '*** environment',
      FLEXDER_DATABASE_URL: 'postgres://me:***@127.0.0.1/flex environment',
      FLEXDER_QUEUE_PASSWORD_FILE: `${secret} environment`,
      FLEXDER_EVENTS_URL: 'kafka://me:***@127.0.0.1:9092,127.0.0.2/flex environment',
      FLEXDER_ARCHIVE_ACCESS_KEY_ID: '*** environment',
      FLEXDER_OPEN_DATA_UKPN_KEY: '*** environment',
      FLEXDER_BAP_FEEDERS: '(JSON of 59 characters) environment',
    });
  });

  it('hides the password that a default took over', async () => {
    const { FLEXDER_QUEUE_URL: _, FLEXDER_QUEUE_PASSWORD_FILE: __, ...beside } = env;
    const all = await settings('bap', beside);
    expect(byName(all).FLEXDER_QUEUE_URL).to.equal('postgres://me:***@127.0.0.1/flex default');
    expect(JSON.stringify(all)).to.not.include(CANARY);
  });

  it('hides what looks like a secret wherever it stands', () => {
    const hidden: [string, string][] = [
      ['FLEXDER_BPP_OPERATOR_TOKEN', CANARY],
      ['FLEXDER_BAP_KEYS', `{"signing":"${CANARY}"}`],
      ['FLEXDER_BAP_MQTT_PASSWORD', `@${CANARY}`],
      ['FLEXDER_BAP_SETTLEMENT', `{"login":"${CANARY}"}`],
      ['FLEXDER_DATABASE_URL', `postgres://me:a@b/${CANARY}@host/db`],
      ['FLEXDER_QUEUE_URL', `redis://:${CANARY}@host/0`],
      ['FLEXDER_EVENTS_URL', `kafka://host/flex?ssl.key.password=${CANARY}&tls=yes`],
      ['FLEXDER_ARCHIVE_URL', `s3://bucket?endpoint=http://me:${CANARY}@host`],
    ];
    for (const [variable, value] of hidden) expect(shown(variable, value), variable).to.not.include(CANARY);
    expect(shown('FLEXDER_EVENTS_URL', 'kafka://me@host/flex?tls=yes')).to.equal('kafka://me@host/flex?tls=yes');
    expect(shown('FLEXDER_BAP_FEEDERS', '@/plan/feeders.json')).to.equal('@/plan/feeders.json');
  });
});
