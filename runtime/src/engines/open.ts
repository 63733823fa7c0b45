import { join } from 'node:path';
import type { Activity } from '../activity.ts';
import type { WallClock } from '../clock.ts';
import { type Engines, systemIds } from '../context.ts';
import type { Logger } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import { fileArchive } from './archive/file.ts';
import { mqttBus } from './bus/mqtt.ts';
import { openPglite } from './database/pglite.ts';
import { openEvents } from './events/open.ts';
import { pgliteQueueEngine } from './queue/pglite.ts';

/** One URL for each engine; the scheme picks the adapter. */
export interface EngineUrls {
  /** `pglite:memory` or `pglite:/directory`. */
  readonly databaseUrl: string;
  /** `pglite:`, the queue in the same PGlite as the database. */
  readonly queueUrl: string;
  /** `mqtt://host:port` or `mqtts://host:port` of a broker that is up. */
  readonly mqttUrl: string;
  /** `memory:`, or `kafka://host:port[,host:port]/prefix` with the parameters of events/kafka/url.ts. */
  readonly eventsUrl: string;
  /** `file:/directory`. */
  readonly archiveUrl: string;
}

export interface EngineDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly activity: Activity;
  readonly metrics?: Pick<Metrics, 'count'>;
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

/** Opens every engine, or none. The broker of the device bus must be up already. */
export async function openEngines(urls: EngineUrls, deps: EngineDeps): Promise<OpenEngines> {
  const { wall, log, activity, dataDir } = deps;
  const database = split('database URL', urls.databaseUrl, { pglite: 'pglite:DIRECTORY or pglite:memory' });
  split('queue URL', urls.queueUrl, { pglite: 'pglite: (with a pglite: database)' });
  split('MQTT URL', urls.mqttUrl, { mqtt: 'mqtt://HOST:PORT', mqtts: 'mqtts://HOST:PORT' });
  split('events URL', urls.eventsUrl, { memory: 'memory:', kafka: 'kafka://HOST:PORT[,HOST:PORT]/PREFIX' });
  const archive = split('archive URL', urls.archiveUrl, { file: 'file:DIRECTORY' });
  const location = database.rest === 'memory' ? 'memory' : directory('database URL', database.rest, dataDir);
  const archiveRoot = directory('archive URL', archive.rest, dataDir);

  const pglite = await openPglite({ location, wall, log });
  try {
    const queue = pgliteQueueEngine(pglite.shared, { wall, log, activity });
    const events = await openEvents(urls.eventsUrl, deps);
    const objects = await fileArchive(archiveRoot, systemIds());
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
