import { runMigrations } from 'bullmq';

/** What BullMQ's tables live in and are used by: no subscriber's role can read them. */
export const QUEUE_SCHEMA = 'bullmq';
export const QUEUE_ROLE = 'flexder_queue';

type Run = (sql: string, values?: readonly unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

/**
 * Makes or upgrades the tables of BullMQ on one session of the database's owner. All queues share them: BullMQ's
 * functions are bound to their schema, and a second one costs 0.2 s and 3 MB. The role must be there.
 */
export async function migrateQueueSchema(run: Run): Promise<void> {
  await runMigrations({ query: run } as never, QUEUE_SCHEMA, {});
}

export const QUEUE_GRANTS =
  `grant usage, create on schema ${QUEUE_SCHEMA} to ${QUEUE_ROLE}; grant all on all tables in schema ${QUEUE_SCHEMA} to ${QUEUE_ROLE};` +
  `grant all on all sequences in schema ${QUEUE_SCHEMA} to ${QUEUE_ROLE}`;
