import { join } from 'node:path';
import { freePort } from '../http/free-port.ts';
import { accepts, type EngineProcess, needsEngine, startEngine, testFolder } from './engine.ts';

export const needsRedis = needsEngine('Redis', 'redis-server');

export interface RedisServer extends EngineProcess {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
}

/** A Redis with an append-only file that is synced at each write, as an order's queue wants it. */
export async function startRedis({
  port,
  folder = testFolder('redis'),
  args = [],
}: {
  port?: number;
  folder?: string;
  args?: string[];
} = {}): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const engine = await startEngine({
    program: 'redis-server',
    args: [
      ...['--port', String(at), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--logfile', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
      ...['--unixsocket', '', '--pidfile', join(folder, 'redis.pid'), ...args],
    ],
    ready: () => accepts(at),
  });
  return { ...engine, url: `redis://127.0.0.1:${at}`, port: at, folder };
}
