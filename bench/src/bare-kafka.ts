/** The client library by itself: what there is to gain at most. */
import type { KafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import kafkajs from 'kafkajs';

export interface BareStream {
  send(readings: readonly { readonly feeder_id: string }[]): Promise<void>;
  onMessage(run: () => void): void;
  /** Removes the topics of the benchmark. */
  close(): Promise<void>;
}

export async function openBare({ brokers, prefix, tls, sasl, partitions }: KafkaSettings): Promise<BareStream> {
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    ...(tls && { ssl: { ...tls } }),
    ...(sasl && { sasl: sasl as kafkajs.SASLOptions }),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const topic = `${prefix}.bare`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner });
  const consumer = kafka.consumer({ groupId: `${prefix}.bare`, maxWaitTimeInMs: 500 });
  let run = () => {};
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const _ of batch.messages) run();
    },
  });
  return {
    async send(readings) {
      const messages = readings.map((value) => ({ key: value.feeder_id, value: JSON.stringify(value) }));
      await producer.send({ topic, acks: -1, messages });
    },
    onMessage(called) {
      run = called;
    },
    async close() {
      await consumer.disconnect();
      await producer.disconnect();
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${prefix}.`));
      await admin.deleteTopics({ topics });
      await admin.disconnect();
    },
  };
}
