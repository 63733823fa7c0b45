import { existsSync } from 'node:fs';
import { archiveIsEmpty, removeArchive, restoreArchive, stageArchive } from './archive-folder.ts';
import { pack, sha256Of, staged, unpack } from './container.ts';
import { type Deps, dumpEmbedded, embeddedIsEmpty, hasEmbedded, restoreEmbedded } from './embedded.ts';
import { BackupError } from './error.ts';
import { contentOf, dumpServer, restoreServer } from './server.ts';

export interface Place {
  /** The folder with the `file:` archive, and with the database unless that is on a server. */
  readonly dataDir: string;
  /** `postgres://…`; absent for the embedded database. */
  readonly databaseUrl?: string | undefined;
}

export interface BackedUp {
  readonly file: string;
  readonly sha256: string;
  readonly kind: 'pglite' | 'postgres';
  readonly schemas: number;
  readonly archived: number;
}

/**
 * Writes everything that is at `place` into `file`. Of a server the database is of one instant, and the archive of just
 * before: an object that is missing then is archived again from its rows.
 */
export async function backUp({ dataDir, databaseUrl }: Place, file: string, deps: Deps): Promise<BackedUp> {
  if (existsSync(file)) throw new BackupError(`${file} is there already: name a new file`);
  if (databaseUrl === undefined && !hasEmbedded(dataDir))
    throw new BackupError(`${dataDir} holds no FlexDER data: name the folder of a run, or a --database`);
  return staged(file, async (stage) => {
    const archived = stageArchive(dataDir, stage);
    const createdAt = new Date(deps.wall.nowMs()).toISOString();
    const about = { createdAt, ...(await dump(dataDir, databaseUrl, stage, deps)) };
    const { kind, schemas } = await pack(stage, file, about);
    return { file, sha256: await sha256Of(file), kind, schemas: schemas.length, archived };
  });
}

async function dump(dataDir: string, databaseUrl: string | undefined, stage: string, deps: Deps) {
  if (databaseUrl === undefined)
    return { kind: 'pglite' as const, schemas: [], postgres: await dumpEmbedded(dataDir, stage, deps) };
  const content = await contentOf(databaseUrl);
  const schemas = [...content.subscribers, ...(content.hasQueue ? ['bullmq'] : [])];
  if (schemas.length === 0) throw new BackupError('this database holds nothing of FlexDER');
  await dumpServer(databaseUrl, stage, content, deps);
  return { kind: 'postgres' as const, schemas, postgres: content.version };
}

/** Brings back what `backUp` wrote, to a place where nothing is yet. What fails leaves nothing there. */
export async function restore(file: string, { dataDir, databaseUrl }: Place, deps: Deps): Promise<BackedUp> {
  if (!existsSync(file)) throw new BackupError(`there is no file ${file}`);
  if (!archiveIsEmpty(dataDir)) throw new BackupError(`${dataDir} holds an archive already: restore into a new folder`);
  if (databaseUrl === undefined && !embeddedIsEmpty(dataDir))
    throw new BackupError(`${dataDir} holds a database already: restore into a new folder`);
  return staged(`${dataDir}/restore`, async (stage) => {
    const { kind, schemas, postgres } = await unpack(file, stage);
    if (kind === 'pglite' && databaseUrl !== undefined)
      throw new BackupError(`${file} is of an embedded database, which cannot be restored to a server`);
    if (kind === 'postgres') await assertFree(databaseUrl, schemas);
    const archived = await restoreArchive(stage, dataDir);
    try {
      if (databaseUrl === undefined) await restoreEmbedded(stage, dataDir, postgres, deps);
      else await restoreServer(databaseUrl, stage, schemas, deps);
    } catch (error) {
      await removeArchive(dataDir);
      throw error;
    }
    return { file, sha256: await sha256Of(file), kind, schemas: schemas.length, archived };
  });
}

async function assertFree(databaseUrl: string | undefined, schemas: readonly string[]): Promise<void> {
  if (databaseUrl === undefined)
    throw new BackupError('this backup is of a server: name an empty database with --database postgres://…');
  const { subscribers, hasQueue } = await contentOf(databaseUrl);
  const taken = schemas.filter((name) => subscribers.includes(name) || (hasQueue && name === 'bullmq'));
  if (taken.length > 0)
    throw new BackupError(`the database holds ${taken.join(', ')} already: restore into an empty database`);
}
