/** Connections to a PostgreSQL server, for the tables, for the job queue, and for setting both up. */
import pg from 'pg';
import { isLoopbackHost } from '../../http/addresses.ts';
import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import type { Identity } from './session.ts';
import { parserOf } from './values.ts';

/** What a URL says, in the words of `pg`. */
export interface ServerPlace {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** False, or how the server's certificate is judged. */
  readonly ssl: false | { readonly rejectUnauthorized: boolean };
}

const TLS: Readonly<Record<string, ServerPlace['ssl']>> = {
  disable: false,
  require: { rejectUnauthorized: false },
  'verify-full': { rejectUnauthorized: true },
};
const FORM = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE, optionally with ?sslmode=require or verify-full';

/**
 * Reads `postgres://user:password@host:port/database`. On the loopback address TLS is off unless asked for, elsewhere
 * the certificate is verified unless `sslmode` says otherwise. Throws an error that repeats no part of the URL.
 */
export function serverPlace(what: string, url: string): ServerPlace {
  const wrong = (why: string) => new Error(`${what} ${why}: use ${FORM}`);
  if (!URL.canParse(url)) throw wrong('is no URL');
  const { hostname, port, pathname, username, password, searchParams } = new URL(url);
  const decoded = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw wrong('has a % that begins no code: write it %25');
    }
  };
  const database = decoded(pathname.slice(1));
  if (hostname === '') throw wrong('names no host');
  if (username === '') throw wrong('names no user');
  if (database === '' || database.includes('/')) throw wrong('names no database');
  const unknown = [...searchParams.keys()].filter((key) => key !== 'sslmode');
  if (unknown.length > 0) throw wrong(`has parameters that are not known (${unknown.join(', ')})`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const mode = searchParams.get('sslmode') ?? (isLoopbackHost(host) ? 'disable' : 'verify-full');
  if (!Object.hasOwn(TLS, mode)) throw wrong(`has an sslmode that is not one of ${Object.keys(TLS).join(', ')}`);
  return {
    host,
    port: Number(port) || 5432,
    database,
    user: decoded(username),
    password: decoded(password),
    ssl: TLS[mode] ?? false,
  };
}

export interface ServerBounds {
  readonly connections: number;
  readonly connectMs: number;
  readonly statementMs: number;
}

const BOUNDS: ServerBounds = {
  connections: engineLimits.serverConnections,
  connectMs: engineLimits.serverConnectMs,
  statementMs: engineLimits.serverStatementMs,
};

const types = { getTypeParser: (oid: number) => parserOf(oid) } as pg.CustomTypesConfig;

export function clientConfig(place: ServerPlace, bounds: ServerBounds = BOUNDS): pg.ClientConfig {
  return {
    ...place,
    ssl: place.ssl && { ...place.ssl },
    application_name: 'flexder',
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: engineLimits.serverKeepAliveMs,
    connectionTimeoutMillis: bounds.connectMs,
    statement_timeout: bounds.statementMs,
    query_timeout: bounds.statementMs + engineLimits.serverSilenceMs,
    idle_in_transaction_session_timeout: engineLimits.serverIdleInTransactionMs,
  };
}

export interface PoolOptions extends Partial<ServerBounds> {
  /** Whose every connection is; otherwise each taker sets its own. */
  readonly identity?: Identity;
  /** A connection is used once: it keeps what its user made of it. */
  readonly once?: boolean;
  /** Values as `pg` has them by default. */
  readonly plainTypes?: boolean;
}

/** A bounded pool whose connections speak UTC, and whose losses are logged instead of ending the process. */
export function serverPool(place: ServerPlace, log: Logger, options: PoolOptions = {}): pg.Pool {
  const bounds = { ...BOUNDS, ...options };
  const { types: ours, ...config } = clientConfig(place, bounds);
  const setUp = [ISO_UTC, options.identity && becoming(options.identity)].filter(Boolean).join('; ');
  const pool = new pg.Pool({
    ...config,
    ...(options.plainTypes ? {} : { types: ours }),
    max: bounds.connections,
    idleTimeoutMillis: engineLimits.serverIdleMs,
    ...(options.once ? { maxUses: 1 } : {}),
    onConnect: async (client) => {
      await client.query(setUp);
    },
  });
  pool.setMaxListeners(0);
  pool.on('error', (error) => log.warn({ error: error.message }, 'an idle database connection was lost'));
  // Between two statements of a transaction nobody else listens, and an error without a listener ends the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

export const ISO_UTC = "set timezone to 'UTC'; set datestyle to 'ISO, YMD'";

/** Names come from `subscriberName`: letters, digits and underscores. */
export function becoming({ role, schema }: Identity): string {
  return `set role "${role}"; set search_path to "${schema}"`;
}

/** True when the connection is of no more use, whatever the statement was. */
export function isLoss(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return error.severity === 'FATAL' || error.severity === 'PANIC';
}

/** Says where, and never with what password. */
export function unreachable(place: ServerPlace, error: unknown): Error {
  const why = error instanceof AggregateError ? error.errors.map(String).join(', ') : String((error as Error).message);
  return new Error(
    `no connection to the database ${place.database} as ${place.user} at ${place.host}:${place.port}: ${why}`,
    { cause: error },
  );
}

/**
 * Runs `use` on a connection of its own, alone among all processes of this database: what sets up roles, schemas and
 * tables. The lock ends with the connection, however that ends.
 */
export async function settingUp<T>(place: ServerPlace, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const bounds = { ...BOUNDS, statementMs: engineLimits.migrationStatementMs };
  const client = new pg.Client(clientConfig(place, bounds));
  client.on('error', () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw unreachable(place, error);
    });
    await client.query(`${ISO_UTC}; set lock_timeout to ${engineLimits.migrationWaitMs}`);
    await client.query("select pg_advisory_lock(hashtext('flexder set-up'))").catch((error: unknown) => {
      if ((error as { code?: string }).code !== '55P03') throw error;
      throw new Error(
        `another process has been setting up the database ${place.database} for ${engineLimits.migrationWaitMs} ms: ` +
          'see what it does, and start again',
        { cause: error },
      );
    });
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes a role without login that this login may take, unless there is one: roles are shared by all databases of a server. */
export async function ensureRole(client: pg.ClientBase, role: string): Promise<void> {
  await client.query(`do $$ begin
    begin
      if not exists (select from pg_roles where rolname = '${role}') then create role "${role}" nologin; end if;
    exception when duplicate_object or unique_violation then null; -- made just now, from another database
    end;
    if not pg_has_role(session_user, '${role}',
      case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) then
      execute format('grant "${role}" to %I', session_user);
    end if;
  end $$`);
}
