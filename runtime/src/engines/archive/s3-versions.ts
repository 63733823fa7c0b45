import { ListObjectVersionsCommand, type ObjectVersion } from '@aws-sdk/client-s3';
import { engineLimits } from '../limits.ts';
import type { S3Calls } from './s3-client.ts';

/**
 * Versions below `prefix`: keys sorted, of a key the newest first. Marks of deletion are no versions: they hide an
 * object from who asks for its newest, and from nobody else.
 */
async function* versionsBelow(s3: S3Calls, prefix: string, pageKeys: number): AsyncGenerator<ObjectVersion> {
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  for (let pages = 0; pages < engineLimits.archivePages; pages++) {
    const command = new ListObjectVersionsCommand({
      Bucket: s3.place.bucket,
      Prefix: prefix,
      MaxKeys: pageKeys,
      ...(KeyMarker === undefined ? {} : { KeyMarker }),
      ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }),
    });
    const page = await s3.call(`listing ${prefix}`, (abortSignal) => s3.client.send(command, { abortSignal }));
    yield* page.Versions ?? [];
    if (!page.IsTruncated) return;
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  }
  throw new RangeError(
    `${prefix} has more versions in the archive ${s3.name} than ${engineLimits.archivePages} pages hold`,
  );
}

/**
 * The version of `objectKey` that counts: the first one that was written. Under Object Lock nobody can put another
 * before it, so whoever has seen it knows that it stays the first. Undefined when there is none.
 */
export async function firstVersion(s3: S3Calls, objectKey: string, pageKeys: number): Promise<string | undefined> {
  let first: string | undefined;
  for await (const { Key, VersionId } of versionsBelow(s3, objectKey, pageKeys)) {
    // The key itself sorts before those that only begin with it.
    if (Key !== objectKey) break;
    first = VersionId;
  }
  return first;
}

/** Every key below `prefix` that has a version, sorted. */
export async function keysBelow(s3: S3Calls, prefix: string, pageKeys: number): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Key } of versionsBelow(s3, prefix, pageKeys)) {
    if (Key !== undefined && Key !== keys.at(-1)) keys.push(Key);
  }
  return keys;
}
