import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import type { DerId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { connect as connectMqtt, type MqttClient } from 'mqtt';
import { testDeps } from '../../testing/quiet.ts';
import { type Broker, memoryAccounts, startBroker } from './broker.ts';
import { busAccounts, busConformance } from './conformance.ts';
import { mqttBus } from './mqtt.ts';
import type { MqttSettings } from './settings.ts';
import { deviceTopic } from './topics.ts';

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
    let current = broker;
    return {
      ...{ bus, version: 4 as const, refusesFilters: true },
      async restart() {
        await current.close();
        ({ broker: current } = await start(Number(new URL(bus.url).port)));
      },
      close: () => current.close(),
    };
  });
});

describe('embedded broker', () => {
  let broker: Broker;
  const opened: MqttClient[] = [];
  before(async () => {
    ({ broker } = await start());
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
    let over = false;
    void gone.then(() => {
      over = true;
    });
    // As much as it takes: a slow machine gives the allowance time to fill up again.
    while (!over) {
      for (let i = 0; i < 3_000; i++) flood.client.publish(deviceTopic(aggregator, der, 'telemetry'), 'x', { qos: 0 });
      await new Promise((resolve) => setImmediate(resolve));
    }
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

describe('a bus client', () => {
  it('asks for MQTT 5, takes 3.1.1 where it is not spoken, and asks once', async () => {
    const { broker, deps } = await start();
    const bus = mqttBus(broker.url, deps, { version: 'auto', profile: 'strict' });
    const login = { username: DEVICE, password: 'secret-1' };
    const clients = await Promise.all(['a', 'b', 'c'].map((clientId) => bus.connect({ clientId, ...login })));
    expect(clients.map(({ protocolVersion }) => protocolVersion)).to.deep.equal([4, 4, 4]);
    const fallbacks = deps.log.lines.filter(({ text }) => /MQTT 3\.1\.1 is used/.test(text));
    expect(fallbacks).to.have.length(1);
    for (const client of clients) await client.close();
    const error = await mqttBus(broker.url, deps, { version: 5, profile: 'strict' })
      .connect({ clientId: 'd', ...login })
      .catch((reason) => reason);
    expect(error.message).to.match(/does not speak MQTT 5/);
    await broker.close();
  });

  it('takes 3.1.1 from a broker that hangs up on MQTT 5', async () => {
    const { broker, deps } = await start();
    const target = Number(new URL(broker.url).port);
    // Byte 8 of CONNECT is the protocol level.
    const proxy = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (connect) => {
        if (connect[8] === 5) return socket.destroy();
        const upstream = connectSocket(target, '127.0.0.1', () => upstream.write(connect));
        upstream.on('error', () => {});
        upstream.pipe(socket).pipe(upstream);
      });
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const bus = mqttBus(`mqtt://127.0.0.1:${port}`, deps, { version: 'auto', profile: 'strict' });
    const client = await bus.connect({ clientId: 'a', username: DEVICE, password: 'secret-1' });
    expect(client.protocolVersion).to.equal(4);
    await client.close();
    proxy.close();
    await broker.close();
  });

  const ca = 'a certificate';
  const settings: [string, string, MqttSettings, RegExp | undefined][] = [
    ['plaintext beyond this machine', 'mqtt://broker.example', { version: 4, profile: 'strict' }, /is not encrypted/],
    ['plaintext to an address', 'mqtt://192.0.2.1:1883', { version: 4, profile: 'strict' }, /is not encrypted/],
    ['the same in the sandbox', 'mqtt://broker.example', { version: 4, profile: 'sandbox' }, undefined],
    ['plaintext on this machine', 'mqtt://127.0.0.1:1883', { version: 4, profile: 'strict' }, undefined],
    ['plaintext on this machine, IPv6', 'mqtt://[::1]:1883', { version: 4, profile: 'strict' }, undefined],
    ['TLS', 'mqtts://broker.example', { version: 4, profile: 'strict', tls: { ca } }, undefined],
    ['a certificate without TLS', 'mqtt://localhost', { version: 4, profile: 'strict', tls: { ca } }, /for mqtts/],
    ['a key alone', 'mqtts://b.example', { version: 4, profile: 'strict', tls: { key: 'k' } }, /needs its private key/],
  ];
  for (const [name, url, wanted, problem] of settings) {
    it(`${problem ? 'refuses' : 'takes'} ${name}`, () => {
      const open = () => mqttBus(url, testDeps(), wanted);
      if (problem) expect(open).to.throw(problem);
      else expect(open().url).to.equal(url);
    });
  }

  it('hands over nothing whose time ran out while the broker was away', async () => {
    const { broker, bus } = await start();
    const client = await bus.connect({ clientId: 'a', username: DEVICE, password: 'secret-1' });
    await broker.close();
    const publish = (expiryMs: number) =>
      client.publish(deviceTopic(aggregator, der, 'telemetry'), `${expiryMs}`, { expiryMs }).then(
        () => 'taken',
        (error: Error) => error.message,
      );
    const outcomes = Promise.all([publish(100), publish(60_000)]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { broker: again } = await start(Number(new URL(bus.url).port));
    const [short, long] = await outcomes;
    expect(short).to.match(/no acknowledgement within 100 ms/);
    expect(long).to.equal('taken');
    await client.close();
    await again.close();
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
