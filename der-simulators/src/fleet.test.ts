import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { memoryAccounts, startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { DeviceTelemetry, FeederTelemetry } from '@flexder/schemas/types.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { counterfactual } from './counterfactual.ts';
import {
  advance,
  close,
  FEEDERS,
  finals,
  log,
  MINUTE,
  type Network,
  network,
  order,
  password,
  T0,
  twenty,
  until,
} from './fleet.fixture.ts';
import { startFleet } from './fleet.ts';
import type { Behaviour, DerManifest } from './model.ts';

describe('a fleet on the bus', () => {
  let net: Network;
  afterEach(() => close(net));

  it('announces every device by the contract and reports devices and feeders each minute', async () => {
    const ders = twenty();
    net = await network(ders);
    await advance(net, T0 + MINUTE);
    await until(net, () => net.heard.length >= 3 * ders.length + 2);
    for (const { kind, body } of net.heard)
      expect(validateDevice(kind as 'birth', body), kind).to.deep.equal({ valid: true });
    const count = (kind: string) => net.heard.filter((one) => one.kind === kind).length;
    expect([count('birth'), count('state'), count('telemetry'), count('feeder-telemetry')]).to.deep.equal([
      20, 20, 20, 2,
    ]);
    expect(net.fleet.counts).to.include({ devices: 20, connected: 20, telemetrySent: 20, undelivered: 0 });
  });

  it('measures at the feeder what a counterfactual of the same seed says, while nobody is dispatched', async () => {
    const ders = twenty({ offline: 0.2 });
    net = await network(ders);
    const plain = counterfactual({
      seed: 5,
      ders,
      feeders: FEEDERS,
      startMs: T0,
      endMs: T0 + 3 * MINUTE,
      stepMs: MINUTE,
    });
    for (let minute = 1; minute <= 3; minute++) {
      await advance(net, T0 + minute * MINUTE);
      for (const { feederId, loadKw } of plain) {
        expect(net.fleet.feederKw.get(feederId)).to.be.closeTo(loadKw[minute]!, 1e-9);
      }
    }
  });

  it('answers each command once for itself, acts on it, and the feeder falls', async () => {
    const ders = twenty({ silent: 0.1, refusing: 0.1, 'opted-out': 0.1, slow: 0.1 });
    net = await network(ders);
    await advance(net, T0 + MINUTE);
    const before = [...net.fleet.feederKw.values()].reduce((a, b) => a + b);
    for (const der of ders) {
      const body = JSON.stringify(order(der));
      await net.aggregator.publish(`flex/v1/a/${der.derId}/cmd`, body);
      await net.aggregator.publish(`flex/v1/a/${der.derId}/cmd`, body);
    }
    await until(net, () => net.fleet.counts.commandsReceived === 40);
    await net.activity.idle();
    await advance(net, T0 + 2 * MINUTE);
    await until(net, () => new Set(finals(net).map((ack) => ack.command_id)).size === 18);
    const answerOf = new Map(finals(net).map((ack) => [ack.der_id, ack.result]));
    const expected: Partial<Record<Behaviour, string>> = {
      silent: undefined,
      refusing: 'REJECTED',
      'opted-out': 'OPTED_OUT',
    };
    for (const { derId, behaviour } of ders) {
      expect(answerOf.get(derId), `${derId} ${behaviour}`).to.equal(
        behaviour in expected ? expected[behaviour] : 'ACCEPTED',
      );
    }
    expect(net.fleet.counts).to.include({ executed: 14, repeated: 18, swallowed: 4 });
    const after = [...net.fleet.feederKw.values()].reduce((a, b) => a + b);
    expect(before - after).to.be.greaterThan(10);
  });

  it('returns at stop_at by itself and says so at that instant', async () => {
    const ders = twenty();
    net = await network(ders);
    const der = ders.find(({ type }) => type === 'battery')!;
    await net.aggregator.publish(`flex/v1/a/${der.derId}/cmd`, JSON.stringify(order(der)));
    await until(net, () => finals(net).length === 1);
    await advance(net, T0 + 12 * MINUTE);
    const acks = () => net.heard.filter(({ kind }) => kind === 'ack').map(({ body }) => [body.result, body.ts]);
    await until(net, () => acks().length === 3);
    expect(acks()).to.deep.equal([
      ['ACCEPTED', new Date(T0).toISOString()],
      ['STARTED', new Date(T0).toISOString()],
      ['COMPLETED', new Date(T0 + 10 * MINUTE).toISOString()],
    ]);
  });

  it('drops what is no command and goes on', async () => {
    const ders = twenty();
    net = await network(ders);
    const der = ders[0]!;
    const topic = `flex/v1/a/${der.derId}/cmd`;
    const bad = ['', 'not json', '[]', '{"v":1}', JSON.stringify({ ...order(der), extra: 1 }), 'x'.repeat(9_000)];
    for (const payload of bad) await net.aggregator.publish(topic, payload);
    await until(net, () => net.fleet.counts.dropped === bad.length);
    await net.aggregator.publish(topic, JSON.stringify(order(der)));
    await until(net, () => finals(net).length === 1);
    expect(finals(net)[0]?.result).to.equal('ACCEPTED');
  });

  it('shows a device that never came as absent and one that drops away as OFFLINE, both still consuming', async () => {
    const ders = twenty({ offline: 0.6 });
    net = await network(ders);
    const there = net.fleet.counts.connected;
    expect(there).to.be.within(9, 19);
    await advance(net, T0 + 60 * MINUTE);
    expect(net.fleet.counts.connected).to.equal(8);
    await until(net, () => net.heard.filter(({ body }) => body.status === 'OFFLINE').length === there - 8);
    const last = new Date(T0 + 60 * MINUTE).toISOString();
    const reporting = () => net.heard.filter(({ kind, body }) => kind === 'telemetry' && body.ts === last).length;
    await until(net, () => reporting() === 8);
    expect(net.fleet.counts.telemetrySent).to.equal(8);
    const plain = counterfactual({
      seed: 5,
      ders,
      feeders: FEEDERS,
      startMs: T0,
      endMs: T0 + 60 * MINUTE,
      stepMs: MINUTE,
    });
    for (const { feederId, loadKw } of plain) expect(net.fleet.feederKw.get(feederId)).to.be.closeTo(loadKw[60]!, 1e-9);
  });
});

describe('a fleet in live mode', () => {
  it('steps by itself at each interval, and no longer once closed', async () => {
    const net = await network(twenty(), true);
    await net.grid.advanceTo(T0 + MINUTE);
    await net.grid.advanceTo(T0 + 2 * MINUTE);
    expect(net.fleet.counts.telemetrySent).to.equal(40);
    await close(net);
    await net.grid.advanceTo(T0 + 3 * MINUTE);
    expect(net.fleet.counts.telemetrySent).to.equal(40);
  });
});

describe('a fleet whose broker goes away', () => {
  it('keeps living, loses its readings, and announces itself again when the broker is back', async () => {
    const net = await network(twenty());
    const port = Number(new URL(net.broker.url).port);
    const plain = counterfactual({
      seed: 5,
      ders: twenty(),
      feeders: FEEDERS,
      startMs: T0,
      endMs: T0 + MINUTE,
      stepMs: MINUTE,
    });
    await net.broker.close();
    await net.wall.sleep(20);
    await advance(net, T0 + MINUTE);
    expect(net.fleet.counts).to.include({ telemetrySent: 0, undelivered: 22 });
    for (const { feederId, loadKw } of plain) expect(net.fleet.feederKw.get(feederId)).to.be.closeTo(loadKw[1]!, 1e-9);
    net.heard.length = 0;
    const broker = await startBroker({ host: '127.0.0.1', port, accounts: net.accounts, log });
    let minute = 1;
    while (net.heard.filter(({ body }) => body.status === 'ONLINE').length < 20) {
      await net.wall.sleep(50);
      await advance(net, T0 + ++minute * MINUTE);
    }
    // A birth is not retained: who reconnects later than the device learns of it by the retained state.
    expect(net.fleet.counts.telemetrySent).to.be.greaterThan(0);
    await close({ ...net, broker });
  });
});

describe('a fleet that is refused', () => {
  it('does not start without one device, and does with one', async () => {
    const wall = systemWallClock();
    const accounts = memoryAccounts();
    const broker = await startBroker({ host: '127.0.0.1', port: 0, accounts, log });
    const activity = new Activity();
    const bus = mqttBus(broker.url, { wall, log, activity });
    const ders = twenty();
    const start = () =>
      startFleet({
        wall,
        grid: new SteppedGridClock(T0),
        log,
        activity,
        connect: (options) => bus.connect(options),
        ders,
        feeders: [],
        dsoId: 'dso',
        seed: 5,
        credentials: (id) => ({ username: id, password }),
      });
    let reason = '';
    await start().catch((error: Error) => {
      reason = error.message;
    });
    expect(reason).to.match(/^not one of 20 devices could connect: .*refused/);
    const { derId } = ders[0]!;
    const topic = `flex/v1/a/${derId}`;
    accounts.add({
      username: derId,
      password,
      publish: [`${topic}/birth`, `${topic}/state`],
      subscribe: [`${topic}/cmd`],
    });
    const fleet = await start();
    expect(fleet.counts).to.include({ connected: 1, refusedConnections: 19 });
    await fleet.close();
    await broker.close();
  });
});

describe('the same seed', () => {
  it('tells the same story, in whatever order the devices are made', async () => {
    const story = async (ders: readonly DerManifest[]) => {
      const net = await network(ders);
      for (let minute = 1; minute <= 3; minute++) await advance(net, T0 + minute * MINUTE);
      await until(net, () => net.heard.filter(({ kind }) => kind === 'feeder-telemetry').length === 6);
      await close(net);
      const lines = net.heard.map(({ kind, body }) => {
        const { der_id, feeder_id, ts, power_kw } = body as unknown as DeviceTelemetry & FeederTelemetry;
        return [kind, der_id ?? feeder_id, ts, power_kw].join(' ');
      });
      return lines.sort();
    };
    const first = await story(twenty());
    expect(await story([...twenty()].reverse())).to.deep.equal(first);
  });
});
