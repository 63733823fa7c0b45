/** Who gets in at the device bus, and how much one may bring, on either broker. */
import { engineLimits } from '@flexder/runtime/engines/limits.ts';
import type { OutsideBroker } from '@flexder/sandbox/network/broker.ts';
import type { Login } from '@flexder/sandbox/network/foundation.ts';
import { expect } from 'chai';
import { type DeviceReadings, deviceReadings } from '../harness/device-readings.ts';
import { type DeviceNetwork, openDevices } from '../harness/devices.ts';
import { needsMosquitto, openMosquitto } from '../harness/mosquitto.ts';
import { connectWire, type WireClient } from '../harness/mqtt-wire.ts';
import { openTables } from '../harness/tables.ts';

const MINUTE_MS = 60_000;
/** What a frame holds besides topic and payload; Mosquitto is given some more. */
const FRAME_ROOM = 4_096;

type Opened = { outside?: OutsideBroker; stop(): Promise<void> };

describe('adversarial: the door of the embedded broker', function () {
  this.timeout(60_000);
  attacks(async () => ({ stop: async () => {} }));
});

describe('adversarial: the door of Mosquitto', function () {
  this.timeout(60_000);
  before(needsMosquitto);
  attacks(async () => {
    const outside = await openMosquitto(5);
    return { outside, stop: outside.stop };
  });
});

function attacks(open: () => Promise<Opened>): void {
  let broker: Opened;
  let net: DeviceNetwork;
  let devices: DeviceReadings;
  let owner: string;
  let [own, other] = ['', ''];
  const clients: WireClient[] = [];

  before(async () => {
    broker = await open();
    net = await openDevices(4, broker.outside);
    owner = net.aggregator.name;
    devices = deviceReadings(net, await openTables.aggregator(net, owner));
    for (let i = 0; i < 2; i++) await net.advance(MINUTE_MS);
    [own, other] = net.ders.map(({ derId }) => derId) as [string, string];
  });
  after(async () => {
    await net?.close();
    await broker?.stop();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  const topic = (derId: string) => `flex/v1/${owner}/${derId}/telemetry`;
  const reading = (derId: string, more: object = {}) => JSON.stringify(devices.telemetry(derId, more));
  const readingsOf = (derId: string) => devices.readingsOf(derId);
  const othersAreHeard = () => devices.isHeard(other);
  async function come(clientId: string, login: Partial<Login>): Promise<WireClient> {
    const client = await connectWire(net.mqttUrl, clientId, login);
    clients.push(client);
    return client;
  }

  const logins: readonly (readonly [string, () => Partial<Login>])[] = [
    ['nobody at all', () => ({})],
    ['a name without a password', () => ({ username: net.logins.get(own)!.username })],
    ['an empty password', () => ({ ...net.logins.get(own)!, password: '' })],
    ['a wrong password', () => ({ ...net.logins.get(own)!, password: 'wrong' })],
    ['the password of another device', () => ({ ...net.logins.get(own)!, password: net.logins.get(other)!.password })],
    ['a name nobody has', () => ({ username: 'admin', password: 'admin' })],
    ['an empty name', () => ({ username: '', password: '' })],
    ['the name in other letters', () => ({ ...upper(net.logins.get(own)!) })],
    [
      'the aggregator with the password of a device',
      () => ({ ...net.aggregatorLogin, password: net.logins.get(own)!.password }),
    ],
  ];
  for (const [who, login] of logins) {
    it(`MQ-11 ${who} is not let in, and says nothing`, async () => {
      const before = await readingsOf(own);
      const client = await come(`door-${own}`, login());
      expect(client.connack).to.not.equal(0);
      client.send(topic(own), reading(own));
      await net.settle();
      expect(await readingsOf(own)).to.equal(before);
    });
  }

  it('MQ-11 the twin: the device with its login is, and is heard', async () => {
    const before = await readingsOf(own);
    const client = await come('twin', net.logins.get(own)!);
    expect(client.connack).to.equal(0);
    expect(await client.publish(topic(own), reading(own))).to.equal('puback');
    await net.settle();
    expect(await readingsOf(own)).to.equal(before + 1);
  });

  for (const [name, bytes] of [
    ['of a megabyte', 1_048_576],
    ['just beyond the limit', engineLimits.busPayloadBytes + engineLimits.busTopicBytes + FRAME_ROOM],
  ] as const) {
    it(`MQ-09 a reading ${name}: the connection ends, and the others are heard`, async () => {
      await net.advance(MINUTE_MS);
      const before = await readingsOf(own);
      const client = await come('large', net.logins.get(own)!);
      const body = `${reading(own).slice(0, -1)}${' '.repeat(bytes)}}`;
      expect(await client.publish(topic(own), body)).to.equal('closed');
      await net.settle();
      expect(await readingsOf(own)).to.equal(before);
      await othersAreHeard();
    });
  }

  it('MQ-09 the twin: a reading with some blanks is heard', async () => {
    await net.advance(MINUTE_MS);
    const before = await readingsOf(own);
    const client = await come('blanks', net.logins.get(own)!);
    expect(await client.publish(topic(own), `${reading(own).slice(0, -1)}${' '.repeat(1_000)}}`)).to.equal('puback');
    await net.settle();
    expect(await readingsOf(own)).to.equal(before + 1);
  });

  it('MQ-09 a device on ten connections floods on each: held to a share, and the others are heard', async () => {
    await net.advance(MINUTE_MS);
    const before = await readingsOf(own);
    const each = engineLimits.busPublishBurst / 2;
    const ten = await Promise.all(Array.from({ length: 10 }, (_, i) => come(`flood-${i}`, net.logins.get(own)!)));
    const atMs = net.context.grid.nowMs() - 30_000;
    for (let i = 0; i < each; i++)
      for (const [k, client] of ten.entries())
        client.send(topic(own), reading(own, { ts: new Date(atMs + i * 10 + k).toISOString() }));
    const last = await come('flood-last', net.logins.get(own)!);
    await last.publish(topic(own), '{}');
    await net.settle();
    expect((await readingsOf(own)) - before).to.be.below(each * ten.length);
    await othersAreHeard();
  });

  it('MQ-11 two hundred who are turned away keep nobody out', async () => {
    const away = await Promise.all(
      Array.from({ length: 200 }, (_, i) => connectWire(net.mqttUrl, `away-${i}`, { username: 'nobody' })),
    );
    clients.push(...away);
    const client = await come('after-them', net.logins.get(own)!);
    expect(client.connack).to.equal(0);
    await othersAreHeard();
  });
}

const upper = ({ username, password }: Login): Login => ({ username: username.toUpperCase(), password });
