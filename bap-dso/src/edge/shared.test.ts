import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { type Context, type Service, systemIds } from '@flexder/runtime/context.ts';
import { memoryEvents } from '@flexder/runtime/engines/events/memory.ts';
import type { EventHandler, EventStream, Share, StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import { type OpenEngines, openEngines } from '@flexder/runtime/engines/open.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import type { AnomalyChanged } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { START_MS } from '../testing/offers.ts';
import { edgeConfig } from './config.ts';
import { startMonitor } from './main.ts';

const FEEDERS = ['feeder-1', 'feeder-2'].map((feederId) => ({ feederId, name: feederId, limitKw: 1_000 }));
const log = createLogger('test', 'silent');
const urls = { databaseUrl: 'pglite:memory', queueUrl: 'pglite:', mqttUrl: 'mqtt://127.0.0.1:1', archiveUrl: 'file:.' };

interface Member {
  readonly handler: EventHandler;
  readonly onShare: ((share: Share) => void) | undefined;
}

/** A stream whose telemetry the test shares out among the members of a group, as a broker does. */
function sharedStream() {
  const stream = memoryEvents(log);
  const members: (Member | undefined)[] = [];
  let goesTo = (_key: string): number => 0;
  const events: EventStream = {
    ...stream,
    async publish(published) {
      for (const event of published.filter(({ topic }) => topic === 'feeder-telemetry')) {
        await members[goesTo(event.key)]?.handler(event);
      }
      await stream.publish(published.filter(({ topic }) => topic !== 'feeder-telemetry'));
    },
    async subscribe(topic, handler, options) {
      if (topic !== 'feeder-telemetry') return stream.subscribe(topic, handler, options);
      const i = members.push({ handler, onShare: options?.onShare }) - 1;
      return async () => {
        members[i] = undefined;
      };
    },
  };
  return {
    events,
    /** `told`: what the members are told, where their keys are placed otherwise than they come. */
    shareOut(route: (key: string) => number, told = route) {
      goesTo = route;
      for (const [i, member] of members.entries()) member?.onShare?.((key) => told(key) === i);
    },
  };
}

describe('monitors of different ids that share the telemetry of one group', () => {
  let engines: OpenEngines;
  let grid: SteppedGridClock;
  let stream: ReturnType<typeof sharedStream>;
  let told: StreamEvent[];
  let services: Service[];
  let ids = 0;
  let activity: Activity;
  before(async function () {
    thorough.call(this);
    const deps = { wall: systemWallClock(), log, activity: new Activity() };
    engines = await openEngines({ ...urls, eventsUrl: 'memory:' }, deps);
  });
  after(() => engines?.close());

  beforeEach(async () => {
    grid = new SteppedGridClock(START_MS);
    stream = sharedStream();
    told = [];
    activity = new Activity();
    await stream.events.subscribe('monitoring', (event) => void told.push(event));
    services = [await monitor(), await monitor()];
    await settled();
    stream.shareOut((key) => (key === 'feeder-1' ? 0 : 1));
  });
  afterEach(async () => {
    for (const service of services) await service.close();
    await stream.events.close();
  });

  const monitor = () => {
    const context = {
      ...{ wall: systemWallClock(), grid, ids: systemIds(), log, metrics: createMetrics('test'), activity },
      ...{ http: undefined as never, engines: { ...engines, events: stream.events } },
    } as Context;
    const names = { monitorId: `edge-${++ids}`, dsoId: 'dso-1', group: 'edges' };
    return startMonitor(context, edgeConfig({ ...names, feeders: FEEDERS, telemetry: 'stream' }));
  };
  const settled = async () => {
    await activity.idle();
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 2));
    await activity.idle();
  };
  const minutes = async (count: number, read: readonly string[]) => {
    for (let i = 0; i < count; i++) {
      await grid.advanceTo(grid.nowMs() + 60_000);
      for (const feeder_id of read) {
        const at = { ts: new Date(grid.nowMs()).toISOString(), seq: 1, power_kw: 500 + ((grid.nowMs() / 60_000) % 7) };
        const value = { v: 1, feeder_id, ...at, current_a: 1, voltage_kv: 11, quality: 'GOOD' };
        await stream.events.publish([{ topic: 'feeder-telemetry', key: feeder_id, value }]);
      }
      await settled();
    }
  };
  const changes = () =>
    told
      .map(({ value }) => value as AnomalyChanged)
      .filter(({ type, kind }) => type === 'anomaly.changed' && kind === 'data-missing')
      .map(({ change, feeder_id, monitor_id }) => [change, feeder_id, monitor_id]);
  const [BOTH, none] = [FEEDERS.map(({ feederId }) => feederId), [] as string[]];
  const name = (i: number) => `edge-${ids - 1 + i}`;

  it('none misses a feeder that another reads, nor one that went over to another', async () => {
    await minutes(12, BOTH);
    stream.shareOut((key) => (key === 'feeder-1' ? 1 : 0));
    await minutes(12, BOTH);
    expect(changes()).to.deep.equal([]);
  });

  it('whoever took a feeder over misses it when it falls silent, alone, and tells when it is back', async () => {
    await minutes(3, BOTH);
    stream.shareOut(() => 1);
    await minutes(3, BOTH);
    await minutes(9, ['feeder-2']);
    expect(changes()).to.deep.equal([['raised', 'feeder-1', name(1)]]);
    await minutes(13, BOTH);
    expect(changes().slice(1)).to.deep.include(['cleared', 'feeder-1', name(1)]);
  });

  it('a process that dies takes no feeder with it: who has its share misses what fell silent meanwhile', async () => {
    await minutes(3, BOTH);
    await services.shift()!.close();
    await minutes(1, ['feeder-2']);
    stream.shareOut(() => 1);
    await minutes(9, ['feeder-2']);
    expect(changes()).to.deep.equal([['raised', 'feeder-1', name(1)]]);
  });

  it('what one missed and another reads again is told as back by that one, whether the first lives or not', async () => {
    await minutes(2, BOTH);
    await minutes(8, ['feeder-2']);
    expect(changes()).to.deep.equal([['raised', 'feeder-1', name(0)]]);
    await services.shift()!.close();
    stream.shareOut(() => 1);
    await minutes(13, BOTH);
    expect(changes().slice(1)).to.deep.equal([['cleared', 'feeder-1', name(1)]]);
  });

  it('readings that come to another than the group says are missed by nobody, and by one when they end', async () => {
    stream.shareOut(
      () => 0,
      () => 1,
    );
    await minutes(12, BOTH);
    expect(changes()).to.deep.equal([]);
    await minutes(8, none);
    expect(changes()).to.have.deep.members(BOTH.map((feeder) => ['raised', feeder, name(1)]));
  });

  it('a feeder that was never read is missed by the one whose share it is', async () => {
    await minutes(4, ['feeder-2']);
    expect(changes()).to.deep.equal([]);
    await minutes(4, ['feeder-2']);
    expect(changes()).to.deep.equal([['raised', 'feeder-1', name(0)]]);
  });
});
