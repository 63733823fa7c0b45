/** Devices that lie, listen, repeat, replay and flood, with the accounts they were given, on either broker. */
import { ConfigError } from '@flexder/bpp-aggregator/config.ts';
import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import { deviceTopic } from '@flexder/runtime/engines/bus/topics.ts';
import { engineLimits } from '@flexder/runtime/engines/limits.ts';
import type { OutsideBroker } from '@flexder/sandbox/network/broker.ts';
import type { DeviceAck } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { createBuyer } from '../harness/buyer.ts';
import { type Counterparty, openCounterparty } from '../harness/counterparty.ts';
import { type DeviceReadings, deviceReadings } from '../harness/device-readings.ts';
import { type DeviceNetwork, openDevices } from '../harness/devices.ts';
import { needsMosquitto, openMosquitto } from '../harness/mosquitto.ts';
import { connectWire, type WireClient } from '../harness/mqtt-wire.ts';
import { openTables } from '../harness/tables.ts';
import { business } from '../harness/watch.ts';
import { commandsOutOfOrder } from './device/commands.ts';

const MINUTE_MS = 60_000;

interface BrokerUnderAttack {
  /** Refuses a foreign filter, and ends the connection of a refused publish; otherwise both come to nothing. */
  readonly saysNo: boolean;
  open(): Promise<{ outside?: OutsideBroker; stop(): Promise<void> }>;
}

describe('adversarial: devices on the embedded broker', function () {
  this.timeout(60_000);
  attacks({ saysNo: true, open: async () => ({ stop: async () => {} }) });
});

describe('adversarial: devices on Mosquitto', function () {
  this.timeout(60_000);
  before(needsMosquitto);
  attacks({
    saysNo: false,
    async open() {
      const outside = await openMosquitto(5);
      return { outside, stop: outside.stop };
    },
  });
});

function attacks({ saysNo, open }: BrokerUnderAttack): void {
  let broker: Awaited<ReturnType<typeof open>>;
  let net: DeviceNetwork;
  let db: Awaited<ReturnType<typeof openTables.aggregator>>;
  let devices: DeviceReadings;
  let party: Counterparty;
  let owner: string;
  /** The attacker holds the login of the first device; the second is somebody else's. */
  let own: string;
  let other: string;
  const clients: WireClient[] = [];

  before(async () => {
    broker = await open();
    net = await openDevices(8, broker.outside);
    owner = net.aggregator.name;
    db = await openTables.aggregator(net, owner);
    devices = deviceReadings(net, db);
    party = await openCounterparty(net, { id: 'buyer.example.com', type: 'BAP' });
    for (let i = 0; i < 2; i++) await net.advance(MINUTE_MS);
    const batteries = net.ders.filter(({ type }) => type === 'battery').map(({ derId }) => derId);
    [own, other] = [batteries[0]!, batteries[1]!];
  });
  after(async () => {
    await party?.close();
    await net?.close();
    await broker?.stop();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  async function attacker(clientId = 'attacker'): Promise<WireClient> {
    const client = await connectWire(net.mqttUrl, clientId, net.logins.get(own)!);
    clients.push(client);
    expect(client.connack, 'the login is good').to.equal(0);
    return client;
  }
  const topic = (derId: string, kind: string) => `flex/v1/${owner}/${derId}/${kind}`;
  const ts = (offsetMs = 0) => new Date(net.context.grid.nowMs() + offsetMs).toISOString();
  /** What the aggregator has dropped or ignored, by the reason in its metrics. */
  async function counted(pattern: RegExp): Promise<number> {
    const text = await (await fetch(`${net.aggregator.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => pattern.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
  const telemetry = (derId: string, changes: object = {}) => devices.telemetry(derId, changes);
  const readingsOf = (derId: string) => devices.readingsOf(derId);
  const othersAreHeard = () => devices.isHeard(other);

  describe('MQ-01 ids that would be topics', () => {
    const ids: readonly (readonly [string, string])[] = [
      ['+', '+'],
      ['#', '#'],
      ['a/b', 'a/b'],
      ['nothing', ''],
      ['$SYS', '$SYS'],
      ['NUL', 'der\u0000'],
      ['300 slashes', '/'.repeat(300)],
      ['a blank', 'der 1'],
      ['dots and slashes', '../der-1'],
      ['129 characters', 'd'.repeat(129)],
    ];
    const contract = (derId: string) => ({
      ...{ derId: derId as DerId, type: 'battery' as const, feederId: net.scenario.feeders[0]!.feederId as never },
      ...{ ratedKw: 5, importMsid: '1999999999999', exportMsid: null, essential: false },
      consent: { fromMs: 0, untilMs: net.context.grid.nowMs() + 86_400_000 },
    });

    for (const [name, id] of ids) {
      it(`${name}: not enrolled, and in no topic`, async () => {
        const before = await business(db);
        const failure = await net.aggregator.enrol([contract(id)]).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failure).to.be.instanceOf(ConfigError);
        expect((failure as Error).message).to.contain('derId');
        expect(await business(db)).to.deep.equal(before);
        expect(() => deviceTopic(owner as never, id as DerId, 'cmd')).to.throw(TypeError);
      });
    }

    it('the twin: a plain id is enrolled, gets an account and is heard', async () => {
      const [account] = await net.aggregator.enrol([contract('der-new.1')]);
      const client = await connectWire(net.mqttUrl, 'der-new.1', await net.grant(account!));
      clients.push(client);
      expect(client.connack).to.equal(0);
      const body = JSON.stringify(telemetry('der-new.1'));
      expect(await client.publish(deviceTopic(owner as never, 'der-new.1' as DerId, 'telemetry'), body)).to.equal(
        'puback',
      );
      await net.settle();
      expect(await readingsOf('der-new.1')).to.equal(1);
    });
  });

  describe('what a device may not publish', () => {
    const poison = (id: string, name: string, of: () => string) => ({ id, name, of });
    const topics = [
      poison('MQ-01', 'a wildcard for a level', () => topic('+', 'telemetry')),
      poison('MQ-01', 'a wildcard for the rest', () => `flex/v1/${owner}/#`),
      poison('MQ-01', 'no topic at all', () => ''),
      poison('MQ-01', 'a topic of the broker', () => '$SYS/broker/clients'),
      poison('MQ-01', 'a NUL', () => topic(`${own}\u0000`, 'telemetry')),
      poison('MQ-01', '300 slashes', () => '/'.repeat(300)),
      poison('MQ-03', 'telemetry of another device', () => topic(other, 'telemetry')),
      poison('MQ-03', 'an answer of another device', () => topic(other, 'ack')),
      poison('MQ-03', 'the birth of another device', () => topic(other, 'birth')),
      poison('MQ-03', 'the state of another device', () => topic(other, 'state')),
      poison('MQ-03', 'a command to itself', () => topic(own, 'cmd')),
      poison('MQ-03', 'a command to another device', () => topic(other, 'cmd')),
      poison('MQ-03', 'telemetry for another aggregator', () => `flex/v1/aggregator-2/${own}/telemetry`),
      poison('MQ-03', 'telemetry of a feeder', () => 'grid/v1/dso-1/feeder-1/telemetry'),
    ];
    for (const { id, name, of } of topics) {
      it(`${id} ${name}: nobody hears it, the others are heard`, async () => {
        const twin = await attacker();
        expect(
          await twin.publish(topic(own, 'state'), JSON.stringify({ v: 1, der_id: own, status: 'ONLINE' })),
        ).to.equal('puback');
        await net.settle();
        const [before, dropped] = [await business(db), await counted(/^flexder_device_message_dropped/)];
        const commands = net.fleet.counts.commandsReceived;
        const client = await attacker('attacker-2');
        const said = await client.publish(of(), JSON.stringify(telemetry(other)));
        if (saysNo) expect(said).to.equal('closed');
        await net.settle();
        expect(await business(db)).to.deep.equal(before);
        expect(await counted(/^flexder_device_message_dropped/)).to.equal(dropped);
        expect(net.fleet.counts.commandsReceived).to.equal(commands);
      });
    }

    it('after all of it the others are heard', othersAreHeard);
  });

  it('MQ-02 a device subscribes to what is not its own: nothing foreign is delivered', async () => {
    const spy = await attacker();
    expect(await spy.subscribe(topic(own, 'cmd')), 'its own commands').to.equal(1);
    for (const filter of [
      ...['#', '+/#', '+/+/+/+/+', '/#', 'flex/#', 'flex/v1/+/+/cmd', `flex/v1/${owner}/+/cmd`, topic(other, 'cmd')],
      ...[
        topic(other, 'telemetry'),
        topic(own, '+'),
        topic(own, '#'),
        `flex/v1/${owner}/+/ack`,
        'grid/v1/+/+/telemetry',
      ],
      ...['$SYS/#', '$share/group/#', `$share/group/${topic(other, 'cmd')}`],
    ]) {
      const said = await spy.subscribe(filter);
      if (saysNo) expect(said, filter).to.equal(128);
    }
    // Everybody is commanded, answers and reports.
    const buyer = createBuyer(net, party, { id: owner, url: net.aggregator.becknUrl }, 'provider-1');
    const order = await buyer.reach(buyer.purchase(100), 'select', 'init', 'confirm');
    await net.advance(MINUTE_MS);
    expect(net.fleet.counts.commandsReceived).to.be.greaterThan(1);
    // Its own command comes once for each filter that was granted.
    expect([...new Set(spy.delivered.map((message) => message.topic))]).to.deep.equal([topic(own, 'cmd')]);
    if (saysNo) expect(spy.delivered).to.have.length(1);
    await buyer.reach(order, 'cancel');
  });

  describe('what a device may publish, and is not believed', () => {
    const lies: readonly (readonly [
      id: string,
      kind: 'telemetry' | 'ack' | 'birth',
      reason: string,
      body: () => object,
    ])[] = [
      ['MQ-03 telemetry in the name of another', 'telemetry', 'foreign-id', () => telemetry(other)],
      [
        'MQ-03 an answer in the name of another',
        'ack',
        'foreign-id',
        () => ({ ...ack(net.context.ids.uuid()), der_id: other }),
      ],
      ['MQ-03 twice its rating', 'telemetry', 'beyond-rating', () => telemetry(own, { power_kw: 1_000 })],
      ['MQ-03 a reading of tomorrow', 'telemetry', 'clock', () => telemetry(own, { ts: ts(86_400_000) })],
      ['MQ-03 a member nobody knows', 'telemetry', 'invalid', () => telemetry(own, { extra: 1 })],
    ];
    for (const [name, kind, reason, body] of lies) {
      it(`${name}: dropped (${reason})`, async () => {
        const client = await attacker();
        const pattern = new RegExp(`^flexder_device_message_dropped.*kind="${kind}",reason="${reason}"`);
        const [before, dropped] = [await business(db), await counted(pattern)];
        expect(await client.publish(topic(own, kind), JSON.stringify(body()))).to.equal('puback');
        await net.settle();
        expect(await counted(pattern)).to.equal(dropped + 1);
        expect(await business(db)).to.deep.equal(before);
      });
    }

    it('the twin: its own true reading is stored', async () => {
      const client = await attacker();
      const before = await readingsOf(own);
      const body = JSON.stringify(telemetry(own));
      expect(await client.publish(topic(own, 'telemetry'), body)).to.equal('puback');
      await net.settle();
      expect(await readingsOf(own)).to.equal(before + 1);
    });
  });

  it('MQ-09 a device floods: cut off or dropped beyond its share, and the others are heard', async () => {
    const flood = engineLimits.busPublishBurst * 2;
    const client = await attacker('flood');
    const before = await readingsOf(own);
    const atMs = net.context.grid.nowMs() - 30_000;
    for (let i = 0; i < flood; i++) {
      // Each a reading newer than the last, which would be stored.
      client.send(topic(own, 'telemetry'), JSON.stringify(telemetry(own, { ts: new Date(atMs + i).toISOString() })));
    }
    await client.publish(topic(own, 'state'), JSON.stringify({ v: 1, der_id: own, status: 'ONLINE' }));
    await net.settle();
    expect((await readingsOf(own)) - before).to.be.below(flood);
    if (!saysNo) expect(await counted(/^flexder_device_message_dropped.*reason="flood"/)).to.be.above(0);
    await othersAreHeard();
  });

  const ack = (commandId: string, changes: Partial<DeviceAck> = {}): DeviceAck => ({
    ...{ v: 1, command_id: commandId, der_id: own, sequence: 1, result: 'ACCEPTED', ts: ts() },
    ...changes,
  });

  commandsOutOfOrder(() => ({ net, db, party, owner, own, other, clients, attacker, topic, ts, counted, ack }));
}
