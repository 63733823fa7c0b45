/** What engines hold of a scenario's participants before it begins. Looks only: nothing is made or changed. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import type { S3Access } from '@flexder/runtime/engines/archive/config.ts';
import { fileArchive } from '@flexder/runtime/engines/archive/file.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import { subscriberName } from '@flexder/runtime/engines/database/names.ts';
import type { EngineUrls } from '@flexder/runtime/engines/open.ts';

export type StoreUrls = Pick<EngineUrls, 'databaseUrl' | 'queueUrl' | 'eventsUrl' | 'archiveUrl' | 'archiveAccess'>;

/**
 * One sentence for each engine that holds a run of any of `subscribers`, with what to do about it. Relative directories
 * are below `dataDir`. Throws when a server cannot be asked.
 */
export async function earlierRun(urls: StoreUrls, subscribers: readonly string[], dataDir: string): Promise<string[]> {
  const found = [
    await inDatabase(urls.databaseUrl, subscribers, dataDir),
    await inQueue(urls.queueUrl, subscribers),
    await inArchive(urls, subscribers, dataDir),
  ];
  return found.filter((sentence) => sentence !== undefined);
}

const below = (dataDir: string, path: string) => (isAbsolute(path) ? path : join(dataDir, path));

async function inDatabase(url: string, subscribers: readonly string[], dataDir: string): Promise<string | undefined> {
  if (url === 'pglite:memory') return undefined;
  if (url.startsWith('pglite:')) {
    const folder = below(dataDir, url.slice('pglite:'.length));
    if (!existsSync(join(folder, 'ready'))) return undefined;
    return `the database in ${folder} holds a run already: name a new folder in FLEXDER_DATABASE_URL, or remove this one`;
  }
  const { contentOf } = await import('../backup/server.ts');
  const { subscribers: schemas } = await contentOf(url);
  const ours = subscribers.filter((id) => schemas.includes(subscriberName(id)));
  if (ours.length === 0) return undefined;
  const drop = ours.map((id) => `drop schema "${subscriberName(id)}" cascade;`).join(' ');
  return `the database of FLEXDER_DATABASE_URL holds a run of ${ours.join(', ')} already: name an empty database, or drop what is there: ${drop}`;
}

async function inQueue(url: string, subscribers: readonly string[]): Promise<string | undefined> {
  if (!/^rediss?:/.test(url)) return undefined;
  const { redisQueuesOf } = await import('@flexder/runtime/engines/queue/redis-known.ts');
  const ours = await redisQueuesOf(url, subscribers);
  if (ours.length === 0) return undefined;
  return `the Redis of FLEXDER_QUEUE_URL holds jobs of ${ours.join(', ')} already: name another prefix in it (?prefix=NAME)`;
}

async function inArchive(
  { archiveUrl, archiveAccess }: StoreUrls,
  subscribers: readonly string[],
  dataDir: string,
): Promise<string | undefined> {
  const archive = await openArchive(archiveUrl, archiveAccess, dataDir);
  if (!archive) return undefined;
  try {
    for (const id of subscribers) {
      if ((await archive.list(`${id}/`)).length > 0)
        return `the archive of FLEXDER_ARCHIVE_URL holds records of ${id} already, and nothing in it is replaced: name another folder or prefix`;
    }
    return undefined;
  } finally {
    await archive.close();
  }
}

/** Undefined when there is none yet. */
async function openArchive(url: string, access: S3Access | undefined, dataDir: string): Promise<Archive | undefined> {
  if (url.startsWith('file:')) {
    const root = below(dataDir, url.slice('file:'.length));
    return existsSync(root) ? fileArchive(root, systemIds()) : undefined;
  }
  if (!access) return undefined;
  const { s3Archive } = await import('@flexder/runtime/engines/archive/s3.ts');
  const reading = { ...access, retentionDays: undefined, createBucket: false };
  return s3Archive(url, reading, { wall: systemWallClock() }).catch((error: Error) => {
    if (access.createBucket && error.message.includes('has no bucket')) return undefined;
    throw error;
  });
}
