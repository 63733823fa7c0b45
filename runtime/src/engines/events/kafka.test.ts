import { expect } from 'chai';
import kafkajs from 'kafkajs';
import { systemIds } from '../../context.ts';
import { createMetrics, type Metrics } from '../../metrics.ts';
import { type KafkaServer, needsKafka, startKafka } from '../../testing/kafka.ts';
import { recordingLogger, testDeps } from '../../testing/quiet.ts';
import { eventConformance } from './conformance.ts';
import { type StreamContract, streamContract } from './contract.ts';
import { kafkaSettings } from './kafka/url.ts';
import { kafkaEvents } from './kafka.ts';
import { type StreamEvent, UnpublishableError } from './port.ts';

/** Takes any value but a string, so that there is something to refuse. */
const anything: StreamContract = {
  schemaOf: (topic) => (topic === 'nowhere' ? undefined : 'anything/1'),
  refuse(_, schema, value) {
    if (schema !== 'anything/1') return { reason: 'unknown-schema', text: schema };
    return typeof value === 'string' ? { reason: 'invalid', text: 'a string' } : undefined;
  },
};

describe('event stream kafka', function () {
  this.timeout(90_000);
  let kafka: KafkaServer;
  let prefixes = 0;
  const log = recordingLogger();
  const open = (prefix: string, metrics?: Metrics, contract = anything) =>
    kafkaEvents(kafkaSettings(kafka.url(prefix)), { ...testDeps(), log, ids: systemIds(), contract, metrics });
  const raw = () => new kafkajs.Kafka({ brokers: [`127.0.0.1:${kafka.port}`], logLevel: kafkajs.logLevel.NOTHING });

  before(needsKafka());
  before(async () => {
    kafka = await startKafka();
  });
  after(() => kafka?.stop());

  eventConformance({ open: async (place) => open(place), durable: true });

  it('passes over what is no event, by name, and goes on', async () => {
    const metrics = createMetrics('test');
    const prefix = `prefix-${++prefixes}`;
    const stream = open(prefix, metrics);
    const seen: StreamEvent[] = [];
    let last = () => {};
    const done = new Promise<void>((resolve) => {
      last = resolve;
    });
    await stream.subscribe(
      'orders',
      (event) => {
        seen.push(event);
        if (event.value === 2) last();
      },
      { group: 'one' },
    );
    await stream.publish([{ topic: 'orders', key: 'a', value: 1 }]);
    const headers = { 'flexder-schema': 'anything/1' };
    const producer = raw().producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({
      topic: `${prefix}.orders`,
      messages: [
        { key: 'a', value: '7' },
        { key: 'a', value: '{', headers },
        { key: 'a', value: Buffer.of(0x22, 0xff, 0x22), headers },
        { key: 'a', value: null, headers },
        { key: 'a', value: '"text"', headers },
        { key: 'a', value: '7', headers: { 'flexder-schema': 'anything/2' } },
        { key: 'a', value: JSON.stringify(['x'.repeat(262_144)]), headers },
      ],
    });
    await producer.disconnect();
    await stream.publish([{ topic: 'orders', key: 'a', value: 2 }]);
    await done;
    expect(seen.map(({ value }) => value)).to.deep.equal([1, 2]);
    const passedOver = ['no-schema', 'not-json', 'invalid', 'unknown-schema', 'too-large'].map((result) =>
      metrics.total('stream_consumed_total', { topic: 'orders', result }),
    );
    expect(passedOver).to.deep.equal([1, 3, 1, 1, 1]);
    await stream.close();
  });

  it('publishes nothing that it would not take', async () => {
    const stream = open(`prefix-${++prefixes}`);
    const refused: [StreamEvent, RegExp][] = [
      [{ topic: 'nowhere', key: 'a', value: 1 }, /no schema is known of what is published on nowhere/],
      [{ topic: 'orders', key: 'a', value: 'text' }, /an event on orders does not follow anything\/1: a string/],
      [{ topic: 'orders', key: 'a', value: ['x'.repeat(262_144)] }, /has 262148 bytes, at most 262144 are published/],
    ];
    for (const [event, message] of refused) {
      const error = await stream.publish([event]).catch((reason) => reason);
      expect(error).to.be.instanceOf(UnpublishableError);
      expect(error.message).to.match(message);
    }
    await stream.publish([{ topic: 'orders', key: 'a', value: ['x'.repeat(262_140)] }]);
    await stream.close();
  });

  it('names the schema of each message in a header', async () => {
    const prefix = `prefix-${++prefixes}`;
    const stream = open(prefix, undefined, streamContract);
    const value = { type: 'alarm.raised', kind: 'order-lost', text: 'lost', wallAtMs: 1 };
    await stream.publish([{ topic: 'bap', key: 'a', value }]);
    const consumer = raw().consumer({ groupId: 'reader' });
    await consumer.connect();
    await consumer.subscribe({ topic: `${prefix}.bap`, fromBeginning: true });
    const header = await new Promise((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => resolve(message.headers?.['flexder-schema']?.toString()),
      });
    });
    expect(header).to.equal('alarm-raised/1');
    await consumer.disconnect();
    await stream.close();
  });
});

describe('event stream kafka, its broker away', function () {
  this.timeout(120_000);
  before(needsKafka('apache'));

  it('refuses to publish within a bound, and goes on without loss when the broker is back', async () => {
    const first = await startKafka();
    const { port, folder } = first;
    const settings = kafkaSettings(`${first.url('flexder')}?partitions=3&retention-hours=2`);
    const log = recordingLogger();
    const stream = kafkaEvents(settings, { ...testDeps(), log, ids: systemIds(), contract: anything });
    const seen: unknown[] = [];
    const shared: unknown[] = [];
    let back = () => {};
    const both = new Promise<void>((resolve) => {
      back = () => seen.includes(3) && shared.includes(3) && resolve();
    });
    const gather = (values: unknown[]) => (event: StreamEvent) => {
      values.push(event.value);
      back();
    };
    await stream.subscribe('orders', gather(seen));
    await stream.subscribe('orders', gather(shared), { group: 'one' });
    await stream.publish([{ topic: 'orders', key: 'a', value: 1 }]);
    expect(stream.health()).to.deep.include({ ok: true });
    await first.kill();
    const error = await stream.publish([{ topic: 'orders', key: 'a', value: 2 }]).catch((reason) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(error.message).to.match(/^Kafka did not (take the events|acknowledge within 5000 ms)/);
    expect(stream.health().ok).to.equal(false);
    const second = await startKafka({ port, folder });
    for (;;) {
      const failed = await stream.publish([{ topic: 'orders', key: 'a', value: 3 }]).catch((reason) => reason);
      if (!failed) break;
    }
    await both;
    for (const values of [seen, shared]) expect([values[0], values.at(-1)]).to.deep.equal([1, 3]);
    expect(stream.health()).to.deep.include({ ok: true });

    const admin = new kafkajs.Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsets('flexder.orders')).to.have.length(3);
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: 'flexder.orders', configNames: ['retention.ms'] };
    const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
    expect(resources[0]?.configEntries[0]?.configValue).to.equal('7200000');
    await admin.disconnect();
    await stream.close();
    await second.stop();
  });

  it('says so when nobody is there, also to who subscribes', async () => {
    const settings = kafkaSettings('kafka://127.0.0.1:1/flexder');
    const stream = kafkaEvents(settings, { ...testDeps(), ids: systemIds(), contract: anything });
    const error = await stream.subscribe('orders', () => {}).catch((reason) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(stream.health()).to.deep.include({ ok: false });
    await stream.close();
  });
});
