import { createRedisBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { within } from '../../service.ts';
import { subscriberName } from '../database/names.ts';
import { engineLimits } from '../limits.ts';
import { type BullQueue, openBullQueue } from './bullmq.ts';
import type { JobQueueEngine, QueueDeps } from './port.ts';
import { connectionOptions, type RedisPlace, redisPlace } from './redis-url.ts';

/** What an operator should do about an answer of Redis. */
const ADVICE: readonly [RegExp, string][] = [
  [/^OOM\b/, 'Redis is full: raise its maxmemory, or make room; waiting jobs are not evicted'],
  [/^MISCONF\b/, 'Redis refuses writes because it cannot save: check its disk, and what its log says of the last save'],
  [/^READONLY\b/, 'this Redis is a replica: name the primary'],
  [/^(NOAUTH|WRONGPASS|NOPERM)\b/, 'Redis refuses this user: check user and password of the queue URL'],
];

/** An error of ioredis in our words; the original stays its cause. */
function explained(place: RedisPlace, error: unknown): Error {
  const said = error instanceof Error ? error.message : String(error);
  const advice = ADVICE.find(([pattern]) => pattern.test(said.replace(/^ReplyError: /, '')))?.[1];
  if (advice) return new Error(`${advice} (${place.shown} says: ${said.slice(0, 200)})`, { cause: error });
  const away = /isn't writeable|Connection is closed|ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|max retries per request/i.test(
    said,
  );
  return away ? new Error(`Redis is away: ${place.shown}`, { cause: error }) : (error as Error);
}

/** Checks what a queue needs of its Redis; throws, or warns, with what to set. */
async function checkServer(redis: Redis, place: RedisPlace, { log }: QueueDeps): Promise<void> {
  const info = await redis.info();
  const of = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const policy = of('maxmemory_policy');
  if (policy !== 'noeviction') {
    const text = `${place.shown} has maxmemory-policy ${policy}, which throws jobs away when memory is short: set it to noeviction`;
    if (Number(of('maxmemory')) > 0) throw new Error(text);
    log.warn({ redis: place.shown, policy }, text);
  }
  // CONFIG is often forbidden to applications; then only whether there is a log is known.
  const fsync = await redis.config('GET', 'appendfsync').catch(() => []);
  const durability = { appendonly: of('aof_enabled') === '1', appendfsync: (fsync as string[])[1] ?? 'unknown' };
  const fields = { redis: place.shown, version: of('redis_version'), ...durability };
  if (!durability.appendonly)
    log.warn(fields, 'Redis keeps no append-only file: a crash of Redis loses jobs; set appendonly yes');
  else if (durability.appendfsync !== 'always')
    log.info(fields, 'a crash of the machine of Redis may lose the jobs of the last second (appendfsync)');
  else log.info(fields, 'Redis syncs each job to its disk');
}

/**
 * BullMQ on Redis. Adding fails within a bound when Redis is away; workers wait and go on when it is back. Throws when
 * Redis cannot be reached in time, refuses the login, or would evict jobs.
 */
export async function redisQueueEngine(url: string, deps: QueueDeps): Promise<JobQueueEngine> {
  const { wall, log } = deps;
  const place = redisPlace(url);
  const options = connectionOptions(place);
  // A producer must hear at once that Redis is away; a worker has nothing better to do than to wait for it.
  const producer = new Redis({ ...options, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
  const consumer = new Redis({ ...options, maxRetriesPerRequest: null });
  let connected = true;
  for (const client of [producer, consumer]) {
    client.setMaxListeners(0);
    client.on('error', () => {});
  }
  producer.on('close', () => {
    if (connected)
      log.error({ redis: place.shown }, 'the connection to Redis is lost; jobs are refused until it is back');
    connected = false;
  });
  producer.on('ready', () => {
    if (!connected) log.info({ redis: place.shown }, 'connected to Redis again');
    connected = true;
  });
  const disconnect = () => {
    producer.removeAllListeners('close');
    for (const client of [producer, consumer]) client.disconnect();
  };
  try {
    await within(wall, engineLimits.queueFirstConnectMs, firstConnection(producer, place));
    await within(wall, engineLimits.queueFirstConnectMs, checkServer(producer, place, deps));
  } catch (error) {
    disconnect();
    throw explained(place, error);
  }

  const opening = new Map<string, Promise<BullQueue>>();
  return {
    kind: 'redis',
    open(subscriber) {
      const name = subscriberName(subscriber);
      const opened = opening.get(name) ?? openOne(name);
      opening.set(name, opened);
      opened.catch(() => opening.delete(name));
      return opened;
    },
    opened: () => Promise.all(opening.values()),
    async close() {
      await Promise.all([...opening.values()].map(async (queue) => (await queue).close()));
      opening.clear();
      disconnect();
    },
  };

  function openOne(name: string): Promise<BullQueue> {
    return openBullQueue({
      ...deps,
      name,
      producer: { connection: producer, prefix: place.prefix, skipVersionCheck: true, skipWaitingForReady: true },
      consumer: { connection: consumer, prefix: place.prefix },
      backend: createRedisBackend,
      shared: true,
      isAway: () => producer.status !== 'ready',
      explain: (error) => explained(place, error),
    });
  }
}

/** Resolves when ready; rejects at once when the login is refused, and goes on trying while nobody answers. */
function firstConnection(redis: Redis, place: RedisPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => {
      if (/^(NOAUTH|WRONGPASS|NOPERM)|certificate|self.signed/i.test(error.message)) reject(explained(place, error));
    };
    redis.on('error', onError);
    redis.once('ready', () => {
      redis.off('error', onError);
      resolve();
    });
  });
}
