/** `flexder demo` and `flexder up` on engines that variables name. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needsMosquitto, startMosquitto } from '@flexder/runtime/testing/mosquitto.ts';
import { needsPostgres, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { needsRedis, startRedis } from '@flexder/runtime/testing/redis.ts';
import { expect } from 'chai';
import { flexder } from './flexder.ts';

describe('flexder demo on engines outside', function () {
  this.timeout(240_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-demo-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('says what is wrong with them before it begins, and writes nothing', () => {
    const data = join(folder, 'none');
    const variables = { FLEXDER_QUEUE_URL: 'redis://:canary@127.0.0.1:1/0' };
    const { code, err } = flexder(['demo', '--ders', '18', '--data', data], '', variables);
    expect(code).to.equal(2);
    expect(err).to.include('redis://127.0.0.1:1/0 cannot be asked').and.not.include('canary');
    expect(existsSync(join(data, 'database'))).to.equal(false);
    expect(flexder(['up'], '', { FLEXDER_MQTT_URL: 'mqtt://127.0.0.1:1' }).err).to.include('--mosquitto DIR');
  });

  describe('PostgreSQL, Redis and Mosquitto', () => {
    before(function () {
      needsPostgres.call(this);
      needsRedis.call(this);
      needsMosquitto.call(this);
    });

    it('tells the story there, says so, and refuses a second one on top of it', async () => {
      const [postgres, redis, mosquitto] = [
        await startPostgres(),
        await startRedis({ args: ['--requirepass', 'canary'] }),
        await startMosquitto({ accounts: [] }),
      ];
      try {
        const password = join(folder, 'password');
        writeFileSync(password, 'canary');
        const databaseUrl = await postgres.createDatabase();
        const variables = {
          FLEXDER_DATABASE_URL: databaseUrl,
          FLEXDER_QUEUE_URL: `${redis.url}/0?prefix=demo`,
          FLEXDER_QUEUE_PASSWORD_FILE: password,
          FLEXDER_MQTT_URL: mosquitto.url,
        };
        const demo = (...more: string[]) =>
          flexder(['demo', '--ders', '18', '--json', '--mosquitto', mosquitto.folder, ...more], '', variables);
        const { code, out, err } = demo();
        expect(code, err).to.equal(0);
        expect(err).to.include(`PostgreSQL 127.0.0.1:${postgres.port}/`).and.include(`queue ${redis.url}/0`);
        expect(err).to.include(`broker Mosquitto ${mosquitto.url}`);
        for (const secret of ['canary', postgres.password]) expect(err + out).to.not.include(secret);
        expect(JSON.parse(out.trim().split('\n').at(-1)!)).to.include({ ok: true, ders: 18 });

        const again = demo();
        expect(again.code).to.equal(2);
        expect(again.err)
          .to.include('holds a run of registry-1, gateway-1, dso-1')
          .and.include('drop schema "p_dso_1_');
        expect(again.err).to.include('the Redis of FLEXDER_QUEUE_URL holds jobs of');
        for (const secret of ['canary', postgres.password]) expect(again.err).to.not.include(secret);
      } finally {
        await mosquitto.stop();
        await redis.stop();
        await postgres.stop();
      }
    });
  });
});
