/** The DSO's tables in memory, opened once a test file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { openEngines } from '@flexder/runtime/engines/open.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import type { Kysely } from 'kysely';
import { migrations } from '../migrations.ts';
import type { BapTables } from '../tables.ts';

export interface TestDatabase {
  readonly database: Kysely<BapTables>;
  /** Runs the migrations that are left; the tables are then those of this version. */
  upgraded(): Promise<Kysely<BapTables>>;
  close(): Promise<void>;
}

/** Opened once a test file; `Trade.open` empties it. With the tables of an earlier version after some of the migrations. */
export async function openTestDatabase(chosen: typeof migrations = migrations): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'flexder-bap-'));
  const engines = await openEngines(
    {
      databaseUrl: 'pglite:memory',
      queueUrl: 'pglite:',
      mqttUrl: 'mqtt://127.0.0.1:1',
      eventsUrl: 'memory:',
      archiveUrl: `file:${directory}`,
    },
    { wall: systemWallClock(), log: createLogger('test', 'silent'), activity: new Activity() },
  );
  return {
    database: await engines.database.open<BapTables>('dso-1', { ...participantMigrations, ...chosen }),
    upgraded: () => engines.database.open<BapTables>('dso-1', { ...participantMigrations, ...migrations }),
    async close() {
      await engines.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const TABLES = [
  'settlement_row',
  'meter_document',
  'fallback_tier',
  'order_change',
  'order_revision',
  'flex_order',
  'flex_search',
  'decision',
  'restriction',
  'der',
  'overload',
  'feeder_reading',
  'finding',
] as const;

/** Nothing of a test before is left. */
export async function emptied(database: Kysely<BapTables>): Promise<void> {
  for (const table of TABLES) await database.deleteFrom(table).execute();
}
