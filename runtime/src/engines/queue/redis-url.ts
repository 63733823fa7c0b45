import type { RedisOptions } from 'ioredis';
import { engineLimits } from '../limits.ts';

/** A Redis as a queue URL names it: `redis[s]://[user[:password]@]host[:port][/db][?prefix=NAME]`. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
  /** Before every key, so that deployments can share a server. */
  readonly prefix: string;
  /** What may be written in a log. */
  readonly shown: string;
}

const PREFIX = /^[A-Za-z0-9_-]{1,64}$/;

/** Throws a RangeError that says what is wrong and repeats neither user nor password. */
export function redisPlace(url: string): RedisPlace {
  if (!URL.canParse(url)) throw new RangeError('the queue URL is no URL: use redis://HOST:PORT/DB?prefix=NAME');
  const { protocol, hostname, port, pathname, searchParams, username, password } = new URL(url);
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    throw new RangeError(`a queue URL of Redis begins with redis: or rediss:, not ${protocol}`);
  if (hostname === '') throw new RangeError('the queue URL names no host: use redis://HOST:PORT/DB?prefix=NAME');
  const db = pathname === '' || pathname === '/' ? 0 : Number(pathname.slice(1));
  if (!Number.isInteger(db) || db < 0) throw new RangeError(`the queue URL names no database number: ${pathname}`);
  const prefix = searchParams.get('prefix') ?? 'flexder';
  if (!PREFIX.test(prefix))
    throw new RangeError('the prefix of the queue URL has 1 to 64 letters, digits, hyphens or underscores');
  const unknown = [...searchParams.keys()].find((name) => name !== 'prefix');
  if (unknown !== undefined) throw new RangeError(`the queue URL has no parameter ${unknown}: known is prefix`);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: Number(port) || 6379,
    db,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    tls: protocol === 'rediss:',
    prefix,
    shown: `${protocol}//${hostname}:${Number(port) || 6379}/${db}`,
  };
}

export function connectionOptions({ host, port, db, username, password, tls }: RedisPlace): RedisOptions {
  return {
    ...{ host, port, db, username, password },
    ...(tls && { tls: { servername: host } }),
    connectTimeout: engineLimits.queueConnectMs,
    keepAlive: engineLimits.queueKeepAliveMs,
    retryStrategy: (times) => Math.min(engineLimits.queueReconnectMs, 20 * 2 ** Math.min(times, 10)),
  };
}
