/** An archive that could not keep its promise does not open. */
import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { s3Archive } from '@flexder/runtime/engines/archive/s3.ts';
import type { S3Server } from '@flexder/runtime/testing/s3.ts';
import { expect } from 'chai';
import { bytes, clientOf } from './client.ts';

const wall = systemWallClock();

export function startTests(started: () => S3Server): void {
  const failure = async (url: string, changes: Parameters<S3Server['access']>[0] = {}) => {
    const opened = await s3Archive(url, started().access(changes), { wall }).catch((error: Error) => error);
    if (opened instanceof Error) {
      expect(opened.message).to.not.contain(started().secretAccessKey).and.not.contain(started().accessKeyId);
      return opened.message;
    }
    await opened.close();
    return 'opened';
  };

  it('no bucket, unless it may make one', async () => {
    const url = started().url();
    expect(await failure(url, { createBucket: false })).to.match(/has no bucket: make it with Object Lock, or let/);
    expect(await failure(url, { createBucket: true })).to.equal('opened');
    expect(await failure(url, { createBucket: false })).to.equal('opened');
  });

  it('a bucket without versions, or without a lock', async () => {
    const client = clientOf(started());
    const Bucket = `plain-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket }));
    expect(await failure(started().url(Bucket))).to.contain('keeps no versions');
    const enabled = { Bucket, VersioningConfiguration: { Status: 'Enabled' as const } };
    await client.send(new PutBucketVersioningCommand(enabled));
    expect(await failure(started().url(Bucket))).to.contain('has no Object Lock');
    client.destroy();
  });

  it('credentials that the server does not know', async () => {
    const wrong = () => ({ accessKeyId: started().accessKeyId, secretAccessKey: 'a wrong secret' });
    const message = await failure(started().url(), { credentials: wrong });
    expect(message).to.contain('refuses these credentials').and.not.contain('a wrong secret');
  });

  it('a server that is not there', async () => {
    const message = await failure('s3://bucket?endpoint=http://127.0.0.1:1');
    expect(message).to.match(
      /looking for the bucket in the archive s3:\/\/bucket\/ at http:\/\/127.0.0.1:1 failed: .*ECONNREFUSED/,
    );
  });

  it('nothing, when it is opened for reading; it then takes nothing', async () => {
    const archive = await s3Archive(started().url(), started().access({ retentionDays: undefined }), { wall });
    expect(await archive.get('a')).to.equal(undefined);
    const error = await archive.put('a', bytes('x')).catch((reason) => reason);
    expect(error.message).to.contain('was opened for reading');
    await archive.close();
  });
}
