import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { fileArchive } from '@flexder/runtime/engines/archive/file.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import { subscriberName } from '@flexder/runtime/engines/database/names.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import type { Kysely } from 'kysely';
import { DSO_ID } from '../network/ids.ts';
import { required, UsageError, type Values } from './command.ts';
import { databaseUrlOf } from './database-option.ts';

/** What a run with `--data DIR` left there. */
export interface Stored {
  readonly dsoId: string;
  readonly database: Kysely<BapTables & ParticipantTables>;
  readonly archive: Archive;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens the folder of `--data`; a missing one, or one that a running process holds, is a usage error. */
export async function openStored(values: Values): Promise<Stored> {
  const folder = resolve(required(values, 'data'));
  const databaseUrl = databaseUrlOf(values);
  const engine = databaseUrl === undefined ? await openFolder(folder) : await openServer(databaseUrl);
  const archive = await fileArchive(join(folder, 'archive'), systemIds());
  const database = await engine.open<BapTables & ParticipantTables>(DSO_ID, {
    ...participantMigrations,
    ...migrations,
  });
  const close = async () => {
    await archive.close();
    await engine.close();
  };
  return { dsoId: DSO_ID, database, archive, close, [Symbol.asyncDispose]: close };
}

const deps = () => ({ wall: systemWallClock(), log: createLogger('flexder', 'error') });

async function openFolder(folder: string): Promise<DatabaseEngine> {
  const location = join(folder, 'database');
  if (!existsSync(join(location, 'ready'))) {
    throw new UsageError(`${folder} holds no FlexDER data: run \`flexder demo --data ${folder}\` first`);
  }
  return openPglite({ location, ...deps() }).catch((error: unknown) => {
    if (error instanceof DirectoryLockedError) throw new UsageError(error.message);
    throw error;
  });
}

/** Looks first: opening a subscriber's schema would make it. */
async function openServer(databaseUrl: string): Promise<DatabaseEngine> {
  const { openPostgres } = await import('@flexder/runtime/engines/database/postgres.ts');
  const { contentOf } = await import('../backup/server.ts');
  const { subscribers } = await contentOf(databaseUrl);
  if (!subscribers.includes(subscriberName(DSO_ID)))
    throw new UsageError(`the database holds no data of ${DSO_ID}: name the one that the DSO runs on`);
  return openPostgres({ url: databaseUrl, ...deps() });
}
