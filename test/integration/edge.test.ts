/** Grid Monitoring at the edge and the DSO as processes of their own, with a real Kafka between them that goes away. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { openEvents } from '@flexder/runtime/engines/events/open.ts';
import type { EventStream } from '@flexder/runtime/engines/events/port.ts';
import { type KafkaServer, needsKafka, startKafka } from '@flexder/runtime/testing/kafka.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';
import { expect } from 'chai';
import { flexder } from '../cli/flexder.ts';
import { askUntil, getJson, metricOf, type Running, startProcess, stopProcess } from '../harness/processes.ts';

interface Overload {
  readonly eventId: string;
  readonly feederId: string;
  readonly orders: number;
  readonly committedKw: number;
}

describe('grid monitoring at the edge, over Kafka', function () {
  this.timeout(150_000);

  const running = new Map<string, Running>();
  let dir: string;
  let kafka: KafkaServer;
  let services: PlannedService[];
  let limits: { feederId: string; limitKw: number }[];
  let stream: EventStream;
  const clients: BusClient[] = [];
  const of = (name: string) => running.get(name)!;
  const launch = async (name: string, variables?: Record<string, string>) => {
    const one = startProcess(services.find((service) => service.name === name)!, variables);
    running.set(name, one);
    await one.ready;
  };

  before(async function () {
    needsKafka('apache').call(this);
    dir = mkdtempSync(join(tmpdir(), 'flexder-edge-'));
    kafka = await startKafka();
    const url = `${kafka.url('flexder')}?partitions=2`;
    const size = ['--ders', '24', '--bpps', '1', '--telemetry-seconds', '60'];
    const plan = flexder(['serve', 'plan', '--dir', dir, ...size, '--events', url, '--edge', '--json']);
    expect(plan.code, plan.err).to.equal(0);
    services = JSON.parse(plan.out).services;
    // At some times of day the simulated load would reach its limit by itself, and a feeder has one event at a time.
    const feeders = JSON.parse(readFileSync(join(dir, 'feeders.json'), 'utf8')) as typeof limits;
    limits = feeders.map((feeder) => ({ ...feeder, limitKw: 3 * feeder.limitKw }));
    writeFileSync(join(dir, 'feeders.json'), JSON.stringify(limits));
    stream = await openEvents(url, testDeps());
    await Promise.all(['registry', 'gateway', 'broker', 'bap', 'bpp-1'].map((name) => launch(name)));
    await Promise.all([launch('monitor', { FLEXDER_MONITOR_TELEMETRY: 'both' }), launch('fleet')]);
  });

  afterEach(function () {
    if (this.currentTest?.state === 'failed')
      for (const one of running.values()) process.stderr.write(`--- ${one.name}\n${one.log().slice(-6_000)}\n`);
  });

  after(async () => {
    for (const client of clients) await client.close();
    for (const { child } of running.values()) if (child.exitCode === null) child.kill('SIGKILL');
    await stream?.close();
    await kafka?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const reading = (feederId: string, powerKw: number) => ({
    ...{ v: 1, feeder_id: feederId, ts: new Date().toISOString(), seq: 1, power_kw: powerKw },
    ...{ current_a: 1, voltage_kv: 11, quality: 'GOOD' },
  });
  /** The remote terminal unit of a feeder, which reports what it reads as often as it is asked. */
  async function terminalUnit(index: number) {
    const { feederId, limitKw } = limits[index]!;
    const logins = JSON.parse(readFileSync(join(dir, 'fleet-credentials.json'), 'utf8'));
    const bus = mqttBus(of('broker').url, testDeps());
    const client = await bus.connect({ clientId: `test-${feederId}`, ...logins[feederId] });
    clients.push(client);
    const topic = `grid/v1/${dsoId()}/${feederId}/telemetry`;
    const overload = () => client.publish(topic, JSON.stringify(reading(feederId, limitKw * 1.02)));
    return { feederId, overload };
  }
  const dsoId = () => /FLEXDER_BAP_SUBSCRIBER_ID=(.*)/.exec(readFileSync(join(dir, 'bap.env'), 'utf8'))![1]!;
  const overloads = async () => (await getJson(`${of('bap').url}/api/v1/snapshot`)).body.overloads as Overload[];
  const boughtOn = async (feederId: string) => {
    const all = await askUntil(overloads, (each) =>
      each.some((one) => one.feederId === feederId && one.committedKw > 0),
    );
    return all.filter((one) => one.feederId === feederId);
  };

  it('shows at the DSO what the edge reads of its feeders', async () => {
    const { body } = await askUntil(
      () => getJson(`${of('bap').url}/api/v1/snapshot`),
      ({ body }) => (body.feeders as { powerKw: number | null }[]).every(({ powerKw }) => powerKw !== null),
    );
    expect(body.feeders).to.have.lengthOf(3);
    for (const name of ['bap', 'monitor'])
      expect((await getJson(`${of(name).health}/health/ready`)).status, name).to.equal(200);
    expect(await metricOf(of('bap'), 'bap_overloads_detected_total')).to.equal(0);
  });

  it('an overload on the device bus is found at the edge and relief is bought by the DSO', async () => {
    const unit = await terminalUnit(0);
    await unit.overload();
    const [overload, ...more] = await boughtOn(unit.feederId);
    expect(more).to.deep.equal([]);
    expect(overload!.orders).to.be.above(0);
    expect(await metricOf(of('monitor'), 'bap_overloads_detected_total')).to.be.above(0);
  });

  it('what the edge finds while Kafka is away waits and is bought once when it is back', async () => {
    const { port, folder } = kafka;
    const foundBefore = await metricOf(of('monitor'), 'bap_overloads_detected_total');
    await kafka.kill();
    const { feederId, overload } = await terminalUnit(1);
    await askUntil(
      async () => {
        await overload();
        return metricOf(of('monitor'), 'bap_overloads_detected_total');
      },
      (found) => found > foundBefore,
    );
    await askUntil(
      () => metricOf(of('monitor'), 'outbox_failures'),
      (failures) => failures > 0,
    );
    expect((await overloads()).filter((one) => one.feederId === feederId)).to.deep.equal([]);
    const { status, body } = await getJson(`${of('monitor').health}/health/ready`);
    expect(status).to.equal(200);
    expect(body)
      .to.have.nested.property('dependencies.uplink.detail')
      .that.matches(/^down: /);
    kafka = await startKafka({ port, folder });
    expect(await boughtOn(feederId)).to.have.lengthOf(1);
  });

  it('telemetry comes over the event stream as well', async () => {
    const { feederId, limitKw } = limits[2]!;
    const event = () => ({ topic: 'feeder-telemetry', key: feederId, value: reading(feederId, limitKw * 1.02) });
    // Until the subscription of the edge stands again, after Kafka was away.
    await askUntil(
      async () => {
        await stream.publish([event()]);
        return overloads();
      },
      (each) => each.some((one) => one.feederId === feederId),
    );
    const [overload] = await boughtOn(feederId);
    const { records } = (await getJson(`${of('bap').url}/api/v1/audit?event_id=${overload!.eventId}`)).body as {
      records: AuditRecord[];
    };
    const detected = records.find(({ event_type }) => event_type === 'overload.detected');
    expect(detected?.data_sources?.[0]?.url_or_fixture).to.equal('stream:feeder-telemetry');
  });

  it('sealed records of all participants are on the stream, and those of the DSO are its chain', async () => {
    const chain: AuditRecord[] = [];
    const actors = new Set<string>();
    const end = await stream.subscribe(
      'audit',
      ({ value }) => {
        const record = value as AuditRecord;
        actors.add(record.actor_id);
        if (record.actor_id === dsoId()) chain.push(record);
      },
      { group: 'test' },
    );
    const detected = () => chain.filter(({ event_type }) => event_type === 'overload.detected').length;
    await askUntil(
      async () => [detected(), actors.size] as const,
      ([found, names]) => found >= 3 && names >= 3,
    );
    await end();
    const once = [...new Map(chain.map((record) => [record.seq, record])).values()].sort((a, b) => a.seq - b.seq);
    const whole = once.filter(({ seq }, i) => seq === i + 1);
    expect(whole.length).to.be.above(10);
    expect(verifyChain(whole)).to.deep.include({ valid: true });
  });

  it('on SIGTERM each ends by itself with 0', async () => {
    const ended = await Promise.all(
      [...running.values()].map(async (one) => ({ name: one.name, code: await stopProcess(one) })),
    );
    expect(ended.filter(({ code }) => code !== 0)).to.deep.equal([]);
    expect(ended).to.have.lengthOf(7);
  });
});
