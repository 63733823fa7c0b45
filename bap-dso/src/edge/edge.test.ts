import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { type Context, type Service, systemIds } from '@flexder/runtime/context.ts';
import { memoryEvents } from '@flexder/runtime/engines/events/memory.ts';
import type { EventStream, StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import { type OpenEngines, openEngines } from '@flexder/runtime/engines/open.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import type { OverloadDetected } from '@flexder/schemas/types.ts';
import { validateStream } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { ConfigError } from '../config.ts';
import { START_MS } from '../testing/offers.ts';
import { edgeConfig, edgeConfigFromEnv } from './config.ts';
import { startMonitor } from './main.ts';

const FEEDERS = [{ feederId: 'feeder-1', name: 'High Street', limitKw: 1_000 }];
const log = createLogger('test', 'silent');

describe('grid monitoring at the edge', () => {
  const root = mkdtempSync(join(tmpdir(), 'flexder-edge-'));
  let engines: OpenEngines;
  let stream: EventStream;
  let away: boolean;
  let grid: SteppedGridClock;
  let service: Service;
  let context: Context;
  let monitors = 0;
  const sent: StreamEvent[] = [];
  before(async () => {
    const urls = { databaseUrl: 'pglite:memory', queueUrl: 'pglite:', mqttUrl: 'mqtt://127.0.0.1:1' };
    const wall = systemWallClock();
    engines = await openEngines(
      { ...urls, eventsUrl: 'memory:', archiveUrl: `file:${root}` },
      { wall, log, activity: new Activity() },
    );
  });
  after(async () => {
    await engines.close();
    rmSync(root, { recursive: true, force: true });
  });

  beforeEach(async () => {
    sent.length = 0;
    away = false;
    grid = new SteppedGridClock(START_MS);
    stream = memoryEvents(log);
    await stream.subscribe('monitoring', (event) => void sent.push(event));
    const uplink: EventStream = {
      ...stream,
      publish: (events) => (away ? Promise.reject(new Error('away')) : stream.publish(events)),
    };
    context = {
      ...{
        wall: systemWallClock(),
        grid,
        ids: systemIds(),
        log,
        metrics: createMetrics('test'),
        activity: new Activity(),
      },
      http: undefined as never,
      engines: { ...engines, events: uplink },
    };
    const config = { monitorId: `edge-${++monitors}`, dsoId: 'dso-1', feeders: FEEDERS, telemetry: 'stream' as const };
    service = await startMonitor(context, edgeConfig(config));
    await new Promise((resolve) => setImmediate(resolve));
  });
  afterEach(async () => {
    await service.close();
    await stream.close();
  });

  const reading = async (powerKw: number, changes: Record<string, unknown> = {}) => {
    const ts = new Date(grid.nowMs()).toISOString();
    const facts = { v: 1, feeder_id: 'feeder-1', ts, seq: 1, power_kw: powerKw, current_a: 1, voltage_kv: 11 };
    const value = { ...facts, quality: 'GOOD', ...changes };
    await stream.publish([{ topic: 'feeder-telemetry', key: 'feeder-1', value }]);
    await settled();
  };
  const settled = async () => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const step = async (seconds: number, powerKw: number) => {
    await grid.advanceTo(grid.nowMs() + seconds * 1_000);
    await reading(powerKw);
  };
  const findings = () =>
    sent.map(({ value }) => value as OverloadDetected).filter(({ type }) => type === 'overload.detected');
  const until = async (so: () => boolean) => {
    while (!so()) await settled();
  };
  const change = (state: string, windowMinutes = 60) => {
    const windowStartMs = grid.nowMs();
    const value = { type: 'overload.changed', feederId: 'feeder-1', state, windowStartMs };
    const windowEndMs = windowStartMs + windowMinutes * 60_000;
    return stream.publish([{ topic: 'bap', key: 'feeder-1', value: { ...value, windowEndMs } }]);
  };

  it('tells of what it reads and finds, each after its schema', async () => {
    await reading(700);
    await step(60, 1_020);
    await until(() => findings().length > 0);
    const types = sent.map(({ value }) => (value as { type: string }).type).sort();
    expect(types).to.deep.equal(['feeder.reading', 'feeder.reading', 'overload.detected']);
    for (const { key, value } of sent) {
      expect(key).to.equal('feeder-1');
      const kind = (value as { type: string }).type.replace('.', '-') as 'feeder-reading';
      expect(validateStream(kind, JSON.parse(JSON.stringify(value)))).to.deep.equal({ valid: true });
    }
    expect(findings()[0]).to.have.nested.property('source.topic', 'stream:feeder-telemetry');
    expect(findings()[0]!.recent.map(({ power_kw }) => power_kw)).to.deep.equal([700]);
  });

  it('tells of anomalies too, after their schema', async () => {
    await reading(500);
    await step(60, 700);
    const anomalies = () => sent.filter(({ value }) => (value as { type: string }).type === 'anomaly.changed');
    await until(() => anomalies().length > 0);
    const [{ key, value }] = anomalies() as [StreamEvent];
    expect(key).to.equal('feeder-1');
    expect(value).to.include({ change: 'raised', kind: 'rate-of-rise', rule_id: 'rate-of-rise', rule_version: '1' });
    expect(validateStream('anomaly-changed', JSON.parse(JSON.stringify(value)))).to.deep.equal({ valid: true });
    expect(findings()).to.deep.equal([]);
  });

  it('drops readings that are not to be used, by name', async () => {
    await reading(700);
    await reading(700);
    await reading(700, { ts: new Date(grid.nowMs() - 1_000).toISOString() });
    await reading(700, { ts: new Date(grid.nowMs() + 60_001).toISOString() });
    await reading(1_500, { quality: 'BAD', ts: new Date(grid.nowMs() + 1_000).toISOString() });
    const refused = ['duplicate', 'out-of-order', 'future', 'bad-quality'].map((reason) =>
      context.metrics.total('bap_telemetry_refused_total', { reason }),
    );
    expect(refused).to.deep.equal([1, 1, 1, 1]);
    expect(context.metrics.total('bap_telemetry_samples_total')).to.equal(1);
    expect(findings()).to.deep.equal([]);
  });

  it('goes on finding while its uplink is down, and tells of it all when that is back', async () => {
    away = true;
    await reading(1_020);
    await step(60, 1_030);
    await step(60, 1_040);
    await step(60, 1_050);
    expect(context.metrics.total('bap_overloads_detected_total')).to.equal(2);
    expect(sent).to.deep.equal([]);
    expect((await service.health()).ready).to.equal(true);
    away = false;
    await until(() => findings().length === 2);
    const [first, second] = findings();
    // Nobody was heard of the first for two minutes.
    expect(Date.parse(second!.sample.at) - Date.parse(first!.sample.at)).to.equal(180_000);
    expect(first!.event_id).to.not.equal(second!.event_id);
    expect(context.metrics.total('monitor_readings_unpublished_total')).to.equal(4);
  });

  it('repeats nothing that the DSO has taken up, until its event ends', async () => {
    await reading(1_020);
    await until(() => findings().length === 1);
    await change('BUYING');
    for (let i = 0; i < 5; i++) await step(300, 1_020);
    expect(findings()).to.have.length(1);
    await change('RELEASED');
    await step(60, 1_020);
    await until(() => findings().length === 2);
  });

  it('waits no longer for a release than the window lasts and some minutes', async () => {
    await reading(1_020);
    await change('BUYING', 30);
    await step(34 * 60, 1_020);
    expect(findings()).to.have.length(1);
    await step(60, 1_020);
    await step(60, 1_020);
    await until(() => findings().length === 2);
  });

  it('has a configuration of its own, with every problem at once', () => {
    const env = {
      FLEXDER_MONITOR_ID: 'edge-1',
      FLEXDER_MONITOR_DSO_ID: 'dso-1',
      FLEXDER_MONITOR_FEEDERS: JSON.stringify(FEEDERS),
      FLEXDER_MONITOR_MQTT_USERNAME: 'dso',
      FLEXDER_MONITOR_MQTT_PASSWORD: 'secret',
    };
    expect(edgeConfigFromEnv(env)).to.deep.include({ group: 'monitor.edge-1', telemetry: 'mqtt' });
    const problems = (changes: Record<string, string | undefined>) => {
      try {
        edgeConfigFromEnv({ ...env, ...changes });
      } catch (error) {
        return error instanceof ConfigError ? error.problems : [String(error)];
      }
      return [];
    };
    const withoutBus = { FLEXDER_MONITOR_MQTT_USERNAME: undefined, FLEXDER_MONITOR_MQTT_PASSWORD: undefined };
    expect(problems({ ...withoutBus, FLEXDER_MONITOR_TELEMETRY: 'stream' })).to.deep.equal([]);
    const wrong = problems({ ...withoutBus, FLEXDER_MONITOR_ID: 'a b', FLEXDER_MONITOR_FEEDERS: '[' });
    for (const part of ['monitorId', 'FLEXDER_MONITOR_FEEDERS', 'feeders', 'busCredentials.username'])
      expect(
        wrong.some((problem) => problem.includes(part)),
        part,
      ).to.equal(true);
  });
});
