import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../http/free-port.ts';
import { type EngineCommand, type EngineProcess, needsEngine, programPath, startEngine, testFolder } from './engine.ts';

export const needsPostgres = needsEngine('PostgreSQL', 'initdb', 'postgres');

export interface PostgresServer extends EngineProcess {
  readonly port: number;
  readonly folder: string;
  readonly password: string;
  /** Of the superuser. */
  readonly adminUrl: string;
  /** A new empty database and its URL, for a login that may create roles and owns that database, and no more. */
  createDatabase(): Promise<string>;
  /** Statements of the superuser, in any database. */
  admin(sql: string, database?: string): Promise<Record<string, unknown>[]>;
}

/** The server refuses to run as root: then it is the user that its package made, or nobody. */
function otherUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => users.find(([user]) => user === name)).find(Boolean);
  if (!found) throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

function initialise(data: string, passwordFile: string, user: { uid: number; gid: number } | undefined): void {
  const args = ['-D', data, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'];
  const made = spawnSync(programPath('initdb') ?? 'initdb', [...args, '-E', 'UTF8', '--no-locale'], {
    encoding: 'utf8',
    ...user,
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error}`);
}

/** A server on a free port with passwords, and without fsync: these tests end processes, not machines. */
export async function startPostgres({
  port,
  folder = testFolder('postgres'),
  args = [],
}: {
  port?: number;
  folder?: string;
  args?: string[];
} = {}): Promise<PostgresServer> {
  const at = port ?? (await freePort());
  const user = otherUser();
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  if (user) chownSync(folder, user.uid, user.gid);
  if (!existsSync(data)) {
    writeFileSync(passwordFile, randomBytes(12).toString('hex'), { mode: 0o644 });
    initialise(data, passwordFile, user);
  }
  const password = readFileSync(passwordFile, 'utf8');
  const urlOf = (login: string, database: string) => `postgres://${login}:${password}@127.0.0.1:${at}/${database}`;
  const admin = async (sql: string, database = 'postgres') => {
    const client = new pg.Client({ connectionString: urlOf('postgres', database) });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const command: EngineCommand = {
    program: 'postgres',
    args: [
      ...['-D', data, '-p', String(at), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'fsync=off', '-c', 'shared_buffers=32MB', '-c', 'timezone=Asia/Kolkata', ...args],
    ],
    ready: async () => (await admin('select 1')).length === 1,
    ...user,
  };
  const engine = await startEngine(command);
  let databases = 0;
  return {
    ...engine,
    port: at,
    folder,
    password,
    adminUrl: urlOf('postgres', 'postgres'),
    admin,
    async createDatabase() {
      if (databases === 0)
        await admin(`do $$ begin create role flexder login createrole password '${password}';
          exception when duplicate_object then null; end $$`);
      const name = `flexder_${Date.now().toString(36)}_${databases++}`;
      await admin(`create database ${name} owner flexder`);
      return urlOf('flexder', name);
    },
  };
}
