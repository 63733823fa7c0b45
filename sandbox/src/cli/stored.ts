import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { fileArchive } from '@flexder/runtime/engines/archive/file.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import type { Kysely } from 'kysely';
import { DSO_ID } from '../network/ids.ts';
import { required, UsageError, type Values } from './command.ts';

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
  const location = join(folder, 'database');
  if (!existsSync(join(location, 'ready'))) {
    throw new UsageError(`${folder} holds no FlexDER data: run \`flexder demo --data ${folder}\` first`);
  }
  const wall = systemWallClock();
  const engine = await openPglite({ location, wall, log: createLogger('flexder', 'error') }).catch((error: unknown) => {
    if (error instanceof DirectoryLockedError) throw new UsageError(error.message);
    throw error;
  });
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
