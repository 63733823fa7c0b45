import { expect } from 'chai';
import type { Context } from '../context.ts';
import { systemIds } from '../context.ts';
import { openPglite, type PgliteDatabase } from '../engines/database/pglite.ts';
import { type EventStream, type StreamEvent, UnpublishableError } from '../engines/events/port.ts';
import { createMetrics } from '../metrics.ts';
import { testDeps } from '../testing/quiet.ts';
import { openRecorder, type Recorder } from './recorder.ts';

/** A stream that can be away. */
function fakeStream() {
  const published: unknown[] = [];
  const state = { away: false, calls: 0 };
  const publish = async (events: readonly StreamEvent[]) => {
    state.calls++;
    if (state.away) throw new Error('away');
    if (events.some(({ value }) => value === 'bad')) throw new UnpublishableError('against its schema');
    published.push(...events.map(({ value }) => value));
  };
  return { published, state, stream: { kind: 'memory', publish } as unknown as EventStream };
}

describe('recorder', () => {
  let pglite: PgliteDatabase;
  let opened: Recorder<unknown>[];
  let ids = 0;
  before(async () => {
    pglite = await openPglite({ location: 'memory', ...testDeps() });
  });
  after(() => pglite.close());
  beforeEach(() => {
    opened = [];
  });
  afterEach(async () => {
    for (const recorder of opened) await recorder.close();
  });

  const open = async (stream: EventStream, id = `edge-${++ids}`) => {
    const metrics = createMetrics('test');
    const context = {
      ...testDeps(),
      ids: systemIds(),
      metrics,
      engines: { database: pglite, events: stream },
    } as unknown as Context;
    const recorder = await openRecorder<unknown>({ context, id, migrations: {} });
    opened.push(recorder);
    return { recorder, metrics, id };
  };
  const emit = (recorder: Recorder<unknown>, ...values: unknown[]) =>
    recorder.transact(async (work) => {
      for (const value of values) work.emit({ topic: 'monitoring', key: 'feeder-1', value });
    });
  const until = async (so: () => boolean) => {
    while (!so()) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('publishes what was committed, and nothing that was not', async () => {
    const { stream, published } = fakeStream();
    const { recorder } = await open(stream);
    await emit(recorder, 1, 2);
    const failed = await recorder
      .transact(async (work) => {
        work.emit({ topic: 'monitoring', key: 'feeder-1', value: 3 });
        throw new Error('rolled back');
      })
      .catch((error) => error);
    expect(failed.message).to.equal('rolled back');
    await emit(recorder, 4);
    await until(() => published.length === 3);
    expect(published).to.deep.equal([1, 2, 4]);
  });

  it('keeps events while the stream is away, over a restart, in their order', async () => {
    const { stream, published, state } = fakeStream();
    state.away = true;
    const { recorder, id } = await open(stream);
    await emit(recorder, 1);
    await until(() => state.calls > 0);
    await emit(recorder, 2, 3);
    expect(recorder.oldestEventAgeMs()).to.be.at.least(0);
    await recorder.close();
    const again = await open(stream, id);
    await emit(again.recorder, 4);
    state.away = false;
    await until(() => published.length >= 4);
    expect(published).to.deep.equal([1, 2, 3, 4]);
    expect(again.recorder.oldestEventAgeMs()).to.equal(0);
  });

  it('an event that the stream never takes holds up no other', async () => {
    const { stream, published } = fakeStream();
    const { recorder, metrics } = await open(stream);
    await emit(recorder, 1, 'bad', 2);
    await until(() => published.length === 2);
    expect(published).to.deep.equal([1, 2]);
    expect(metrics.total('outbox_unpublishable_total', { topic: 'monitoring' })).to.equal(1);
    const rows = await recorder.database
      .selectFrom('outbox')
      .select(['failed_at', 'error'])
      .where('failed_at', 'is not', null)
      .execute();
    expect(rows.map(({ error }) => error)).to.deep.equal(['against its schema']);
  });
});
