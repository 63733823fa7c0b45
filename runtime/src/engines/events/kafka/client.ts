/** Our own small interface to a Kafka client, and kafkajs behind it: nothing else of this program knows that library. */
import kafkajs from 'kafkajs';
import type { Logger } from '../../../logging.ts';
import { engineLimits } from '../../limits.ts';
import type { SubscribeOptions } from '../port.ts';
import { type IncomingRecord, type OutgoingRecord, SCHEMA_HEADER, SOURCE_HEADER } from './record.ts';
import { shareOf } from './share.ts';
import type { KafkaSettings } from './url.ts';

/** A producer that waits for all replicas. After a failed send its state is unknown: close it. */
export interface RecordProducer {
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface Fetched extends IncomingRecord {
  readonly partition: number;
  readonly offset: string;
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topic: string;
  /** Whether offsets are committed once their record was handled. */
  readonly commits: boolean;
  readonly from: 'earliest' | 'latest';
  /** Next offsets by partition, in place of those committed. */
  readonly positions?: ReadonlyMap<number, string>;
  /** Called for one record of a partition after the other. `alive` keeps the place in the group; it throws when it is lost. */
  handle(record: Fetched, alive: () => Promise<void>): Promise<void>;
  /** Told what it has of the group, each time that is shared out. */
  readonly onShare?: SubscribeOptions['onShare'];
  /** Called once when the consumer ended by itself. */
  onEnd(error: Error): void;
}

export interface KafkaClient {
  producer(): Promise<RecordProducer>;
  /** Resolves when the consumer has its place in the group; the returned function leaves it. */
  consume(options: ConsumeOptions): Promise<() => Promise<void>>;
  /** Makes the topic when it is missing; false when it was there. */
  createTopic(topic: string): Promise<boolean>;
  /** The next offset of each partition. */
  ends(topic: string): Promise<Map<number, string>>;
}

export function kafkaClient(settings: KafkaSettings, clientId: string, log: Logger): KafkaClient {
  const { brokers, tls, sasl, create, idempotent } = settings;
  const retry = {
    retries: engineLimits.eventsRetries,
    initialRetryTime: engineLimits.eventsRetryMs,
    maxRetryTime: engineLimits.eventsRetryLongestMs,
  };
  const kafka = new kafkajs.Kafka({
    clientId,
    brokers: [...brokers],
    ...(tls && { ssl: { ...tls } }),
    ...(sasl && { sasl: sasl as kafkajs.SASLOptions }),
    connectionTimeout: engineLimits.eventsConnectMs,
    requestTimeout: engineLimits.eventsRequestMs,
    authenticationTimeout: engineLimits.eventsRequestMs,
    retry,
    logLevel: kafkajs.logLevel.WARN,
    // What matters is thrown, and told by who gets it; the rest is for who looks into a connection.
    logCreator:
      () =>
      ({ log: entry }) =>
        log.debug({ kafka: entry.message, error: entry.error }, 'kafka client'),
  });
  const allowAutoTopicCreation = create === 'broker';
  const asAdmin = async <T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await work(admin);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  };
  const endsOf = (topic: string) =>
    asAdmin(async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic);
      return new Map(offsets.map(({ partition, high }) => [partition, high]));
    });
  /** Partitions are counted anew with each sharing out: one may have been added, and then all of it is shared out again. */
  const tellShare = async (
    { topic, onShare }: ConsumeOptions,
    assigned: readonly number[],
    isLatest: () => boolean,
  ) => {
    try {
      const { size } = await endsOf(topic);
      if (isLatest()) onShare?.(shareOf(topic, assigned, size));
    } catch (error) {
      log.warn({ topic, error: String(error) }, 'what comes to this process is not known; it may be anything');
      if (isLatest()) onShare?.(() => true);
    }
  };
  return {
    producer: () => openProducer(kafka, { idempotent, allowAutoTopicCreation }),
    consume: (options) => openConsumer(kafka, allowAutoTopicCreation, options, tellShare),
    createTopic: (topic) => asAdmin((admin) => createTopic(admin, topic, settings)),
    ends: endsOf,
  };
}

async function openProducer(kafka: kafkajs.Kafka, options: kafkajs.ProducerConfig): Promise<RecordProducer> {
  const producer = kafka.producer({
    ...options,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  try {
    await producer.connect();
  } catch (error) {
    await producer.disconnect().catch(() => {});
    throw error;
  }
  return {
    async send(records) {
      const topics = new Map<string, kafkajs.Message[]>();
      for (const { topic, key, value, schema, source } of records) {
        const messages = topics.get(topic) ?? [];
        topics.set(topic, messages);
        messages.push({ key, value, headers: { [SCHEMA_HEADER]: schema, ...(source && { [SOURCE_HEADER]: source }) } });
      }
      const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }));
      await producer.sendBatch({ acks: -1, timeout: engineLimits.eventsRequestMs, topicMessages });
    },
    close: () => producer.disconnect(),
  };
}

async function openConsumer(
  kafka: kafkajs.Kafka,
  allowAutoTopicCreation: boolean,
  options: ConsumeOptions,
  tellShare: (options: ConsumeOptions, assigned: readonly number[], isLatest: () => boolean) => Promise<void>,
): Promise<() => Promise<void>> {
  const { group, topic, commits, from, positions, handle, onShare, onEnd } = options;
  const consumer = kafka.consumer({
    groupId: group,
    allowAutoTopicCreation,
    sessionTimeout: engineLimits.eventsSessionMs,
    heartbeatInterval: engineLimits.eventsHeartbeatMs,
    rebalanceTimeout: engineLimits.eventsRebalanceMs,
    maxWaitTimeInMs: engineLimits.eventsFetchWaitMs,
    maxBytes: engineLimits.eventsFetchBytes,
    maxBytesPerPartition: engineLimits.eventsPartitionBytes,
    // It comes back by itself in some cases and not in others: here it never does, and who uses it makes a new one.
    retry: { restartOnFailure: async () => false },
  });
  // Joining reports its failure here and nowhere else.
  let crash: Error | undefined;
  let standing = false;
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crash ??= payload.error;
    if (standing) onEnd(payload.error);
  });
  let joins = 0;
  if (onShare) {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const join = ++joins;
      void tellShare(options, payload.memberAssignment[topic] ?? [], () => join === joins);
    });
  }
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: from === 'earliest' });
    await consumer.run({
      autoCommit: commits,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: engineLimits.eventsPartitionsAtOnce,
      eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
        for (const message of batch.messages) {
          if (!isRunning() || isStale()) return;
          await handle(fetched(batch.partition, message), heartbeat);
          resolveOffset(message.offset);
          await heartbeat();
        }
      },
    });
    if (crash) throw crash;
    for (const [partition, offset] of positions ?? []) consumer.seek({ topic, partition, offset });
    standing = true;
  } catch (error) {
    await consumer.disconnect().catch(() => {});
    throw error;
  }
  return () => consumer.disconnect();
}

function fetched(partition: number, { key, value, headers, offset }: kafkajs.KafkaMessage): Fetched {
  // What stands there twice stands there for nobody.
  const once = (name: string) => {
    const header = headers?.[name];
    return Array.isArray(header) ? undefined : header?.toString();
  };
  return { partition, offset, key, value, schema: once(SCHEMA_HEADER), source: once(SOURCE_HEADER) };
}

async function createTopic(admin: kafkajs.Admin, topic: string, settings: KafkaSettings): Promise<boolean> {
  const { partitions, replication, retentionHours } = settings;
  const wanted = {
    topic,
    numPartitions: partitions,
    replicationFactor: replication,
    configEntries: [{ name: 'retention.ms', value: String(retentionHours * 3_600_000) }],
  };
  return admin.createTopics({ topics: [wanted], waitForLeaders: true, timeout: engineLimits.eventsRequestMs });
}
