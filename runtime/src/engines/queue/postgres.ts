import { EventEmitter } from 'node:events';
import { createPostgresBackend } from 'bullmq';
import { subscriberName } from '../database/names.ts';
import { ensureRole, type ServerPlace, serverPlace, serverPool, settingUp } from '../database/server.ts';
import { engineLimits } from '../limits.ts';
import { type BullQueue, openBullQueue } from './bullmq.ts';
import type { JobQueueEngine, QueueDeps } from './port.ts';
import { migrateQueueSchema, QUEUE_GRANTS, QUEUE_ROLE, QUEUE_SCHEMA } from './schema.ts';

/**
 * BullMQ on a PostgreSQL server that several processes share. What a process was doing when it died is taken up when
 * its locks expire, by whichever worker looks next: nobody can tell sooner whether another is still at it.
 */
export function postgresQueueEngine(url: string, deps: QueueDeps): JobQueueEngine {
  const place = serverPlace('queue URL', url);
  const connection = queuePools(place, deps);
  const at = { producer: { connection }, consumer: { connection } };
  let prepared: Promise<void> | undefined;
  const open = new Map<string, BullQueue>();
  const prepare = () => {
    prepared ??= prepareSchema(place).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
  return {
    kind: 'postgres',
    async open(subscriber) {
      const name = subscriberName(subscriber);
      await prepare();
      const existing = open.get(name);
      if (existing) return existing;
      const queue = await openBullQueue({ ...deps, ...at, name, backend: createPostgresBackend, shared: true });
      open.set(name, queue);
      return queue;
    },
    opened: async () => [...open.values()],
    async close() {
      await Promise.all([...open.values()].map((queue) => queue.close()));
      open.clear();
      await connection.end();
    },
  };
}

function prepareSchema(place: ServerPlace): Promise<void> {
  return settingUp(place, async (client) => {
    try {
      await ensureRole(client, QUEUE_ROLE);
      await migrateQueueSchema((sql, values) => client.query(sql, values as unknown[]));
      await client.query(QUEUE_GRANTS);
    } catch (error) {
      throw new Error(`the tables of the job queue cannot be set up: ${(error as Error).message}`, { cause: error });
    }
  });
}

/**
 * The `pg.Pool` that BullMQ is given: statements share a small pool; a worker keeps a connection to hear of new jobs,
 * which must not take one from the statements, or the last worker would wait for ever for the first statement.
 */
function queuePools(place: ServerPlace, { log }: QueueDeps) {
  const identity = { role: QUEUE_ROLE, schema: QUEUE_SCHEMA };
  const statements = serverPool(place, log, {
    identity,
    plainTypes: true,
    connections: engineLimits.queueConnections,
  });
  const listeners = serverPool(place, log, {
    identity,
    plainTypes: true,
    connections: engineLimits.queueListeners,
    once: true,
  });
  let ended: Promise<void> | undefined;
  const end = async () => {
    await Promise.all([statements.end(), listeners.end()]);
  };
  const pool = Object.assign(new EventEmitter(), {
    // Of the sockets, so that a worker may sleep long: a lost one is noticed.
    options: { keepAlive: true },
    query: (text: string, values?: unknown[]) => statements.query(text, values),
    connect: () => listeners.connect(),
    end: () => {
      ended ??= end();
      return ended;
    },
  });
  return pool.setMaxListeners(0);
}
