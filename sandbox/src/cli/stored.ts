import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RegistryAnswer } from '@flexder/bap-dso/audit-settlement/audit/bundle-keys.ts';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import { type RegistryTables, registryMigrations } from '@flexder/registry-mock/registry/tables.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { s3AccessFromEnv } from '@flexder/runtime/engines/archive/config.ts';
import { fileArchive } from '@flexder/runtime/engines/archive/file.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import { S3_FORM } from '@flexder/runtime/engines/archive/s3-url.ts';
import { subscriberName } from '@flexder/runtime/engines/database/names.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import { inTurn } from '@flexder/runtime/engines/database/pool.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import { type Kysely, sql } from 'kysely';
import { DSO_ID, REGISTRY_ID } from '../network/ids.ts';
import { required, text, UsageError, type Values } from './command.ts';
import { databaseUrlOf } from './database-option.ts';

/** What a run with `--data DIR` left there. */
export interface Stored {
  readonly dsoId: string;
  readonly database: Kysely<BapTables & ParticipantTables>;
  readonly archive: Archive;
  /** What the registry of the same run says of a subscriber; words when there is none beside it. */
  registryAnswer(subscriberId: string): Promise<RegistryAnswer | string>;
  /** The tables of an aggregator in the same database. Throws UsageError when it has none there. */
  aggregator(subscriberId: string): Promise<Kysely<AggregatorTables>>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The archive of `--archive`, default the one in the folder. */
async function openArchive(values: Values, folder: string): Promise<Archive> {
  const url = text(values, 'archive') ?? `file:${join(folder, 'archive')}`;
  if (url.startsWith('file:')) {
    const root = resolve(url.slice('file:'.length));
    if (values.archive !== undefined && !existsSync(root)) throw new UsageError(`--archive: there is no ${root}`);
    return fileArchive(root, systemIds());
  }
  if (!url.startsWith('s3:')) throw new UsageError(`--archive must be file:DIRECTORY or ${S3_FORM}`);
  const problems: string[] = [];
  const access = s3AccessFromEnv(process.env, { url, from: '--archive', to: 'read' }, problems);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  const { s3Archive } = await import('@flexder/runtime/engines/archive/s3.ts');
  const reading = { ...access, retentionDays: undefined, createBucket: false };
  return s3Archive(url, reading, { wall: systemWallClock() }).catch((error: Error) => {
    throw new UsageError(error.message);
  });
}

/** Opens the folder of `--data`; a missing one, or one that a running process holds, is a usage error. */
export async function openStored(values: Values): Promise<Stored> {
  const folder = resolve(required(values, 'data'));
  const databaseUrl = databaseUrlOf(values);
  const engine = await (databaseUrl === undefined ? openFolder(folder) : openServer(databaseUrl));
  const archive = await openArchive(values, folder).catch(async (error) => {
    await engine.close();
    throw error;
  });
  const database = await engine.open<BapTables & ParticipantTables>(DSO_ID, {
    ...participantMigrations,
    ...migrations,
  });
  const close = async () => {
    await archive.close();
    await engine.close();
  };
  const registryAnswer = (subscriberId: string) => storedRegistry(engine, database, subscriberId);
  const aggregator = (subscriberId: string) => storedAggregator(engine, database, subscriberId);
  return { dsoId: DSO_ID, database, archive, registryAnswer, aggregator, close, [Symbol.asyncDispose]: close };
}

/** Looks first: opening a subscriber's schema would make it. */
async function isThere(database: Stored['database'], subscriberId: string): Promise<boolean> {
  const schema = subscriberName(subscriberId);
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(database);
  return rows.length > 0;
}

async function storedAggregator(
  engine: DatabaseEngine,
  database: Stored['database'],
  subscriberId: string,
): Promise<Kysely<AggregatorTables>> {
  if (!(await isThere(database, subscriberId))) throw new UsageError(`there are no data of ${subscriberId} there`);
  return engine.open<AggregatorTables>(subscriberId, { ...participantMigrations, ...AGGREGATOR_MIGRATIONS });
}

/** An aggregator's own folder. Nobody else's schema is opened there, so none is made. */
export async function openAggregatorFolder(folder: string, subscriberId: string) {
  const engine = await openFolder(resolve(folder));
  const close = () => engine.close();
  const { rows } = await inTurn(engine.shared, undefined, (session) => session.run('select nspname from pg_namespace'));
  if (!rows.some((row) => (row as { nspname: string }).nspname === subscriberName(subscriberId))) {
    await close();
    throw new UsageError(`${folder} holds no data of ${subscriberId}`);
  }
  const tables = { ...participantMigrations, ...AGGREGATOR_MIGRATIONS };
  const database = await engine.open<AggregatorTables>(subscriberId, tables);
  return { database, close, [Symbol.asyncDispose]: close };
}

async function storedRegistry(
  engine: DatabaseEngine,
  database: Stored['database'],
  subscriberId: string,
): Promise<RegistryAnswer | string> {
  if (!(await isThere(database, REGISTRY_ID))) return 'the registry was not asked: it is not beside these data';
  const registry = await engine.open<RegistryTables>(REGISTRY_ID, registryMigrations);
  const found = await registry
    .selectFrom('subscription')
    .selectAll()
    .where('subscriber_id', '=', subscriberId)
    .execute();
  const entries = found.map((row) => ({
    subscriberId: row.subscriber_id,
    keyId: row.key_id,
    type: row.type,
    url: row.url,
    signingPublicKey: row.signing_public_key,
    validFromMs: row.valid_from.getTime(),
    validUntilMs: row.valid_until.getTime(),
    status: row.status,
  }));
  return { registry: `${REGISTRY_ID}, read from its table`, retrievedAtMs: systemWallClock().nowMs(), entries };
}

const deps = () => ({ wall: systemWallClock(), log: createLogger('flexder', 'error') });

async function openFolder(folder: string) {
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
