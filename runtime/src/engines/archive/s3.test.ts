import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { systemWallClock, type WallClock } from '../../clock.ts';
import { type FakeS3, fakeS3 } from '../../testing/fake-s3.ts';
import { engineLimits } from '../limits.ts';
import { type Archive, ArchiveConflictError, ArchiveDamagedError } from './port.ts';
import { s3Archive } from './s3.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const NOW_MS = Date.parse('2026-01-15T17:00:00Z');
const KEY = 'dso/a';

describe('archive s3', () => {
  let server: FakeS3;
  let archive: Archive;
  const open = (wall: Partial<WallClock> = {}) =>
    s3Archive(
      server.url,
      {
        credentials: () => ({ accessKeyId: 'the-key-id', secretAccessKey: 's3cret' }),
        retentionDays: 30,
        createBucket: false,
      },
      { wall: { ...systemWallClock(), nowMs: () => NOW_MS, ...wall } },
    );
  const failure = (put: Promise<unknown>) =>
    put.then(
      () => expect.fail('was taken'),
      (error: Error) => error,
    );
  beforeEach(async () => {
    server = await fakeS3();
    archive = await open();
  });
  afterEach(async () => {
    await archive.close();
    await server.close();
  });

  it('sends lock, retention, condition and SHA-256 with an object', async () => {
    const { sha256 } = await archive.put('a', bytes('x'));
    const [{ headers } = { headers: {} }] = server.versions.get(KEY) ?? [];
    expect(headers).to.include({
      'if-none-match': '*',
      'x-amz-object-lock-mode': 'COMPLIANCE',
      'x-amz-object-lock-retain-until-date': '2026-02-14T17:00:00Z',
      'x-amz-checksum-sha256': createHash('sha256').update('x').digest('base64'),
      'x-amz-content-sha256': sha256,
      'x-amz-meta-sha256': sha256,
    });
  });

  for (const heeds of [true, false]) {
    describe(`where the server ${heeds ? 'heeds' : 'ignores'} If-None-Match`, () => {
      beforeEach(() => {
        server.heedsIfNoneMatch = heeds;
      });

      it('a writer that was overtaken has lost', async () => {
        server.beforePut = () => server.add(KEY, 'the faster');
        expect(await failure(archive.put('a', bytes('the slower')))).to.be.instanceOf(ArchiveConflictError);
        expect(Buffer.from((await archive.get('a')) ?? []).toString()).to.equal('the faster');
      });

      it('a writer that was overtaken by the same bytes has not', async () => {
        server.beforePut = () => server.add(KEY, 'the same');
        expect(await archive.put('a', bytes('the same'))).to.have.property('sha256');
      });

      it('a writer that another one follows has won', async () => {
        server.afterPut = () => server.add(KEY, 'the slower');
        expect(await archive.put('a', bytes('the faster'))).to.have.property('sha256');
        expect(Buffer.from((await archive.get('a')) ?? []).toString()).to.equal('the faster');
      });
    });
  }

  it('tries again while the server is busy, and gives up in the end', async () => {
    server.failPuts.push(503, 500);
    await archive.put('a', bytes('x'));
    expect(server.puts).to.equal(3);
    server.failPuts.push(503, 503, 503, 503);
    const error = await failure(archive.put('b', bytes('x')));
    expect(error.message).to.match(/^putting b in the archive s3:\/\/bucket\/dso\/ at http:\S+ failed: HTTP 503/);
    expect(server.versions.has('dso/b')).to.equal(false);
  });

  it('does not wait for ever for a server that hangs', async () => {
    await archive.close();
    const bounds: number[] = [];
    const late = async (ms: number) => {
      bounds.push(ms);
      while (!server.hangsOnPut || server.puts === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    archive = await open({ sleep: late });
    server.hangsOnPut = true;
    const error = await failure(archive.put('a', bytes('x')));
    expect(error.message).to.contain(`no answer within ${engineLimits.archiveCallMs} ms`);
    expect(new Set(bounds)).to.deep.equal(new Set([engineLimits.archiveCallMs]));
  });

  it('gives out no bytes that are not those that were put', async () => {
    await archive.put('a', bytes('as it was'));
    server.versions.get(KEY)![0]!.bytes = Buffer.from('as it is');
    expect(await archive.get('a').catch((error) => error)).to.be.instanceOf(ArchiveDamagedError);
  });

  it('has no secret in its errors', async () => {
    await server.close();
    const error = await failure(archive.put('a', bytes('x')));
    expect(JSON.stringify([error.message, error.stack, error])).to.not.match(/the-key-id|s3cret/);
    expect(error).to.not.have.property('cause');
    server = await fakeS3();
  });
});
