import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, type Migration, PostgresDialect } from 'kysely';
import type { WallClock } from '../../clock.ts';
import { lockDirectory } from '../../lock.ts';
import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import { maintain } from './maintenance.ts';
import { migrated } from './migrate.ts';
import { subscriberName } from './names.ts';
import { inTurn, type SharedSession, transactionPool } from './pool.ts';
import type { DatabaseEngine } from './port.ts';
import { PgliteSession } from './session.ts';
import { loadTemplate } from './template.ts';

/** The database engine, and the session it shares with the job queue. */
export interface PgliteDatabase extends DatabaseEngine {
  readonly kind: 'pglite';
  readonly shared: SharedSession;
  /** How the data came: an existing directory, the template, or initdb. */
  readonly origin: 'existing' | 'template' | 'initdb';
}

export interface PgliteOptions {
  /** A directory, or `memory`. */
  readonly location: string;
  readonly wall: WallClock;
  readonly log: Logger;
  /** Replaces the template that the build makes; null for none. */
  readonly template?: Blob | null;
}

// The defaults are those of a server: 160 MB of shared buffers for data that fits in a tenth of it.
const CONFIGURATION = [
  'shared_buffers=16MB',
  'wal_buffers=512kB',
  'min_wal_size=32MB',
  'max_wal_size=64MB',
  "timezone='UTC'",
  "datestyle='ISO, YMD'",
];

async function start(dataDir: string, fresh: boolean, template: Blob | null | undefined) {
  const postgresqlconf = CONFIGURATION;
  if (!fresh) return { db: await PGlite.create({ dataDir, postgresqlconf }), origin: 'existing' as const };
  const blob = template === undefined ? loadTemplate() : template;
  if (!blob) return { db: await PGlite.create({ dataDir, postgresqlconf }), origin: 'initdb' as const };
  return { db: await PGlite.create({ dataDir, postgresqlconf, loadDataDir: blob }), origin: 'template' as const };
}

/** A directory holds `postgres/`, complete once the file `ready` is beside it: what came before it is started anew. */
async function startIn(directory: string, template: Blob | null | undefined) {
  const data = join(directory, 'postgres');
  const ready = join(directory, 'ready');
  const fresh = !existsSync(ready);
  if (fresh) rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  try {
    const started = await start(data, fresh, template);
    writeFileSync(ready, '');
    return started;
  } catch (error) {
    throw new Error(`the database in ${data} cannot be opened: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

export async function openPglite({ location, wall, log, template }: PgliteOptions): Promise<PgliteDatabase> {
  const directory = location === 'memory' ? undefined : resolve(location);
  const unlock = directory ? lockDirectory(directory) : () => {};
  const begunMs = wall.monotonicMs();
  const { db, origin } = await (directory ? startIn(directory, template) : start('memory://', true, template)).catch(
    (error) => {
      unlock();
      throw error;
    },
  );
  log.debug({ location, origin, ms: Math.round(wall.monotonicMs() - begunMs) }, 'database opened');
  return engineOver(db, { origin, wall, log, unlock });
}

interface Opened extends Pick<PgliteOptions, 'wall' | 'log'> {
  readonly origin: PgliteDatabase['origin'];
  readonly unlock: () => void;
}

/** The engine over a PGlite that is open already; it closes it. */
export function engineOver(db: PGlite, { origin, wall, log, unlock }: Opened): PgliteDatabase {
  let closing: Promise<void> | undefined;
  const shared: SharedSession = {
    session: new PgliteSession(db),
    wall,
    assertOpen() {
      if (closing) throw new Error('the database is closed');
    },
    onNotification: (listener) => db.onNotification(listener),
  };
  const stopMaintenance = maintain(shared, log);
  const close = async () => {
    stopMaintenance();
    // After what has its turn; a transaction that does not end loses it, as with a server that stops.
    await shared.session.turns
      .take((giveUp) => wall.after(engineLimits.databaseCloseMs, () => giveUp(new Error('busy'))))
      .catch(() => log.warn({}, 'the database was closed during a transaction'));
    await db.close().finally(unlock);
  };
  return {
    kind: 'pglite',
    origin,
    shared,
    open: (subscriber, migrations) => openSchema(shared, subscriber, migrations),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function openSchema<Tables>(
  shared: SharedSession,
  subscriber: string,
  migrations: Record<string, Migration>,
): Promise<Kysely<Tables>> {
  const name = subscriberName(subscriber);
  await inTurn(shared, undefined, async (session) => {
    const { rows } = await session.run('select 1 from pg_roles where rolname = $1', [name]);
    if (rows.length === 0)
      await session.run(`create role "${name}" nologin; create schema "${name}" authorization "${name}"`);
  });
  const pool = transactionPool(shared, { role: name, schema: name });
  return migrated(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), name, subscriber, migrations);
}
