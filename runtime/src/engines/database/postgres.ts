import { Kysely, type Migration, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { within } from '../../service.ts';
import { engineLimits } from '../limits.ts';
import { migrated } from './migrate.ts';
import { subscriberName } from './names.ts';
import type { DatabaseEngine } from './port.ts';
import {
  becoming,
  ensureRole,
  type ServerBounds,
  type ServerPlace,
  serverPlace,
  serverPool,
  settingUp,
} from './server.ts';
import { ServerConnections, statementsOf } from './server-connections.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. The user may create roles, and schemas in the database. */
  readonly url: string;
  readonly wall: WallClock;
  readonly log: Logger;
  readonly bounds?: Partial<ServerBounds>;
}

/**
 * The database engine over a PostgreSQL server, which several processes may share. Fails when the server cannot be
 * reached; what is lost later is an error of the statement under way, and the next one takes a new connection.
 */
export async function openPostgres({ url, wall, log, bounds }: PostgresOptions): Promise<DatabaseEngine> {
  const place = serverPlace('database URL', url);
  await settingUp(place, (client) => ensureTimescale(client, log));
  const connections = new ServerConnections(place, serverPool(place, log, bounds), wall);
  let closing: Promise<void> | undefined;
  const close = async () => {
    connections.refuse(new Error('the database is closed'));
    // A transaction that does not end loses its connection, as with a server that stops.
    await within(wall, engineLimits.databaseCloseMs, connections.end()).catch(() => {
      log.warn({}, 'the database was closed during a transaction');
      connections.drop();
    });
  };
  return {
    kind: 'postgres',
    async open<Tables>(subscriber: string, migrations: Record<string, Migration>) {
      connections.assertOpen();
      const name = subscriberName(subscriber);
      const identity = { role: name, schema: name };
      await settingUp(place, (client) => setUp(client, place, subscriber, migrations));
      return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: connections.poolFor(identity) }) });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function setUp(
  client: pg.Client,
  place: ServerPlace,
  subscriber: string,
  migrations: Record<string, Migration>,
): Promise<void> {
  const name = subscriberName(subscriber);
  try {
    await ensureRole(client, name);
    // A login that has its schema already needs no right to make one: each tenant may have a login of its own.
    const { rows } = await client.query('select from pg_namespace where nspname = $1', [name]);
    if (rows.length === 0) await client.query(`create schema "${name}" authorization "${name}"`);
    await client.query(becoming({ role: name, schema: name }));
  } catch (error) {
    throw new Error(
      `the schema of ${subscriber} cannot be set up: ${(error as Error).message}. The user ${place.user} needs CREATEROLE, ` +
        `and CREATE on the database ${place.database}`,
      { cause: error },
    );
  }
  const statements = statementsOf(client);
  const pool = { connect: async () => ({ query: statements as never, release: () => {} }), end: async () => {} };
  await migrated(new Kysely({ dialect: new PostgresDialect({ pool }) }), name, subscriber, migrations);
}

/** Where TimescaleDB is installed on the server but not in this database: telemetry then uses it. */
async function ensureTimescale(client: pg.Client, log: Logger): Promise<void> {
  const { rows } = await client.query(
    "select from pg_available_extensions where name = 'timescaledb' and installed_version is null",
  );
  if (rows.length === 0) return;
  await client
    .query('create extension if not exists timescaledb')
    .catch((error: Error) =>
      log.warn({ error: error.message }, 'TimescaleDB is there but cannot be installed: telemetry uses plain tables'),
    );
}
