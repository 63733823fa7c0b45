import { engineLimits } from '@flexder/runtime/engines/limits.ts';
import { expect } from 'chai';
import { aggregator } from '../testing/aggregator.ts';
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { Trade } from '../testing/trade.ts';
import { ReadingWriter } from './telemetry/reading-writer.ts';
import { feederViews } from './view.ts';

describe('grid monitoring', () => {
  let db: TestDatabase;
  before(async () => {
    db = await openTestDatabase();
  });
  after(async () => db.close());

  it('counts what it refuses, and keeps the state of its feeders', async () => {
    const trade = await Trade.open(db.database, {});
    trade.sample(700);
    trade.sample(700);
    trade.sample(1, 'feeder-9');
    trade.monitor.receive({
      topic: 'grid/v1/dso-1/feeder-1/telemetry',
      payload: new Uint8Array(3_000),
    });
    const refused = (reason: string) => trade.metrics.total('bap_telemetry_refused_total', { reason });
    expect([refused('duplicate'), refused('unknown-feeder'), refused('too-large')]).to.deep.equal([1, 1, 1]);
    expect(trade.metrics.total('bap_telemetry_samples_total')).to.equal(1);
    const views = feederViews(trade.desk.context, trade.monitor, trade.events);
    expect(views).to.have.length(1);
    expect(views[0]).to.deep.include({
      feederId: 'feeder-1',
      powerKw: 700,
      limitKw: 1_000,
      releaseKw: 950,
      quality: 'GOOD',
      state: 'NORMAL',
    });
    expect(views[0]!.forecast).to.have.length(8);
    await trade.grid.advanceTo(trade.grid.nowMs() + 6 * 60_000);
    expect(feederViews(trade.desk.context, trade.monitor, trade.events)[0]!.quality).to.equal('STALE');
    await trade.close();
  });

  it('MQ-09: a feeder that floods is heard up to its share, another as ever', async () => {
    const feeders = ['feeder-1', 'feeder-2'].map((feederId) => ({ feederId, name: feederId, limitKw: 1_000 }));
    const trade = await Trade.open(db.database, {}, { feeders });
    const { busPublishBurst: burst, busPublishRate: rate } = engineLimits;
    const refused = (reason: string) => trade.metrics.total('bap_telemetry_refused_total', { reason });
    const flood = (times: number) => {
      const payload = new TextEncoder().encode('{');
      for (let i = 0; i < times; i++) trade.monitor.receive({ topic: 'grid/v1/dso-1/feeder-1/telemetry', payload });
    };
    flood(burst * 2);
    trade.sample(700);
    expect([refused('invalid-json'), refused('flood')]).to.deep.equal([burst, burst + 1]);
    trade.sample(700, 'feeder-2');
    expect(trade.metrics.total('bap_telemetry_samples_total')).to.equal(1);
    trade.wall.pass(2_000);
    trade.sample(700);
    expect(trade.metrics.total('bap_telemetry_samples_total'), 'once it has calmed down').to.equal(2);
    flood(rate * 2);
    expect(refused('invalid-json')).to.equal(burst + rate * 2 - 1);
    await trade.close();
  });

  it('shows a feeder with the state of its event', async () => {
    const trade = await Trade.open(db.database, { a: aggregator('a') });
    expect(feederViews(trade.desk.context, trade.monitor, trade.events)[0]).to.deep.include({
      powerKw: null,
      quality: 'NONE',
    });
    trade.sample(1_020);
    await trade.settle();
    expect(feederViews(trade.desk.context, trade.monitor, trade.events)[0]!.state).to.equal('DISPATCHED');
    await trade.close();
  });

  it('readings are written once, in batches, and a repeat does no harm', async () => {
    const trade = await Trade.open(db.database, {});
    const writer = new ReadingWriter(trade.desk.context, db.database);
    for (let i = 0; i < 5_000; i++) {
      writer.add({ feederId: 'feeder-1', atMs: trade.grid.nowMs() + i * 1_000, powerKw: i, quality: 'GOOD' });
    }
    writer.add({ feederId: 'feeder-1', atMs: trade.grid.nowMs(), powerKw: 9, quality: 'GOOD' });
    expect(trade.activity.describe()).to.equal('readings×1');
    await writer.flushed();
    const rows = await db.database.selectFrom('feeder_reading').select(['power_kw']).orderBy('read_at').execute();
    expect(rows).to.have.length(5_000);
    expect(rows[0]!.power_kw).to.equal(0);
    expect(trade.activity.inFlight).to.equal(0);
    await trade.close();
  });

  it('a database that is away drops readings, counted, and stops no detection', async () => {
    const trade = await Trade.open(db.database, {});
    const away = {
      insertInto: () => {
        throw new Error('away');
      },
    } as unknown as ConstructorParameters<typeof ReadingWriter>[1];
    const writer = new ReadingWriter(trade.desk.context, away);
    writer.add({ feederId: 'feeder-1', atMs: 1, powerKw: 1, quality: 'GOOD' });
    await writer.flushed();
    expect(trade.metrics.total('bap_readings_dropped_total')).to.equal(1);
    trade.sample(1_020);
    expect(trade.metrics.total('bap_overloads_detected_total', { by: 'measured' })).to.equal(1);
    await trade.close();
  });
});
