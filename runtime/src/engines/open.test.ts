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
      { databaseUrl: 'mysql://user:secret@db/flexder' },
      /database URL "mysql:\/\/\*\*\*@db\/flexder" is not supported here: use pglite:DIRECTORY or pglite:memory or postgres:/,
    ],
    [
      { databaseUrl: 'postgres://user:secret@db/', queueUrl: 'postgres://user:secret@db/' },
      /database URL names no database: use postgres:/,
    ],
    [{ databaseUrl: 'postgres://user:secret@db/flexder', queueUrl: 'pglite:' }, /queue URL "pglite:" needs a pglite:/],
    [{ databaseUrl: 'memory' }, /database URL "memory" is not supported/],
    [{ databaseUrl: 'pglite:' }, /database URL names no directory/],
    [{ queueUrl: 'amqp://localhost' }, /queue URL .* use pglite:.* or redis:/],
    [{ queueUrl: 'redis://:secret@localhost/0?prefix=a:b' }, /^the prefix of the queue URL has 1 to 64 letters/],
    [{ mqttUrl: 'http://localhost' }, /MQTT URL .* use mqtt:\/\/HOST:PORT or mqtts:\/\/HOST:PORT/],
    [
      { archiveUrl: 'ftp://me:secret@host' },
      /archive URL "ftp:\/\/\*\*\*@host" .* use file:DIRECTORY or s3:\/\/BUCKET/,
    ],
    [{ archiveUrl: 's3://me:secret@bucket?region=eu-west-2' }, /it holds credentials/],
    [{ archiveUrl: 's3://bucket' }, /without an endpoint it must have \?region=REGION/],
    [
      { archiveUrl: 's3://bucket?region=eu-west-2' },
      /bucket bucket needs a retention: set FLEXDER_ARCHIVE_RETENTION_DAYS/,
    ],
    [{ eventsUrl: 'amqp://localhost' }, /events URL .* use memory: or kafka:\/\/HOST:PORT/],
    [{ eventsUrl: 'kafka://me:secret@localhost' }, /must end in a prefix/],
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
