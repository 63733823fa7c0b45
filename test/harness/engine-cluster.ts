/** A cluster on real engines: PostgreSQL, Redis and Mosquitto, each behind a proxy of its own for every service. */
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { type MosquittoServer, startMosquitto } from '@flexder/runtime/testing/mosquitto.ts';
import { type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { startProxy, type TcpProxy } from '@flexder/runtime/testing/proxy.ts';
import { type RedisServer, startRedis } from '@flexder/runtime/testing/redis.ts';
import { type Cluster, type ClusterOptions, openCluster } from './cluster.ts';
import { type DeviceJournal, openDeviceJournal } from './device-journal.ts';
import { type PlainSql, postgresSql } from './plain-sql.ts';
import { openShopper, type Shopper } from './shopper.ts';

export const needsAllEngines = needsEngine('PostgreSQL, Redis and Mosquitto', 'postgres', 'redis-server', 'mosquitto');

export type EngineName = 'database' | 'queue' | 'bus';

export interface EngineCluster extends Cluster {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly mosquitto: MosquittoServer;
  /** The line of one service to one engine. */
  line(service: string, engine: EngineName): TcpProxy;
  readonly journal: DeviceJournal;
  readonly sql: PlainSql;
  /** Of the superuser, in the database of the services. */
  readonly sqlUrl: string;
  readonly shopper: Shopper;
}

export interface EngineClusterOptions extends ClusterOptions {
  /** Runs when places are known and nothing was started. */
  beforeStart?(services: Cluster['services']): Promise<void>;
  /** What is started at once; everything by default. */
  readonly early?: readonly string[];
}

/** Starts engines, the services of the plan and a buyer; resolves when devices can be bought. */
export async function openEngineCluster(options: EngineClusterOptions): Promise<EngineCluster> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of closing.reverse()) await one().catch(() => {});
  };
  try {
    const postgres = await startPostgres({ args: ['-c', 'max_connections=200'] });
    closing.push(() => postgres.kill());
    const redis = await startRedis();
    closing.push(() => redis.kill());
    const databaseUrl = await postgres.createDatabase();
    const lines = new Map<string, TcpProxy>();
    const ports: Record<EngineName, number> = { database: postgres.port, queue: redis.port, bus: 0 };
    const urlOf = async (service: string, engine: EngineName, url: string) => {
      const proxy = await startProxy({ port: ports[engine] });
      closing.push(() => proxy.close());
      lines.set(`${service} ${engine}`, proxy);
      return proxy.before(url);
    };
    const engines = new Map<string, Record<string, string>>();
    const cluster = await openCluster({
      ...options,
      variables: (name) => ({ ...engines.get(name), ...options.variables?.(name) }),
    });
    closing.push(() => cluster.close());
    const mosquitto = await startMosquitto({ accounts: cluster.accounts });
    closing.push(() => mosquitto.stop());
    ports.bus = mosquitto.port;
    const names = cluster.services.map(({ name }) => name).filter((name) => name !== 'broker');
    for (const name of names)
      engines.set(name, {
        FLEXDER_MQTT_URL: await urlOf(name, 'bus', mosquitto.url),
        ...(name !== 'fleet' && {
          FLEXDER_DATABASE_URL: await urlOf(name, 'database', databaseUrl),
          FLEXDER_QUEUE_URL: await urlOf(name, 'queue', redis.url),
        }),
      });
    await options.beforeStart?.(cluster.services);
    const early = options.early ?? names;
    await cluster.startAll(...early);
    const journal = await openDeviceJournal(mosquitto.url);
    closing.push(() => journal.close());
    const sqlUrl = adminUrl(postgres, databaseUrl);
    const sql = await postgresSql(sqlUrl);
    closing.push(() => sql.close());
    const shopper = await openShopper(cluster.registry.url);
    closing.push(() => shopper.close());
    await cluster.untilDevices(...early.filter((name) => name.startsWith('bpp-')));
    return {
      ...cluster,
      ...{ postgres, redis, mosquitto, journal, sql, sqlUrl, shopper, close },
      line: (service, engine) => lines.get(`${service} ${engine}`)!,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The superuser, in the database of the services. */
function adminUrl({ adminUrl: url }: PostgresServer, databaseUrl: string): string {
  const admin = new URL(url);
  admin.pathname = new URL(databaseUrl).pathname;
  return admin.href;
}
