import { join } from 'node:path';
import type { Activity } from '../activity.ts';
import type { WallClock } from '../clock.ts';
import { type Engines, systemIds } from '../context.ts';
import type { Logger } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import { openInOrder } from '../service.ts';
import type { S3Access } from './archive/config.ts';
import { fileArchive } from './archive/file.ts';
import type { Archive } from './archive/port.ts';
import { parseS3Url, S3_FORM } from './archive/s3-url.ts';
import { mqttBus } from './bus/mqtt.ts';
import type { MqttSettings } from './bus/settings.ts';
import { openPglite, type PgliteDatabase } from './database/pglite.ts';
import type { DatabaseEngine } from './database/port.ts';
import { openEvents } from './events/open.ts';
import { pgliteQueueEngine } from './queue/pglite.ts';
import type { JobQueueEngine } from './queue/port.ts';

/** One URL for each engine; the scheme picks the adapter. */
export interface EngineUrls {
  /** `pglite:memory`, `pglite:/directory`, or `postgres://user:password@host:port/database`. */
  readonly databaseUrl: string;
  /**
   * `pglite:`, the queue in the same PGlite as the database; `postgres://user:password@host:port/database`;
   * `redis://` or `rediss://`, see queue/redis-url.ts.
   */
  readonly queueUrl: string;
  /** `mqtt://host:port` or `mqtts://host:port` of a broker that is up. */
  readonly mqttUrl: string;
  /** How the broker is spoken to; without them it is the embedded one. */
  readonly mqtt?: MqttSettings;
  /** `memory:`, or `kafka://host:port[,host:port]/prefix` with the parameters of events/kafka/url.ts. */
  readonly eventsUrl: string;
  /** `file:/directory`, or `s3://bucket/prefix` with Object Lock. */
  readonly archiveUrl: string;
  /** For an `s3:` archive. */
  readonly archiveAccess?: S3Access;
}

export interface EngineDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly activity: Activity;
  readonly metrics?: Pick<Metrics, 'count'>;
  /** Relative directories are taken from here; default the working directory. */
  readonly dataDir?: string;
}

export type OpenEngines = Engines & { close(): Promise<void> };

/** The scheme of `url` and what follows the colon (and a leading `//`). */
function split(what: string, url: string, supported: Record<string, string>): { scheme: string; rest: string } {
  const [, written = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(?:\/\/)?(.*)$/s.exec(url) ?? [];
  const scheme = written === 'postgresql' ? 'postgres' : written;
  if (scheme in supported) return { scheme, rest };
  const shown = url.replace(/\/\/[^@/]*@/, '//***@');
  throw new Error(
    `${what} ${JSON.stringify(shown)} is not supported here: use ${Object.values(supported).join(' or ')}`,
  );
}

function directory(what: string, rest: string, dataDir: string | undefined): string {
  if (rest === '') throw new Error(`${what} names no directory`);
  return rest.startsWith('/') || dataDir === undefined ? rest : join(dataDir, rest);
}

const DATABASES = {
  pglite: 'pglite:DIRECTORY or pglite:memory',
  postgres: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
};
const QUEUES = {
  pglite: 'pglite: (with a pglite: database)',
  postgres: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  redis: 'redis://:PASSWORD@HOST:PORT/DB?prefix=NAME',
  rediss: 'rediss://',
};
/** Checks the URL now; what it returns opens the archive. */
function archiveOpener(
  { archiveUrl, archiveAccess }: EngineUrls,
  { wall, dataDir }: EngineDeps,
): () => Promise<Archive> {
  const { scheme, rest } = split('archive URL', archiveUrl, { file: 'file:DIRECTORY', s3: S3_FORM });
  if (scheme === 'file') {
    const root = directory('archive URL', rest, dataDir);
    return () => fileArchive(root, systemIds());
  }
  const { bucket } = parseS3Url(archiveUrl);
  if (archiveAccess?.retentionDays === undefined)
    throw new Error(`the archive in the bucket ${bucket} needs a retention: set FLEXDER_ARCHIVE_RETENTION_DAYS`);
  // Half a second to load: only for who uses it.
  return async () => (await import('./archive/s3.ts')).s3Archive(archiveUrl, archiveAccess, { wall });
}

/** Opens every engine, or none. The broker of the device bus must be up already. */
export async function openEngines(urls: EngineUrls, deps: EngineDeps): Promise<OpenEngines> {
  const { wall, log, activity, dataDir } = deps;
  const database = split('database URL', urls.databaseUrl, DATABASES);
  const queue = split('queue URL', urls.queueUrl, QUEUES);
  split('MQTT URL', urls.mqttUrl, { mqtt: 'mqtt://HOST:PORT', mqtts: 'mqtts://HOST:PORT' });
  split('events URL', urls.eventsUrl, { memory: 'memory:', kafka: 'kafka://HOST:PORT[,HOST:PORT]/PREFIX' });
  const archive = archiveOpener(urls, deps);
  if (queue.scheme === 'pglite' && database.scheme !== 'pglite')
    throw new Error('queue URL "pglite:" needs a pglite: database, where the queue lives: name a queue of its own');
  const location =
    database.scheme !== 'pglite' || database.rest === 'memory'
      ? database.rest
      : directory('database URL', database.rest, dataDir);

  const { result, close } = await openInOrder(async (keep) => {
    const opened = keep(await openDatabase(database.scheme, location, urls, deps));
    const jobs = keep(await openQueue(queue.scheme, opened, urls, deps));
    const events = keep(await openEvents(urls.eventsUrl, deps));
    const objects = keep(await archive());
    const bus = mqttBus(urls.mqttUrl, { wall, log, activity }, urls.mqtt);
    return { database: opened, queue: jobs, bus, events, archive: objects };
  });
  return { ...result, close };
}

/** An adapter that is not asked for is not loaded. */
async function openDatabase(
  scheme: string,
  location: string,
  { databaseUrl }: EngineUrls,
  { wall, log }: EngineDeps,
): Promise<DatabaseEngine | PgliteDatabase> {
  if (scheme === 'pglite') return openPglite({ location, wall, log });
  const { openPostgres } = await import('./database/postgres.ts');
  return openPostgres({ url: databaseUrl, wall, log });
}

async function openQueue(
  scheme: string,
  database: DatabaseEngine | PgliteDatabase,
  { queueUrl }: EngineUrls,
  { wall, log, activity }: EngineDeps,
): Promise<JobQueueEngine> {
  const deps = { wall, log, activity };
  if (scheme === 'pglite') return pgliteQueueEngine((database as PgliteDatabase).shared, deps);
  if (scheme !== 'postgres') {
    const { redisQueueEngine } = await import('./queue/redis.ts');
    return redisQueueEngine(queueUrl, deps);
  }
  const { postgresQueueEngine } = await import('./queue/postgres.ts');
  return postgresQueueEngine(queueUrl, deps);
}
