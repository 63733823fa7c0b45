/** The embedded database: its whole data directory, in which keys, tables and jobs are. */
import { existsSync, openAsBlob } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { openPglite, type PgliteDatabase } from '@flexder/runtime/engines/database/pglite.ts';
import { inTurn } from '@flexder/runtime/engines/database/pool.ts';
import type { Logger } from '@flexder/runtime/logging.ts';
import { BackupError } from './error.ts';

export interface Deps {
  readonly wall: WallClock;
  readonly log: Logger;
  /** Of the programs that are run: where they are found, and where they find certificates. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DUMP = join('database', 'pglite.tar');
const DATABASE = 'database';

export function hasEmbedded(dataDir: string): boolean {
  return existsSync(join(dataDir, DATABASE, 'ready'));
}

export function embeddedIsEmpty(dataDir: string): boolean {
  return !existsSync(join(dataDir, DATABASE));
}

/** Returns the version of PostgreSQL. A running process has the folder locked, which is an error that names it. */
export async function dumpEmbedded(dataDir: string, stage: string, deps: Deps): Promise<string> {
  const engine = await openPglite({ location: join(dataDir, DATABASE), wall: deps.wall, log: deps.log });
  try {
    const dump = await engine.dump();
    await mkdir(join(stage, DATABASE), { recursive: true });
    await writeFile(join(stage, DUMP), dump.stream());
    return await versionOf(engine);
  } finally {
    await engine.close();
  }
}

export async function restoreEmbedded(stage: string, dataDir: string, version: string, deps: Deps): Promise<void> {
  const location = join(dataDir, DATABASE);
  try {
    const engine = await openPglite({
      location,
      template: await openAsBlob(join(stage, DUMP)),
      wall: deps.wall,
      log: deps.log,
    });
    await engine.close();
  } catch (error) {
    await rm(location, { recursive: true, force: true });
    throw new BackupError(`the database, of PostgreSQL ${version}, cannot be restored: ${(error as Error).message}`);
  }
}

async function versionOf(engine: PgliteDatabase): Promise<string> {
  const { rows } = await inTurn(engine.shared, undefined, (session) => session.run('show server_version'));
  return String(rows[0]?.server_version);
}
