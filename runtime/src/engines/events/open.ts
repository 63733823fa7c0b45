import type { WallClock } from '../../clock.ts';
import { systemIds } from '../../context.ts';
import type { Logger } from '../../logging.ts';
import type { Metrics } from '../../metrics.ts';
import { streamContract } from './contract.ts';
import { kafkaSettings } from './kafka/url.ts';
import { memoryEvents } from './memory.ts';
import type { EventStream } from './port.ts';

export interface OpenEventsDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly metrics?: Pick<Metrics, 'count'>;
}

/** The event stream of `memory:` or `kafka://…`, with the messages of schemas/stream.ts on it. */
export async function openEvents(url: string, { wall, log, metrics }: OpenEventsDeps): Promise<EventStream> {
  if (!url.startsWith('kafka:')) return memoryEvents(log);
  // The client library is loaded where it is used.
  const { kafkaEvents } = await import('./kafka.ts');
  return kafkaEvents(kafkaSettings(url), { wall, log, metrics, ids: systemIds(), contract: streamContract });
}
