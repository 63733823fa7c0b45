/**
 * The event stream on Kafka. A topic of the port is the topic `PREFIX.topic`; a group is the consumer group
 * `PREFIX.group`, shared by all processes of one role; a subscription without a group is a consumer group of its own
 * that commits nothing, so that each process sees every event from then on.
 */
import type { WallClock } from '../../clock.ts';
import type { Ids } from '../../context.ts';
import type { Logger } from '../../logging.ts';
import type { Metrics } from '../../metrics.ts';
import { within } from '../../service.ts';
import { engineLimits } from '../limits.ts';
import type { StreamContract } from './contract.ts';
import { kafkaClient } from './kafka/client.ts';
import { createPublisher } from './kafka/publisher.ts';
import { encode } from './kafka/record.ts';
import { openSubscription } from './kafka/subscription.ts';
import type { KafkaSettings } from './kafka/url.ts';
import type { EventStream } from './port.ts';

export interface KafkaEventsDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly ids: Ids;
  readonly contract: StreamContract;
  readonly metrics?: Pick<Metrics, 'count'>;
}

/** Connects when it is first used: a process starts whether Kafka is there or not. */
export function kafkaEvents(
  settings: KafkaSettings,
  { wall, log, ids, contract, metrics }: KafkaEventsDeps,
): EventStream {
  const client = kafkaClient(settings, `flexder-${ids.uuid().slice(0, 8)}`, log);
  const nameOf = (topic: string) => `${settings.prefix}.${topic}`;
  const ends = new Set<() => Promise<void>>();
  const made = new Map<string, Promise<void>>();
  let closed = false;
  let last: { ok: boolean; detail: string } = { ok: true, detail: 'not used yet' };
  const where = settings.brokers.join(',');

  function went(error?: unknown): void {
    const ok = error === undefined;
    const text = error instanceof Error ? error.message : String(error);
    if (!ok && last.ok) log.error({ brokers: where, error: text }, 'Kafka is away: events wait, and are tried again');
    if (ok && !last.ok) log.info({ brokers: where }, 'Kafka is back');
    last = ok ? { ok, detail: `connected to ${where}` } : { ok, detail: `${where}: ${text}` };
  }

  /** Once a topic; what fails is asked again the next time. */
  function ready(topic: string): Promise<void> {
    if (settings.create !== 'yes') return Promise.resolve();
    let making = made.get(topic);
    if (!making) {
      making = client.createTopic(topic).then((fresh) => {
        if (fresh) log.info({ topic, partitions: settings.partitions }, 'a topic was made');
      });
      made.set(topic, making);
      making.catch(() => made.delete(topic));
    }
    return making;
  }

  const publisher = createPublisher({
    wall,
    open: () => client.producer(),
    prepare: async (topics) => {
      for (const topic of topics) await ready(topic);
    },
    went,
  });

  return {
    kind: 'kafka',
    async publish(events) {
      if (closed) throw new Error('the event stream is closed');
      const records = events.map((event) => ({ ...encode(event, contract), topic: nameOf(event.topic) }));
      if (records.length > 0) await publisher.publish(records);
      for (const { topic } of events) metrics?.count('stream_published_total', { topic });
    },
    async subscribe(topic, handler, { group, from = 'earliest', onShare } = {}) {
      if (closed) throw new Error('the event stream is closed');
      const topicName = nameOf(topic);
      const counted = (result: string) => metrics?.count('stream_consumed_total', { topic, result });
      const standing = (async () => {
        await ready(topicName);
        return openSubscription(
          { wall, log, client, contract, counted, went },
          {
            ...{ topic, topicName, handler },
            group: `${settings.prefix}.${group ?? `${topic}.${ids.uuid()}`}`,
            shared: group !== undefined,
            from: group === undefined ? 'latest' : from,
            onShare,
          },
        );
      })();
      const end = await standing.catch((error: unknown) => {
        went(error);
        throw error;
      });
      const once = async () => {
        if (ends.delete(once)) await end();
      };
      ends.add(once);
      if (closed) await once();
      return once;
    },
    health: () => last,
    async close() {
      if (closed) return;
      closed = true;
      const all = Promise.all([...[...ends].map((end) => end()), publisher.close()]);
      await within(wall, engineLimits.eventsCloseMs, all).catch((error: unknown) =>
        log.warn({ error: String(error) }, 'closing the event stream with work in flight'),
      );
    },
  };
}
