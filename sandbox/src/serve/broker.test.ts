import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import { configure } from './settings/configure.ts';

const account = (name: string) => ({
  username: name,
  password: `password of ${name}`,
  publish: ['a/b'],
  subscribe: [],
});

describe('the broker as a process', () => {
  let folder: string;
  const closing: (() => Promise<void>)[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-broker-'));
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
    rmSync(folder, { recursive: true });
  });

  it('lets in who is in the file, reads it again when told, and keeps the old one when it is damaged', async () => {
    const path = join(folder, 'accounts.json');
    writeFileSync(path, JSON.stringify([account('first')]));
    const { config, start } = await configure('broker', { FLEXDER_BROKER_ACCOUNTS: path, FLEXDER_BROKER_PORT: '0' });
    const deps = testDeps();
    let reload = () => {};
    const running = await start({
      ...deps,
      config,
      metrics: createMetrics('broker'),
      keep(part) {
        closing.push(() => part.close());
        return part;
      },
      context: () => Promise.reject(new Error('a broker needs no engines')),
      reachable: async () => {},
      onReload(run) {
        reload = run;
      },
    });
    const bus = mqttBus(running.url, deps);
    const enter = async (name: string) => {
      const { username, password } = account(name);
      const client = await bus.connect({ clientId: name, username, password }).catch((error: Error) => error);
      if (client instanceof Error) return client.message;
      await client.publish('a/b', '{}');
      await client.close();
      return 'in';
    };

    expect(await enter('first')).to.equal('in');
    expect(await enter('second')).to.include('refused the connection');

    writeFileSync(path, JSON.stringify([account('second')]));
    reload();
    expect(await enter('second')).to.equal('in');
    expect(await enter('first')).to.include('refused the connection');

    writeFileSync(path, '[{"username":"third"}]');
    reload();
    expect(deps.log.lines.at(-1)).to.deep.include({
      level: 'error',
      text: 'accounts could not be read again; the old ones stay',
    });
    expect(await enter('second')).to.equal('in');
  });
});
