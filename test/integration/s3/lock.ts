/** What the server itself refuses, and what the archive makes of what it does not. */
import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { type Archive, ArchiveConflictError, ArchiveDamagedError } from '@flexder/runtime/engines/archive/port.ts';
import { s3Archive } from '@flexder/runtime/engines/archive/s3.ts';
import type { S3Server } from '@flexder/runtime/testing/s3.ts';
import { expect } from 'chai';
import { bytes, clientOf, text } from './client.ts';

const wall = systemWallClock();

export function lockTests(started: () => S3Server): void {
  let archive: Archive;
  let client: S3Client;
  let Bucket: string;
  const Key = 'archive/a/1';
  const versions = async () =>
    (await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }))).Versions ?? [];
  const codeOf = (sent: Promise<unknown>) =>
    sent.then(
      () => 'done',
      (error: Error) => error.name,
    );
  beforeEach(async () => {
    Bucket = `bucket-${randomUUID()}`;
    const server = started();
    archive = await s3Archive(server.url(Bucket), server.access(), { wall });
    // Whoever has the keys of the service, as here, is the one to be kept from it.
    client = clientOf(server);
    await archive.put('a/1', bytes('as it was'));
  });
  afterEach(async () => {
    client.destroy();
    await archive.close();
  });

  it('the server refuses to delete a version, or to shorten its time', async () => {
    const [version] = await versions();
    const VersionId = version!.VersionId;
    const at = { Bucket, Key, VersionId };
    expect(await codeOf(client.send(new DeleteObjectCommand(at)))).to.equal('AccessDenied');
    const bypass = new DeleteObjectCommand({ ...at, BypassGovernanceRetention: true });
    expect(await codeOf(client.send(bypass))).to.equal('AccessDenied');
    const until = (days: number) =>
      new PutObjectRetentionCommand({
        ...at,
        Retention: { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + days * 86_400_000) },
      });
    expect(await codeOf(client.send(until(0.5)))).to.equal('AccessDenied');
    expect(await codeOf(client.send(until(2)))).to.equal('done');
    const suspended = { Bucket, VersioningConfiguration: { Status: 'Suspended' as const } };
    expect(await codeOf(client.send(new PutBucketVersioningCommand(suspended)))).to.equal('InvalidBucketState');
    expect(await versions()).to.have.length(1);
  });

  it('a version without a lock is deleted, so it is the lock that refuses', async () => {
    const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key: 'free', Body: 'x' }));
    const free = new DeleteObjectCommand({ Bucket, Key: 'free', VersionId });
    expect(await codeOf(client.send(free))).to.equal('done');
  });

  it('a later version and a mark of deletion change nothing of what is read', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'other' }));
    expect(text(await archive.get('a/1'))).to.equal('as it was');
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(text(await archive.get('a/1'))).to.equal('as it was');
    expect(await archive.list('')).to.deep.equal(['a/1']);
    expect(await archive.put('a/1', bytes('as it was'))).to.have.property('sha256');
    expect(await archive.put('a/1', bytes('other')).catch((error) => error)).to.be.instanceOf(ArchiveConflictError);
    expect(await versions()).to.have.length(2);
  });

  it('what a put leaves is locked for as long as it was told', async () => {
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head.ObjectLockMode).to.equal('COMPLIANCE');
    const untilMs = head.ObjectLockRetainUntilDate?.getTime() ?? 0;
    expect(untilMs - (head.LastModified?.getTime() ?? 0)).to.be.closeTo(86_400_000, 60_000);
  });

  it('bytes that are not those of their SHA-256 are not given out', async () => {
    const Metadata = { sha256: '0'.repeat(64) };
    await client.send(new PutObjectCommand({ Bucket, Key: 'archive/damaged', Body: 'x', Metadata }));
    const error = await archive.get('damaged').catch((reason) => reason);
    expect(error).to.be.instanceOf(ArchiveDamagedError);
    expect(error.message).to.contain('damaged came from the archive s3://');
  });
}
