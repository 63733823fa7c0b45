import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sql } from 'kysely';
import { testDeps } from '../testing/quiet.ts';
import { type EngineUrls, openEngines } from './open.ts';

describe('engines by URL', () => {
  const root = mkdtempSync(join(tmpdir(), 'flexder-engines-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const urls: EngineUrls = {
    databaseUrl: 'pglite:memory',
    queueUrl: 'pglite:',
    mqttUrl: 'mqtt://127.0.0.1:1883',
    eventsUrl: 'memory:',
    archiveUrl: 'file:archive',
  };

  const refused: [Partial<EngineUrls>, RegExp][] = [
    [
      { databaseUrl: 'postgres://user:secret@db/flexder' },
      /database URL "postgres:\/\/\*\*\*@db\/flexder" is not supported here: use pglite:DIRECTORY or pglite:memory/,
    ],
    [{ databaseUrl: 'memory' }, /database URL "memory" is not supported/],
    [{ databaseUrl: 'pglite:' }, /database URL names no directory/],
    [{ queueUrl: 'redis://localhost' }, /queue URL .* use pglite:/],
    [{ mqttUrl: 'http://localhost' }, /MQTT URL .* use mqtt:\/\/HOST:PORT or mqtts:\/\/HOST:PORT/],
    [{ eventsUrl: 'amqp://localhost' }, /events URL .* use memory: or kafka:\/\/HOST:PORT/],
    [{ eventsUrl: 'kafka://me:secret@localhost' }, /must end in a prefix/],
    [{ archiveUrl: 's3://bucket' }, /archive URL .* use file:DIRECTORY/],
    [{ archiveUrl: 'file:' }, /archive URL names no directory/],
    [{ eventsUrl: '' }, /events URL "" is not supported/],
  ];
  for (const [change, message] of refused) {
    it(`refuses ${JSON.stringify(change)} and says what is supported`, async () => {
      const error = await openEngines({ ...urls, ...change }, { ...testDeps(), dataDir: root }).catch(
        (reason) => reason,
      );
      expect(error.message).to.match(message);
      expect(error.message).to.not.contain('secret');
    });
  }

  it('opens what is supported, and closes it', async () => {
    const engines = await openEngines(urls, { ...testDeps(), dataDir: root });
    const { database, queue, bus, events, archive } = engines;
    expect([database, queue, bus, events, archive].map(({ kind }) => kind)).to.deep.equal([
      'pglite',
      'pglite',
      'mqtt',
      'memory',
      'file',
    ]);
    const db = await database.open('bap.example', {});
    expect((await sql<{ n: number }>`select 1 as n`.execute(db)).rows).to.deep.equal([{ n: 1 }]);
    await engines.close();
    expect(await sql`select 1`.execute(db).catch((error) => error)).to.be.instanceOf(Error);
  });
});
