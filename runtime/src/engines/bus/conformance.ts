import type { DerId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { aggregatorAccount, deviceAccount, dsoAccount, rtuAccount } from './accounts.ts';
import type { BusAccount, BusClient, BusMessage, DeviceBus } from './port.ts';
import { deviceFilter, deviceTopic, feederFilter, feederTopic } from './topics.ts';

const aggregator = 'agg.example' as SubscriberId;
const rival = 'rival.example' as SubscriberId;
const der = 'der-1' as DerId;
const otherDer = 'der-2' as DerId;
const dso = 'dso.example' as SubscriberId;
const feeder = 'feeder-1' as FeederId;

/** The accounts a broker under test must know, each with its ACL. */
export const busAccounts: readonly BusAccount[] = [
  aggregatorAccount(aggregator, 'secret-a'),
  aggregatorAccount(rival, 'secret-r'),
  deviceAccount(aggregator, der, 'secret-1'),
  deviceAccount(aggregator, otherDer, 'secret-2'),
  dsoAccount(dso, 'secret-d'),
  rtuAccount(dso, feeder, 'secret-f'),
];

interface Seen {
  readonly messages: BusMessage[];
  readonly handler: (message: BusMessage) => void;
  /** Resolves when `count` messages were seen. */
  until(count: number): Promise<void>;
}

function seen(): Seen {
  const messages: BusMessage[] = [];
  let wake = () => {};
  return {
    messages,
    handler(message) {
      messages.push(message);
      wake();
    },
    async until(count) {
      while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

const text = ({ topic, payload }: BusMessage) => `${topic} ${Buffer.from(payload).toString()}`;

/** What every device bus must do; its broker knows `busAccounts`. */
export function busConformance(open: () => Promise<{ bus: DeviceBus; close(): Promise<void> }>): void {
  let bus: DeviceBus;
  let end: () => Promise<void>;
  let clients: BusClient[] = [];
  let serial = 0;
  before(async () => {
    ({ bus, close: end } = await open());
  });
  after(() => end());
  afterEach(async () => {
    for (const client of clients) await client.close();
    clients = [];
  });

  async function as(username: string, more: Partial<Parameters<DeviceBus['connect']>[0]> = {}): Promise<BusClient> {
    const account = busAccounts.find((candidate) => candidate.username === username);
    const client = await bus.connect({
      clientId: `c${serial++}`,
      username,
      password: account?.password ?? '',
      ...more,
    });
    clients.push(client);
    return client;
  }
  const device = (more = {}) => as(`der/${aggregator}/${der}`, more);

  it('carries a command to its device and the answer back', async () => {
    const [agg, dev] = [await as(`aggregator/${aggregator}`), await device()];
    const [commands, answers] = [seen(), seen()];
    await dev.subscribe(deviceTopic(aggregator, der, 'cmd'), commands.handler);
    await agg.subscribe(deviceFilter(aggregator, 'ack'), answers.handler);
    await agg.publish(deviceTopic(aggregator, der, 'cmd'), '{"a":"✓"}');
    await commands.until(1);
    await dev.publish(deviceTopic(aggregator, der, 'ack'), 'done');
    await answers.until(1);
    expect(commands.messages.map(text)).to.deep.equal([`flex/v1/${aggregator}/${der}/cmd {"a":"✓"}`]);
    expect(answers.messages.map(text)).to.deep.equal([`flex/v1/${aggregator}/${der}/ack done`]);
    expect({ agg: agg.counts, dev: dev.counts }).to.deep.equal({
      agg: { sent: 1, received: 1 },
      dev: { sent: 1, received: 1 },
    });
  });

  it('carries the measurements of a feeder to its DSO', async () => {
    const [operator, rtu] = [await as(`dso/${dso}`), await as(`rtu/${dso}/${feeder}`)];
    const readings = seen();
    await operator.subscribe(feederFilter(dso), readings.handler);
    await rtu.publish(feederTopic(dso, feeder), '1');
    await readings.until(1);
    expect(readings.messages.map(text)).to.deep.equal([`grid/v1/${dso}/${feeder}/telemetry 1`]);
  });

  it('keeps the order of what one client publishes', async () => {
    const [agg, dev] = [await as(`aggregator/${aggregator}`), await device()];
    const commands = seen();
    await dev.subscribe(deviceTopic(aggregator, der, 'cmd'), commands.handler);
    const numbers = Array.from({ length: 100 }, (_, index) => String(index));
    await Promise.all(numbers.map((number) => agg.publish(deviceTopic(aggregator, der, 'cmd'), number)));
    await commands.until(100);
    expect(commands.messages.map(({ payload }) => Buffer.from(payload).toString())).to.deep.equal(numbers);
  });

  it('shows who comes later the retained message, marked as such', async () => {
    const dev = await device();
    await dev.publish(deviceTopic(aggregator, der, 'state'), 'ONLINE', { retain: true });
    const agg = await as(`aggregator/${aggregator}`);
    const states = seen();
    await agg.subscribe(deviceFilter(aggregator, 'state'), states.handler);
    await states.until(1);
    await dev.publish(deviceTopic(aggregator, der, 'state'), 'STILL', { retain: true });
    await states.until(2);
    expect(states.messages.map((message) => [text(message).split(' ')[1], message.retained])).to.deep.equal([
      ['ONLINE', true],
      ['STILL', false],
    ]);
  });

  it('takes a message to all handlers of its topic, though one throws', async () => {
    const [agg, dev] = [await as(`aggregator/${aggregator}`), await device()];
    const commands = seen();
    const topic = deviceTopic(aggregator, der, 'cmd');
    await dev.subscribe(topic, () => {
      throw new Error('handler');
    });
    await dev.subscribe(topic, commands.handler);
    await agg.publish(topic, '1');
    await commands.until(1);
    expect(dev.connected).to.equal(true);
  });

  for (const [name, password] of [
    [`der/${aggregator}/${der}`, 'wrong'],
    [`der/${aggregator}/${der}`, ''],
    ['nobody', 'secret-1'],
    ['', ''],
  ] as const) {
    it(`refuses ${JSON.stringify(name)} with the password ${JSON.stringify(password)}`, async () => {
      const error = await as(name, { password }).catch((reason) => reason);
      expect(error.message).to.match(/refused the connection/);
    });
  }

  for (const filter of [
    '#',
    '+/#',
    'flex/#',
    `flex/v1/${aggregator}/+/cmd`,
    deviceTopic(aggregator, otherDer, 'cmd'),
    `flex/v1/+/${der}/cmd`,
  ]) {
    it(`device_cannot_subscribe_to_${filter}`, async () => {
      const [agg, dev, other] = [
        await as(`aggregator/${aggregator}`),
        await device(),
        await as(`der/${aggregator}/${otherDer}`),
      ];
      const [stolen, own] = [seen(), seen()];
      const error = await dev.subscribe(filter, stolen.handler).catch((reason) => reason);
      expect(error, 'refused').to.be.instanceOf(Error);
      await other.subscribe(deviceTopic(aggregator, otherDer, 'cmd'), own.handler);
      await agg.publish(deviceTopic(aggregator, otherDer, 'cmd'), '1');
      await own.until(1);
      expect(stolen.messages).to.deep.equal([]);
    });
  }

  for (const [who, username, topic] of [
    ['device', `der/${aggregator}/${der}`, deviceTopic(aggregator, otherDer, 'telemetry')],
    ['device', `der/${aggregator}/${der}`, deviceTopic(aggregator, der, 'cmd')],
    ['aggregator', `aggregator/${rival}`, deviceTopic(aggregator, der, 'cmd')],
    ['rtu', `rtu/${dso}/${feeder}`, feederTopic(dso, 'feeder-2' as FeederId)],
  ] as const) {
    it(`${who}_cannot_publish_to_${topic}`, async () => {
      const listeners = [await device(), await as(`aggregator/${aggregator}`), await as(`dso/${dso}`)] as const;
      const heard = seen();
      await listeners[0].subscribe(deviceTopic(aggregator, der, 'cmd'), heard.handler);
      await listeners[1].subscribe(deviceFilter(aggregator, 'telemetry'), heard.handler);
      await listeners[2].subscribe(feederFilter(dso), heard.handler);
      const intruder = await as(username);
      const attempt = intruder.publish(topic, 'forged').catch(() => {});
      const honest = await as(`rtu/${dso}/${feeder}`);
      await honest.publish(feederTopic(dso, feeder), 'honest');
      await heard.until(1);
      await intruder.close();
      await attempt;
      expect(heard.messages.map(text)).to.deep.equal([`grid/v1/${dso}/${feeder}/telemetry honest`]);
    });
  }

  for (const topic of [
    '',
    '+',
    '#',
    'flex/v1/#',
    'a\u0000b',
    '$SYS/x',
    '/'.repeat(300),
    `flex/v1/${'x'.repeat(600)}`,
  ]) {
    it(`does not send a poisoned publish, to ${JSON.stringify(topic.slice(0, 20))}`, async () => {
      const [agg, dev] = [await as(`aggregator/${aggregator}`), await device()];
      const error = await agg.publish(topic, '1').catch((reason) => reason);
      expect(error.message).to.match(/is not a topic of this bus/);
      const commands = seen();
      await dev.subscribe(deviceTopic(aggregator, der, 'cmd'), commands.handler);
      await agg.publish(deviceTopic(aggregator, der, 'cmd'), 'after');
      await commands.until(1);
    });
  }

  it('does not send a payload above the limit', async () => {
    const agg = await as(`aggregator/${aggregator}`);
    const error = await agg
      .publish(deviceTopic(aggregator, der, 'cmd'), 'x'.repeat(1_000_000))
      .catch((reason) => reason);
    expect(error).to.be.instanceOf(RangeError);
  });

  it('refuses work once it is closed', async () => {
    const agg = await as(`aggregator/${aggregator}`);
    await agg.close();
    await agg.close();
    const error = await agg.publish(deviceTopic(aggregator, der, 'cmd'), '1').catch((reason) => reason);
    expect(error.message).to.match(/closed/);
  });
}
