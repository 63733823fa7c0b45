/** A PostgreSQL server: the subscribers' schemas and the job queue's, by the server's own programs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureRole, type ServerPlace, serverPlace, settingUp } from '@flexder/runtime/engines/database/server.ts';
import { QUEUE_ROLE, QUEUE_SCHEMA } from '@flexder/runtime/engines/queue/schema.ts';
import type { Deps } from './embedded.ts';
import { BackupError } from './error.ts';
import { PROGRAM_OUTPUT_CHARS } from './limits.ts';

/** As `subscriberName` makes them. */
const SUBSCRIBER = '^p_[a-z0-9_]*_[0-9a-f]{12}$';
const SUBSCRIBERS_DUMP = join('database', 'subscribers.dump');
const QUEUE_DUMP = join('database', 'queue.dump');

interface Content {
  readonly subscribers: readonly string[];
  readonly hasQueue: boolean;
  readonly version: string;
  readonly timescale: boolean;
}

/** What of ours is in the database. */
export function contentOf(url: string): Promise<Content> {
  return settingUp(serverPlace('database URL', url), async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select nspname::text as name from pg_namespace where nspname ~ $1 or nspname = $2 order by 1',
      [SUBSCRIBER, QUEUE_SCHEMA],
    );
    const about = await client.query<{ version: string; timescale: boolean }>(
      "select current_setting('server_version') as version, exists (select from pg_extension where extname = 'timescaledb') as timescale",
    );
    const names = rows.map(({ name }) => name);
    return {
      subscribers: names.filter((name) => name !== QUEUE_SCHEMA),
      hasQueue: names.includes(QUEUE_SCHEMA),
      version: about.rows[0]?.version ?? '',
      timescale: about.rows[0]?.timescale ?? false,
    };
  });
}

/** All of one instant, services running or not. */
export async function dumpServer(url: string, stage: string, content: Content, { env }: Deps): Promise<void> {
  if (content.timescale)
    throw new BackupError(
      'this database has TimescaleDB, whose chunks are outside of the schemas: back it up as a whole, with pg_basebackup',
    );
  const place = serverPlace('database URL', url);
  await mkdir(join(stage, 'database'), { recursive: true });
  const dump = (file: string, schemas: readonly string[]) =>
    run('pg_dump', place, env, [
      '--format=custom',
      `--file=${join(stage, file)}`,
      ...schemas.map((name) => `--schema=${name}`),
    ]);
  if (content.subscribers.length > 0) await dump(SUBSCRIBERS_DUMP, content.subscribers);
  if (content.hasQueue) await dump(QUEUE_DUMP, [QUEUE_SCHEMA]);
}

/** Into a database that has none of these schemas; what failed half-way is removed. */
export async function restoreServer(
  url: string,
  stage: string,
  schemas: readonly string[],
  { env }: Deps,
): Promise<void> {
  const place = serverPlace('database URL', url);
  const subscribers = schemas.filter((name) => name !== QUEUE_SCHEMA);
  await settingUp(place, async (client) => {
    for (const role of [...subscribers, QUEUE_ROLE]) await ensureRole(client, role);
  });
  const restore = (file: string, ...how: string[]) =>
    run('pg_restore', place, env, ['--exit-on-error', '--single-transaction', ...how, join(stage, file)]);
  try {
    if (subscribers.length > 0) await restore(SUBSCRIBERS_DUMP);
    // Whoever logs in owns the queue, and grants what the services' role needs when they start.
    if (schemas.includes(QUEUE_SCHEMA)) await restore(QUEUE_DUMP, '--no-owner', '--no-acl');
  } catch (error) {
    await settingUp(place, async (client) => {
      for (const name of schemas) await client.query(`drop schema if exists "${name}" cascade`);
    });
    throw error;
  }
}

async function run(
  program: 'pg_dump' | 'pg_restore',
  place: ServerPlace,
  env: Deps['env'],
  args: readonly string[],
): Promise<void> {
  const { host, port, database, user, password, ssl } = place;
  const sslmode = ssl === false ? 'disable' : ssl.rejectUnauthorized ? 'verify-full' : 'require';
  const child = spawn(
    program,
    ['--no-password', `--host=${host}`, `--port=${port}`, `--username=${user}`, `--dbname=${database}`, ...args],
    // Not among the arguments, which every user of the machine can read.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...env, PGPASSWORD: password, PGSSLMODE: sslmode } },
  );
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-PROGRAM_OUTPUT_CHARS);
  });
  const [code] = await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new BackupError(
      `${program} is not on the PATH: install the client programs of PostgreSQL (Debian: postgresql-client), of the server's version or newer`,
    );
  });
  if (code !== 0) throw new BackupError(`${program} failed: ${said.trim()}`);
}
