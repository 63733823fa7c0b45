import { createHash } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';
import type { S3Access } from './config.ts';
import { assertArchiveKey, assertArchivePrefix } from './keys.ts';
import { type Archive, ArchiveConflictError, ArchiveDamagedError, assertArchiveSize } from './port.ts';
import { checkBucket } from './s3-bucket.ts';
import { type S3Calls, S3Error, s3Calls } from './s3-client.ts';
import { parseS3Url } from './s3-url.ts';
import { firstVersion, keysBelow } from './s3-versions.ts';

const DAY_MS = 86_400_000;
/** Somebody else was faster (412), or is at it (409). */
const OVERTAKEN = new Set([409, 412]);

export interface S3Deps {
  readonly wall: WallClock;
  /** Keys of one page of a listing; a test asks for few. */
  readonly pageKeys?: number;
}

/**
 * Objects in a bucket with versions and Object Lock: for the time of their retention nobody can delete or change one,
 * whoever holds the keys (compliance mode).
 *
 * An object is the first version of its key. Writers ask for `If-None-Match: *`, which lets one of them win where the
 * server knows it for versioned buckets; where it does not, each writer looks afterwards which version is the first,
 * and the one that finds its own has won. Later versions and marks of deletion change nothing of what is read.
 */
export async function s3Archive(url: string, access: S3Access, deps: S3Deps): Promise<Archive> {
  const s3 = s3Calls(parseS3Url(url), access, deps.wall);
  try {
    await checkBucket(s3, access.createBucket);
  } catch (error) {
    s3.close();
    throw error;
  }
  const { prefix } = s3.place;
  const pageKeys = deps.pageKeys ?? engineLimits.archivePageKeys;
  const first = (key: string) => firstVersion(s3, prefix + key, pageKeys);

  const assertSame = async (key: string, version: string, bytes: Uint8Array) => {
    if (!Buffer.from(await read(s3, key, version)).equals(bytes))
      throw new ArchiveConflictError(`${key} is in the archive with other content`);
  };

  return {
    kind: 's3',
    async put(key, bytes) {
      assertArchiveKey(key);
      assertArchiveSize(key, bytes.byteLength);
      const { retentionDays } = access;
      if (retentionDays === undefined)
        throw new Error(`the archive ${s3.name} was opened for reading: it has no retention`);
      const sha256 = createHash('sha256').update(bytes).digest();
      const there = await first(key);
      if (there !== undefined) await assertSame(key, there, bytes);
      else {
        const written = await write(s3, key, bytes, sha256, deps.wall.nowMs() + retentionDays * DAY_MS);
        const winner = await first(key);
        if (winner === undefined)
          throw new S3Error(`${key} is not in the archive ${s3.name} after it was put`, 'Lost', 0);
        if (winner !== written) await assertSame(key, winner, bytes);
      }
      return { sha256: sha256.toString('hex') };
    },
    async get(key) {
      assertArchiveKey(key);
      const version = await first(key);
      return version === undefined ? undefined : read(s3, key, version);
    },
    async list(below) {
      assertArchivePrefix(below);
      const keys = await keysBelow(s3, prefix + below, pageKeys);
      return keys.map((key) => key.slice(prefix.length));
    },
    async close() {
      s3.close();
    },
  };
}

/** The id of the version that was written; undefined when another writer was faster. */
async function write(s3: S3Calls, key: string, bytes: Uint8Array, sha256: Buffer, untilMs: number) {
  const command = new PutObjectCommand({
    Bucket: s3.place.bucket,
    Key: s3.place.prefix + key,
    Body: bytes,
    IfNoneMatch: '*',
    ChecksumSHA256: sha256.toString('base64'),
    // For servers that keep no checksum of this kind.
    Metadata: { sha256: sha256.toString('hex') },
    ObjectLockMode: 'COMPLIANCE',
    ObjectLockRetainUntilDate: new Date(untilMs),
  });
  try {
    const send = (abortSignal: AbortSignal) => s3.client.send(command, { abortSignal });
    return (await s3.call(`putting ${key}`, send)).VersionId;
  } catch (error) {
    if (error instanceof S3Error && OVERTAKEN.has(error.status ?? 0)) return undefined;
    throw error;
  }
}

async function read(s3: S3Calls, key: string, VersionId: string): Promise<Uint8Array> {
  const at = { Bucket: s3.place.bucket, Key: s3.place.prefix + key, VersionId };
  return s3.call(`reading ${key}`, async (abortSignal) => {
    const answer = await s3.client.send(new GetObjectCommand({ ...at, ChecksumMode: 'ENABLED' }), { abortSignal });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      assertArchiveSize(key, length);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    const expected = answer.Metadata?.sha256;
    if (expected !== undefined && createHash('sha256').update(bytes).digest('hex') !== expected)
      throw new ArchiveDamagedError(`${key} came from the archive ${s3.name} other than it was put there`);
    return bytes;
  });
}
