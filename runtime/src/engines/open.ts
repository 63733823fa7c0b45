import { join } from 'node:path';
import type { Activity } from '../activity.ts';
import type { WallClock } from '../clock.ts';
import { type Engines, systemIds } from '../context.ts';
import type { Logger } from '../logging.ts';
import type { S3Access } from './archive/config.ts';
import { fileArchive } from './archive/file.ts';
import type { Archive } from './archive/port.ts';
import { parseS3Url, S3_FORM } from './archive/s3-url.ts';
import { mqttBus } from './bus/mqtt.ts';
import { openPglite } from './database/pglite.ts';
import { memoryEvents } from './events/memory.ts';
import { pgliteQueueEngine } from './queue/pglite.ts';

/** One URL for each engine; the scheme picks the adapter. */
export interface EngineUrls {
  /** `pglite:memory` or `pglite:/directory`. */
  readonly databaseUrl: string;
  /** `pglite:`, the queue in the same PGlite as the database. */
  readonly queueUrl: string;
  /** `mqtt://host:port` or `mqtts://host:port` of a broker that is up. */
  readonly mqttUrl: string;
  /** `memory:`. */
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
  /** Relative directories are taken from here; default the working directory. */
  readonly dataDir?: string;
  /** 4 (MQTT 3.1.1) unless the broker speaks 5. */
  readonly mqttVersion?: 4 | 5;
}

export type OpenEngines = Engines & { close(): Promise<void> };

/** The scheme of `url` and what follows the colon (and a leading `//`). */
function split(what: string, url: string, supported: Record<string, string>): { scheme: string; rest: string } {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(?:\/\/)?(.*)$/s.exec(url) ?? [];
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
  const database = split('database URL', urls.databaseUrl, { pglite: 'pglite:DIRECTORY or pglite:memory' });
  split('queue URL', urls.queueUrl, { pglite: 'pglite: (with a pglite: database)' });
  split('MQTT URL', urls.mqttUrl, { mqtt: 'mqtt://HOST:PORT', mqtts: 'mqtts://HOST:PORT' });
  split('events URL', urls.eventsUrl, { memory: 'memory:' });
  const archive = archiveOpener(urls, deps);
  const location = database.rest === 'memory' ? 'memory' : directory('database URL', database.rest, dataDir);

  const pglite = await openPglite({ location, wall, log });
  try {
    const queue = pgliteQueueEngine(pglite.shared, { wall, log, activity });
    const events = memoryEvents(log);
    const objects = await archive();
    const bus = mqttBus(urls.mqttUrl, { wall, log, activity, protocolVersion: deps.mqttVersion ?? 4 });
    return {
      database: pglite,
      queue,
      bus,
      events,
      archive: objects,
      async close() {
        await queue.close();
        await events.close();
        await objects.close();
        await pglite.close();
      },
    };
  } catch (error) {
    await pglite.close();
    throw error;
  }
}
