import { connect as connectSocket, type Socket } from 'node:net';
import type { DerId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { connect as connectMqtt, type MqttClient } from 'mqtt';
import { testDeps } from '../../testing/quiet.ts';
import { type Broker, memoryAccounts, startBroker } from './broker.ts';
import { busAccounts, busConformance } from './conformance.ts';
import { mqttBus } from './mqtt.ts';
import { deviceFilter, deviceTopic } from './topics.ts';

const aggregator = 'agg.example' as SubscriberId;
const der = 'der-1' as DerId;
const DEVICE = `der/${aggregator}/${der}`;

async function start(port = 0) {
  const deps = testDeps();
  const accounts = memoryAccounts();
  accounts.add(...busAccounts);
  const broker = await startBroker({ host: '127.0.0.1', port, accounts, log: deps.log });
  return { broker, bus: mqttBus(broker.url, deps), deps, accounts };
}

describe('device bus mqtt, embedded broker', () => {
  busConformance(async () => {
    const { broker, bus } = await start();
    return { bus, close: () => broker.close() };
  });
});

describe('embedded broker', () => {
  let broker: Broker;
  let bus: ReturnType<typeof mqttBus>;
  const opened: MqttClient[] = [];
  before(async () => {
    ({ broker, bus } = await start());
  });
  after(() => broker.close());
  afterEach(() => {
    for (const client of opened.splice(0)) client.end(true);
  });

  /** A client without any of our own checks; resolves once connected or refused. */
  function raw(options: Parameters<typeof connectMqtt>[1]): Promise<{ client: MqttClient; refused?: Error }> {
    const client = connectMqtt(broker.url, { reconnectPeriod: 0, protocolVersion: 4, ...options } as never);
    opened.push(client);
    return new Promise((resolve) => {
      client.on('connect', () => resolve({ client }));
      client.on('error', (refused) => resolve({ client, refused }));
      client.on('close', () => resolve({ client, refused: new Error('closed') }));
    });
  }
  const device = (more = {}) => raw({ clientId: 'raw', username: DEVICE, password: 'secret-1', ...more });
  const closed = (client: MqttClient) => new Promise<void>((resolve) => client.on('close', () => resolve()));

  it('publishes the last will of a device that vanished, and keeps it', async () => {
    const agg = await bus.connect({ clientId: 'agg', username: `aggregator/${aggregator}`, password: 'secret-a' });
    const { client } = await device({
      will: { topic: deviceTopic(aggregator, der, 'state'), payload: Buffer.from('OFFLINE'), qos: 1, retain: true },
    });
    const offline = new Promise<string>((resolve) => {
      void agg.subscribe(deviceFilter(aggregator, 'state'), ({ payload }) => resolve(Buffer.from(payload).toString()));
    });
    (client.stream as Socket).destroy();
    expect(await offline).to.equal('OFFLINE');
    const later = await bus.connect({ clientId: 'later', username: `aggregator/${aggregator}`, password: 'secret-a' });
    const retained = await new Promise<boolean>((resolve) => {
      void later.subscribe(deviceFilter(aggregator, 'state'), (message) => resolve(message.retained));
    });
    expect(retained).to.equal(true);
    await agg.close();
    await later.close();
  });

  it('refuses a connection whose last will is not its own', async () => {
    const will = {
      topic: deviceTopic(aggregator, 'der-2' as DerId, 'state'),
      payload: Buffer.from('x'),
      qos: 1,
      retain: true,
    };
    expect((await device({ will })).refused).to.be.instanceOf(Error);
    expect((await device({ will: { ...will, topic: deviceTopic(aggregator, der, 'state') } })).refused).to.equal(
      undefined,
    );
  });

  it('refuses a client id that another account is connected with', async () => {
    const { refused } = await device({ clientId: 'mine' });
    expect(refused).to.equal(undefined);
    const thief = await raw({ clientId: 'mine', username: `der/${aggregator}/der-2`, password: 'secret-2' });
    expect(thief.refused?.message).to.match(/Identifier rejected/i);
    expect(opened[0]?.connected).to.equal(true);
  });

  it('lets an account take over its own client id', async () => {
    const first = await device({ clientId: 'again' });
    const gone = closed(first.client);
    expect((await device({ clientId: 'again' })).refused).to.equal(undefined);
    await gone;
  });

  it('answers a foreign filter with SUBACK 128 and grants the right one beside it', async () => {
    const { client } = await device();
    const own = deviceTopic(aggregator, der, 'cmd');
    const suback = new Promise<number[]>((resolve) => {
      client.on('packetreceive', (packet) => {
        if (packet.cmd === 'suback') resolve(packet.granted as number[]);
      });
    });
    client.subscribe({ '#': { qos: 1 }, [own]: { qos: 1 }, '$SYS/#': { qos: 1 } });
    expect(await suback).to.deep.equal([128, 1, 128]);
  });

  for (const [name, topic, payload] of [
    ['a foreign topic', deviceTopic(aggregator, 'der-2' as DerId, 'telemetry'), 'x'],
    ['NUL in the topic', `flex/v1/${aggregator}/${der}/te\u0000lemetry`, 'x'],
    ['300 levels', '/'.repeat(300), 'x'],
    ['a payload above the limit', deviceTopic(aggregator, der, 'telemetry'), 'x'.repeat(1_000_000)],
  ] as const) {
    it(`ends a connection that publishes ${name}`, async () => {
      const { client } = await device();
      const gone = closed(client);
      client.publish(topic, payload, { qos: 1 });
      await gone;
    });
  }

  it('ends a connection that floods, and no other', async () => {
    const [flood, honest] = [
      await device(),
      await raw({ clientId: 'h', username: `der/${aggregator}/der-2`, password: 'secret-2' }),
    ];
    const gone = closed(flood.client);
    for (let i = 0; i < 3_000; i++) flood.client.publish(deviceTopic(aggregator, der, 'telemetry'), 'x', { qos: 0 });
    await gone;
    expect(honest.client.connected).to.equal(true);
  });

  it('refuses MQTT 5 and whatever is no MQTT, and serves on', async () => {
    expect((await device({ protocolVersion: 5 })).refused).to.be.instanceOf(Error);
    const { port } = new URL(broker.url);
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\u0010\u00ff\u00ff\u00ff\u00ff\u00ff', Buffer.alloc(100, 0xff)]) {
      await new Promise<void>((resolve) => {
        const socket = connectSocket(Number(port), '127.0.0.1', () => socket.write(bytes as string));
        socket.on('close', () => resolve());
        socket.on('error', () => {});
        socket.setTimeout(6_000, () => socket.destroy());
      });
    }
    expect((await device()).refused).to.equal(undefined);
  });

  it('forgets an account that was removed', async () => {
    const { broker: own, accounts } = await start();
    accounts.remove(DEVICE);
    const client = connectMqtt(own.url, {
      reconnectPeriod: 0,
      protocolVersion: 4,
      username: DEVICE,
      password: 'secret-1',
    });
    const error = await new Promise<Error>((resolve) => client.on('error', resolve));
    expect(error.message).to.match(/Not authorized/);
    client.end(true);
    await own.close();
  });
});

describe('a bus client whose broker goes away', () => {
  it('connects again, subscribes again, and publishes what it was given meanwhile', async () => {
    const first = await start();
    const port = Number(new URL(first.broker.url).port);
    const agg = await first.bus.connect({
      clientId: 'agg',
      username: `aggregator/${aggregator}`,
      password: 'secret-a',
    });
    const dev = await first.bus.connect({ clientId: 'dev', username: DEVICE, password: 'secret-1' });
    const answers: string[] = [];
    let answered = () => {};
    const done = new Promise<void>((resolve) => {
      answered = resolve;
    });
    await agg.subscribe(deviceFilter(aggregator, 'ack'), ({ payload }) => {
      answers.push(Buffer.from(payload).toString());
      answered();
    });
    await first.broker.close();
    const second = await start(port);
    // The device may be back before the aggregator listens again: it says it until it is heard.
    let said = 0;
    while (answers.length === 0) {
      await dev.publish(deviceTopic(aggregator, der, 'ack'), `n${said++}`);
      await Promise.race([done, first.deps.wall.sleep(50)]);
    }
    expect(answers[0]).to.match(/^n\d+$/);
    await agg.close();
    await dev.close();
    await second.broker.close();
  });

  it('says at the first connection that there is none', async () => {
    const { broker, deps } = await start();
    await broker.close();
    // Time runs a hundred times as fast, to reach the bound.
    const wall = { ...deps.wall, after: (ms: number, run: () => void) => deps.wall.after(ms / 100, run) };
    const error = await mqttBus(broker.url, { ...deps, wall })
      .connect({ clientId: 'a', username: 'a', password: 'a' })
      .catch((reason) => reason);
    expect(error.message).to.match(/no MQTT broker at mqtt:\/\/127\.0\.0\.1:\d+ within/);
  });
});
