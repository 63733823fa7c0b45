import type { AnomalyChanged } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import type { BapConfigInput } from '../../config.ts';
import { aggregator } from '../../testing/aggregator.ts';
import { openTestDatabase, type TestDatabase } from '../../testing/test-database.ts';
import { Trade } from '../../testing/trade.ts';
import { type ForecastTables, lastReadings } from '../forecaster/forecast-store.ts';
import { anomalyMessage } from '../messages.ts';
import { RemoteMonitor } from '../remote.ts';
import { feederViews } from '../view.ts';

const rating = { season: 'all', from: '01-01', to: '12-31' };
const FEEDER = { feederId: 'feeder-1', name: 'One', limitKw: 1_000 };
/** Two transformers of 600 kW on a feeder that is run to their sum. */
const TWO_TRANSFORMERS = { ...FEEDER, ratings: [{ ...rating, normalKw: 1_000, firmKw: 600, limitKw: 1_000 }] };

function sample(trade: Trade, powerKw: number, more: Record<string, unknown> = {}): void {
  const { feeder_id: feederId = 'feeder-1' } = more;
  const body = {
    ...{ v: 1, feeder_id: feederId, ts: new Date(trade.grid.nowMs()).toISOString(), seq: 1, power_kw: powerKw },
    ...{ current_a: 1, voltage_kv: 11, quality: 'GOOD', ...more },
  };
  const payload = new TextEncoder().encode(JSON.stringify(body));
  trade.monitor.receive({ topic: `grid/v1/dso-1/${feederId}/telemetry`, payload });
}

describe('anomalies of a feeder on the way to a person', () => {
  let db: TestDatabase;
  let trade: Trade;
  before(async () => {
    db = await openTestDatabase();
  });
  afterEach(() => trade.close());
  after(() => db.close());

  const open = async (changes: Partial<BapConfigInput> = {}) => {
    trade = await Trade.open(db.database, { a: aggregator('a') }, changes);
  };
  const alarms = () => trade.auditsOf('alarm.raised').map(({ code }) => code);
  const shown = () =>
    feederViews(trade.desk.context, trade.monitor, trade.events)[0]!.anomalies!.map(({ kind }) => kind);
  const pass = (minutes: number) => trade.grid.advanceTo(trade.grid.nowMs() + minutes * 60_000);

  it('a steep rise is an alarm with rule, inputs and source, and buys nothing', async () => {
    await open();
    await trade.step(1, 500);
    await trade.step(1, 700);
    const [record] = trade.auditsOf('alarm.raised');
    expect(record).to.deep.include({
      ...{ code: 'rate-of-rise', feeder_id: 'feeder-1', rule_id: 'rate-of-rise', rule_version: '1' },
      decision: 'feeder-1 rose by 200 kW within 5 minutes',
    });
    expect(record!.rule_inputs).to.include({ from_kw: 500, rise_kw: 200, threshold_kw: 150 });
    expect((record!.data_sources as object[])[0]).to.include({ url_or_fixture: 'grid/v1/dso-1/feeder-1/telemetry' });
    expect(trade.streamed.map(({ type, kind }) => [type, kind])).to.deep.equal([['alarm.raised', 'rate-of-rise']]);
    expect(trade.sent).to.have.length(0);
    expect(await trade.overloads()).to.have.length(0);
    expect(shown()).to.deep.equal(['rate-of-rise']);
  });

  it('a gentle rise is none', async () => {
    await open();
    for (const kw of [500, 540, 600, 640]) await trade.step(4, kw);
    expect(alarms()).to.deep.equal([]);
  });

  it('it is cleared with a record when it was absent for ten minutes', async () => {
    await open();
    await trade.step(1, 500);
    await trade.step(1, 700);
    for (let minute = 0; minute < 20; minute++) await trade.step(1, 700 + minute / 10);
    expect(trade.auditsOf('anomaly.cleared')).to.have.length(1);
    expect(trade.auditsOf('anomaly.cleared')[0]).to.deep.include({ code: 'rate-of-rise', rule_id: 'rate-of-rise' });
    expect(shown()).to.deep.equal([]);
    expect(alarms()).to.deep.equal(['rate-of-rise']);
  });

  it('an impossible value is not used: no event, no reading, an alarm; the next good one is', async () => {
    await open();
    await trade.step(1, 700);
    await trade.step(1, 50_000);
    expect(alarms()).to.deep.equal(['value-impossible']);
    expect(await trade.overloads()).to.have.length(0);
    expect(trade.monitor.feeder('feeder-1')!.sample!.powerKw).to.equal(700);
    expect(trade.metrics.total('bap_telemetry_refused_total', { reason: 'impossible' })).to.equal(1);
    await trade.step(1, 702);
    expect(trade.monitor.feeder('feeder-1')!.sample!.powerKw).to.equal(702);
  });

  it('watts for kilowatts are told apart from an overload', async () => {
    await open();
    await trade.step(1, 700);
    await trade.step(1, 702_000);
    expect(alarms()).to.deep.equal(['unit-confused']);
    expect(await trade.overloads()).to.have.length(0);
  });

  it('a feeder that falls silent is found without a sample, once, and one that is read is not', async () => {
    const feeders = [FEEDER, { ...FEEDER, feederId: 'feeder-2', name: 'Two' }];
    await open({ feeders });
    const silence = trade.monitor.watchSilence();
    for (let minute = 0; minute < 12; minute++) {
      await pass(1);
      if (minute < 3) sample(trade, 500 + minute);
      sample(trade, 500 + minute, { feeder_id: 'feeder-2' });
      await trade.settle();
    }
    expect(trade.auditsOf('alarm.raised').map(({ code, feeder_id }) => [code, feeder_id])).to.deep.equal([
      ['data-missing', 'feeder-1'],
    ]);
    await silence.close();
  });

  it('a feeder that was never read is missed after the bound of all, and one that began to speak in time is not', async () => {
    await open({ feeders: [FEEDER, { ...FEEDER, feederId: 'feeder-2', name: 'Two' }] });
    const silence = trade.monitor.watchSilence();
    for (let minute = 1; minute <= 12; minute++) {
      await pass(1);
      if (minute >= 4) sample(trade, 500 + minute, { feeder_id: 'feeder-2' });
      await trade.settle();
      if (minute === 5) expect(alarms(), 'within the bound').to.deep.equal([]);
    }
    const [record, ...more] = trade.auditsOf('alarm.raised');
    expect(more).to.deep.equal([]);
    expect(record).to.include({ code: 'data-missing', feeder_id: 'feeder-1' });
    expect(record!.decision).to.contain('has never been read');
    expect(record!.rule_inputs).to.deep.include({ last_read_at: null, allowed_minutes: 5 });
    for (let minute = 0; minute < 13; minute++) {
      await pass(1);
      for (const feeder_id of ['feeder-1', 'feeder-2']) sample(trade, 400 + minute, { feeder_id });
      await trade.settle();
    }
    expect(trade.auditsOf('anomaly.cleared').map(({ code, feeder_id }) => [code, feeder_id])).to.deep.equal([
      ['data-missing', 'feeder-1'],
    ]);
    await silence.close();
  });

  it('one that another process reads is not silent', async () => {
    await open();
    const read = (atMs: number) =>
      db.database
        .insertInto('feeder_reading')
        .values({ feeder_id: 'feeder-1', read_at: new Date(atMs), power_kw: 500, quality: 'GOOD' })
        .execute();
    const silence = trade.monitor.watchSilence((ids) =>
      lastReadings(db.database as unknown as Kysely<ForecastTables>, ids, 0),
    );
    sample(trade, 500);
    for (let minute = 0; minute < 15; minute++) {
      await pass(1);
      if (minute < 8) await read(trade.grid.nowMs());
      await trade.settle();
      if (minute === 11) expect(alarms()).to.deep.equal([]);
    }
    expect(alarms(), 'when nobody does any more').to.deep.equal(['data-missing']);
    await silence.close();
  });

  it('N-1: a transformer that is out lowers the limit, and a load above what is left buys relief by that rule', async () => {
    await open({ feeders: [TWO_TRANSFORMERS] });
    await pass(1);
    sample(trade, 560, { transformers_out: ['t1'] });
    await trade.settle();
    expect(trade.monitor.feeder('feeder-1')).to.include({ limitKw: 600, releaseKw: 570, intactKw: 1_000 });
    expect(alarms()).to.deep.equal(['transformer-out']);
    await pass(1);
    sample(trade, 620, { transformers_out: ['t1'] });
    await trade.settle();
    const [event] = await trade.overloads();
    expect(event).to.include({ rule_id: 'overload-n-1', limit_kw: 600, release_kw: 570 });
    expect(event!.rule_inputs).to.include({ transformers_out: 't1', intact_limit_kw: 1_000 });
    expect(trade.actions('search')).to.have.length(1);
  });

  it('the same load on the intact feeder is an alarm and no event', async () => {
    await open({ feeders: [TWO_TRANSFORMERS] });
    await trade.step(1, 560);
    await trade.step(1, 620);
    expect(alarms()).to.deep.equal(['above-firm']);
    expect(await trade.overloads()).to.have.length(0);
    expect(trade.monitor.feeder('feeder-1')).to.include({ limitKw: 1_000 });
  });

  it('the lowered limit stays for ten minutes after the transformer is back, and not longer', async () => {
    await open({ feeders: [TWO_TRANSFORMERS] });
    await pass(1);
    sample(trade, 500, { transformers_out: ['t1'] });
    const limits: number[] = [];
    for (let minute = 1; minute <= 12; minute++) {
      await trade.step(1, 500 + minute);
      limits.push(trade.monitor.feeder('feeder-1')!.limitKw);
    }
    expect(limits).to.deep.equal([...Array.from({ length: 10 }, () => 600), 1_000, 1_000]);
  });

  it('feeders of one substation that collapse together are told as one fault above them', async () => {
    const names = ['feeder-1', 'feeder-2', 'feeder-3'];
    await open({ feeders: names.map((feederId) => ({ ...FEEDER, feederId, substationId: 'primary-1' })) });
    for (const kws of [
      [500, 510, 520],
      [500, 20, 30],
    ]) {
      await pass(1);
      names.forEach((feeder_id, i) => {
        sample(trade, kws[i]!, { feeder_id });
      });
      await trade.settle();
    }
    const together = trade.auditsOf('alarm.raised').filter(({ code }) => code === 'several-feeders');
    expect(together).to.have.length(1);
    expect(together[0]!.rule_inputs).to.include({ substation_id: 'primary-1', failing: 2, of: 3 });
    const views = feederViews(trade.desk.context, trade.monitor, trade.events);
    const shared = views.map(({ anomalies }) => anomalies!.find(({ kind }) => kind === 'several-feeders'));
    for (const one of shared)
      expect(one).to.include({ substationId: 'primary-1', ruleId: 'several-feeders', source: null });
  });

  it('an anomaly of the edge is the same alarm at the DSO, once, with the same record', async () => {
    await open();
    const remote = new RemoteMonitor(trade.desk.context, trade.config, { add: () => {} });
    remote.listen(trade.events);
    const messages: AnomalyChanged[] = [];
    trade.monitor.listen({
      ...{ onSample: () => {}, onFinding: async () => {} },
      onAnomaly: async (change) => void messages.push(anomalyMessage('edge-1', `anomaly-${messages.length}`, change)),
    });
    await trade.step(1, 500);
    await trade.step(1, 700);
    expect(messages).to.have.length(1);
    await remote.anomaly(messages[0]!);
    await remote.anomaly(messages[0]!);
    await remote.anomaly({ ...messages[0]!, anomaly_id: 'other', rule_version: '99' });
    expect(alarms()).to.deep.equal(['rate-of-rise']);
    const [record] = trade.auditsOf('alarm.raised');
    expect(record).to.include({ rule_id: 'rate-of-rise', feeder_id: 'feeder-1' });
    expect(record!.rule_inputs).to.include({ rise_kw: 200 });
    expect((record!.data_sources as object[])[0]).to.include({ url_or_fixture: 'grid/v1/dso-1/feeder-1/telemetry' });
    expect([...remote.feeder('feeder-1')!.anomalies.keys()]).to.deep.equal(['rate-of-rise']);
    const [seen] = [trade.monitor, remote].map(
      (monitor) => feederViews(trade.desk.context, monitor, trade.events)[0]!.anomalies,
    );
    expect(seen![0]!.source).to.include({ topic: 'grid/v1/dso-1/feeder-1/telemetry' });
    expect(feederViews(trade.desk.context, remote, trade.events)[0]!.anomalies).to.deep.equal(seen);
    await remote.anomaly({ ...messages[0]!, anomaly_id: 'of the process that took over', monitor_id: 'edge-2' });
    await remote.anomaly({ ...messages[0]!, anomaly_id: 'end', change: 'cleared' });
    await remote.anomaly({ ...messages[0]!, anomaly_id: 'its end', change: 'cleared', monitor_id: 'edge-2' });
    expect([...remote.feeder('feeder-1')!.anomalies.keys()]).to.deep.equal([]);
    expect(trade.auditsOf('anomaly.cleared')).to.have.length(1);
    const outcome = (name: string) => trade.metrics.total('bap_remote_anomalies_total', { outcome: name });
    expect([outcome('raised'), outcome('repeated'), outcome('refused'), outcome('cleared')]).to.deep.equal([
      1, 3, 1, 1,
    ]);
  });

  it('an alarm that could not be recorded is raised again by the next sample that shows it', async () => {
    await open();
    await trade.step(1, 500);
    trade.broken = new Error('away');
    await trade.step(1, 10);
    trade.broken = undefined;
    expect(alarms()).to.deep.equal([]);
    await trade.step(1, 11);
    expect(alarms()).to.deep.equal(['load-collapse']);
  });
});
