/** Where chaos happens: a running network with a buyer and a journal, on embedded engines or on servers. */
import { join } from 'node:path';
import { startMosquitto } from '@flexder/runtime/testing/mosquitto.ts';
import { startRedis } from '@flexder/runtime/testing/redis.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { type Cluster, openCluster } from '../harness/cluster.ts';
import { type DeviceJournal, openDeviceJournal } from '../harness/device-journal.ts';
import { openEngineCluster } from '../harness/engine-cluster.ts';
import type { Query } from '../harness/invariants.ts';
import { type PlainSql, pgliteSql } from '../harness/plain-sql.ts';
import { openShopper, type Shopper } from '../harness/shopper.ts';

/** Something that is killed, stopped and started again under its name. */
export interface Target {
  readonly name: string;
  pid(): number | undefined;
  kill(): Promise<void>;
  start(): Promise<unknown>;
}

export interface Field {
  readonly cluster: Cluster;
  readonly journal: DeviceJournal;
  readonly shopper: Shopper;
  readonly targets: readonly Target[];
  readonly secrets: readonly string[];
  /** Runs `judge` on the tables of every participant, by subscriber id; embedded ones have to have ended before. */
  withTables<T>(judge: (tables: ReadonlyMap<string, Query>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const DERS = 240;
const SIZE = { ders: DERS, limitShare: 1 };
const SETTINGS = { FLEXDER_BPP_MAX_EVENTS_PER_DAY: '48', FLEXDER_BPP_RELEASE_SPREAD_S: '0' };
const variables = (name: string): Record<string, string> => (name.startsWith('bpp') ? SETTINGS : {});
/** Participants by the service whose folder holds their tables. */
const PARTICIPANTS: Record<string, string> = {
  bap: DSO_ID,
  gateway: 'gateway-1',
  'bpp-1': 'aggregator-1',
  'bpp-2': 'aggregator-2',
};
/** Devices do not die: what they did is what is judged. */
const SPARED = new Set(['fleet']);

const targetsOf = (cluster: Cluster, names: readonly string[]): Target[] =>
  names
    .filter((name) => !SPARED.has(name))
    .map((name) => ({
      name,
      pid: () => cluster.of(name).child.pid,
      kill: () => cluster.kill(name),
      start: () => cluster.start(name),
    }));

export async function openEmbeddedField(seed: number): Promise<Field> {
  const cluster = await openCluster({ ...SIZE, seed, variables });
  const closing: (() => Promise<unknown>)[] = [() => cluster.close()];
  const close = async () => {
    for (const one of closing.reverse()) await one().catch(() => {});
  };
  try {
    const names = cluster.services.map(({ name }) => name);
    await cluster.startAll(...names);
    const journal = await openDeviceJournal(cluster.services.find(({ name }) => name === 'broker')!.url);
    closing.push(() => journal.close());
    const shopper = await openShopper(cluster.registry.url);
    closing.push(() => shopper.close());
    await cluster.untilDevices('bpp-1', 'bpp-2');
    return {
      ...{ cluster, journal, shopper, close },
      targets: targetsOf(cluster, names),
      secrets: cluster.accounts.map(({ password }) => password),
      async withTables(judge) {
        const opened: PlainSql[] = [];
        const tables = new Map<string, Query>();
        try {
          for (const [service, id] of Object.entries(PARTICIPANTS)) {
            const sql = await pgliteSql(join(cluster.dir, 'data', service, 'database', 'postgres'));
            opened.push(sql);
            tables.set(id, await sql.of(id));
          }
          return await judge(tables);
        } finally {
          for (const sql of opened) await sql.close();
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function openEngineField(seed: number): Promise<Field> {
  const net = await openEngineCluster({ ...SIZE, seed, copies: 2, variables });
  const names = net.services.map(({ name }) => name).filter((name) => name !== 'broker');
  const { redis, mosquitto } = net;
  const queue: Target = {
    name: 'queue',
    pid: () => redis.child.pid,
    kill: () => redis.kill(),
    start: async () => Object.assign(redis, await startRedis({ port: redis.port, folder: redis.folder })),
  };
  const { port, folder } = mosquitto;
  const broker: Target = {
    name: 'broker',
    pid: () => mosquitto.child.pid,
    kill: () => mosquitto.kill(),
    start: async () => Object.assign(mosquitto, await startMosquitto({ accounts: net.accounts, port, folder })),
  };
  return {
    cluster: net,
    journal: net.journal,
    shopper: net.shopper,
    targets: [...targetsOf(net, names), queue, broker],
    secrets: [...net.accounts.map(({ password }) => password), net.postgres.password],
    async withTables(judge) {
      const tables = new Map<string, Query>();
      for (const id of Object.values(PARTICIPANTS)) tables.set(id, await net.sql.of(id));
      return judge(tables);
    },
    close: () => net.close(),
  };
}
