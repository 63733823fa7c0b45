import { Redis } from 'ioredis';
import { subscriberName } from '../database/names.ts';
import { engineLimits } from '../limits.ts';
import { connectionOptions, redisPlace } from './redis-url.ts';

/** Which of `subscribers` have a queue at this Redis; looks only. Throws when it cannot be asked, without the password. */
export async function redisQueuesOf(url: string, subscribers: readonly string[]): Promise<string[]> {
  const place = redisPlace(url);
  const redis = new Redis({
    ...connectionOptions(place),
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    commandTimeout: engineLimits.queueFirstConnectMs,
    retryStrategy: () => null,
  });
  let why = '';
  redis.on('error', (error: Error) => {
    why = error.message;
  });
  try {
    await redis.connect();
    // BullMQ writes it when a queue is opened.
    const found = await Promise.all(
      subscribers.map((id) => redis.exists(`${place.prefix}:${subscriberName(id)}:meta`)),
    );
    return subscribers.filter((_, i) => found[i] === 1);
  } catch (error) {
    throw new Error(`${place.shown} cannot be asked: ${why || (error as Error).message}`, { cause: error });
  } finally {
    redis.disconnect();
  }
}
