import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
} from '@aws-sdk/client-s3';
import { type S3Calls, S3Error } from './s3-client.ts';

const orCode = (error: unknown): string => {
  if (error instanceof S3Error) return error.code;
  throw error;
};

/**
 * Whether the bucket is there and keeps what it gets: versions of an object under Object Lock. Makes it when asked to.
 * Rejects with a sentence that says what is missing and what to do.
 */
export async function checkBucket(s3: S3Calls, createBucket: boolean): Promise<void> {
  const { client, name } = s3;
  const Bucket = s3.place.bucket;
  const there = await s3
    .call('looking for the bucket', (abortSignal) => client.send(new HeadBucketCommand({ Bucket }), { abortSignal }))
    .then(() => true)
    .catch((error: unknown) => refused(error, name));
  if (!there) {
    if (!createBucket)
      throw new Error(
        `the archive ${name} has no bucket: make it with Object Lock, or let FLEXDER_ARCHIVE_CREATE_BUCKET=true make it`,
      );
    await create(s3);
  }
  const { Status } = await s3.call('reading the versioning', (abortSignal) =>
    client.send(new GetBucketVersioningCommand({ Bucket }), { abortSignal }),
  );
  if (Status !== 'Enabled')
    throw new Error(`the bucket of the archive ${name} keeps no versions: what is replaced would be gone; use another`);
  const lock = await s3
    .call('reading the Object Lock', (abortSignal) =>
      client.send(new GetObjectLockConfigurationCommand({ Bucket }), { abortSignal }),
    )
    .then((answer) => answer.ObjectLockConfiguration?.ObjectLockEnabled)
    .catch((error: unknown) => {
      if (orCode(error) === 'ObjectLockConfigurationNotFoundError') return undefined;
      throw error;
    });
  if (lock !== 'Enabled')
    throw new Error(
      `the bucket of the archive ${name} has no Object Lock, which can be had from its making on only: make another`,
    );
}

function refused(error: unknown, name: string): false {
  if (!(error instanceof S3Error)) throw error;
  if (error.status === 404) return false;
  if (error.status === 403)
    throw new S3Error(`the archive ${name} refuses these credentials, or they may not use its bucket`, error.code, 403);
  if (error.status === 301)
    throw new S3Error(`the bucket of the archive ${name} is in another region: set ?region=`, error.code, 301);
  throw error;
}

async function create(s3: S3Calls): Promise<void> {
  const { bucket: Bucket, region } = s3.place;
  const located = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
  const command = new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true, ...located });
  try {
    await s3.call('making the bucket', (abortSignal) => s3.client.send(command, { abortSignal }));
  } catch (error) {
    // Another process of ours was faster.
    if (orCode(error) !== 'BucketAlreadyOwnedByYou') throw error;
  }
}
