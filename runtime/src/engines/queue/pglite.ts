import { createPostgresBackend } from 'bullmq';
import type { WallClock } from '../../clock.ts';
import { subscriberName } from '../database/names.ts';
import { inTurn, type SharedSession, statementPool } from '../database/pool.ts';
import { engineLimits } from '../limits.ts';
import { type BullQueue, openBullQueue } from './bullmq.ts';
import type { JobQueueEngine, QueueDeps } from './port.ts';
import { migrateQueueSchema, QUEUE_GRANTS, QUEUE_ROLE, QUEUE_SCHEMA } from './schema.ts';

async function prepareSchema(shared: SharedSession): Promise<void> {
  await inTurn(shared, undefined, async (session) => {
    await migrateQueueSchema((sql, values) => session.run(sql, values));
    const { rows } = await session.run('select 1 from pg_roles where rolname = $1', [QUEUE_ROLE]);
    if (rows.length === 0) await session.run(`create role ${QUEUE_ROLE} nologin`);
    await session.run(QUEUE_GRANTS);
  });
}

/**
 * One process alone has this database, so whatever is marked as running was cut off by the end of the process
 * before: its locks are let go now instead of when they expire.
 */
async function releaseCutOff(shared: SharedSession, queue: string, wall: WallClock): Promise<void> {
  await inTurn(shared, { role: QUEUE_ROLE, schema: QUEUE_SCHEMA }, async (session) => {
    const { rows } = await session.run("select 1 from job where queue = $1 and state = 'active' limit 1", [queue]);
    if (rows.length === 0) return;
    const afterLocksMs = wall.nowMs() + engineLimits.queueLockMs + 1;
    await session.run('begin');
    // Once to mark, once to take back (BullMQ recovers what two passes find).
    for (const atMs of [afterLocksMs, afterLocksMs + 1]) {
      await session.run('select * from move_stalled_jobs_to_wait($1, $2, $3, $4)', [
        queue,
        engineLimits.queueStalls,
        atMs,
        0,
      ]);
    }
    await session.run("delete from meta where queue = $1 and field = 'stalled-check'", [queue]);
    await session.run('commit');
  });
}

/** BullMQ on its PostgreSQL backend, over the PGlite that also holds the tables. */
export function pgliteQueueEngine(shared: SharedSession, deps: QueueDeps): JobQueueEngine {
  let prepared: Promise<void> | undefined;
  const open = new Map<string, BullQueue>();
  return {
    kind: 'pglite',
    async open(subscriber) {
      const name = subscriberName(subscriber);
      prepared ??= prepareSchema(shared);
      await prepared;
      const existing = open.get(name);
      if (existing) return existing;
      await releaseCutOff(shared, name, deps.wall);
      const connection = statementPool(shared, { role: QUEUE_ROLE, schema: QUEUE_SCHEMA });
      const at = { producer: { connection }, consumer: { connection } };
      const queue = await openBullQueue({ ...deps, ...at, name, backend: createPostgresBackend });
      open.set(name, queue);
      return queue;
    },
    opened: async () => [...open.values()],
    async close() {
      await Promise.all([...open.values()].map((queue) => queue.close()));
      open.clear();
    },
  };
}
