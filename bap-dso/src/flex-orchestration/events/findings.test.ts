import type { FeederReading, OverloadDetected } from '@flexder/schemas/types.ts';
import { validateRecord, validateStream } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { findingMessage, readingMessage } from '../../grid-monitoring/messages.ts';
import { RemoteMonitor } from '../../grid-monitoring/remote.ts';
import { aggregator } from '../../testing/aggregator.ts';
import { openTestDatabase, type TestDatabase } from '../../testing/test-database.ts';
import { Trade } from '../../testing/trade.ts';
import { takeFinding } from './findings.ts';

describe('findings of the edge', () => {
  let db: TestDatabase;
  let trade: Trade;
  let remote: RemoteMonitor;
  const messages: (FeederReading | OverloadDetected)[] = [];
  before(async () => {
    db = await openTestDatabase();
  });
  after(() => db.close());
  beforeEach(async () => {
    trade = await Trade.open(db.database, { a: aggregator('a') });
    remote = new RemoteMonitor(trade.desk.context, trade.config, { add: () => {} });
    // The edge's monitor, on the same clock.
    messages.length = 0;
    trade.monitor.listen({
      onSample: (feeder, received) => void messages.push(readingMessage('edge-1', feeder, received)),
      onFinding: async (feeder, finding, received) =>
        void messages.push(findingMessage('edge-1', feeder, finding, received)),
    });
  });
  afterEach(() => trade.close());

  const found = () => messages.find((message) => message.type === 'overload.detected') as OverloadDetected;
  const take = (message = found()) => takeFinding(trade.desk, trade.events, remote, message);
  const outcomes = async () =>
    (await db.database.selectFrom('finding').select('outcome').orderBy('event_id').execute()).map((row) => row.outcome);
  const counted = (outcome: string) => trade.metrics.total('bap_findings_total', { outcome });

  it('open an event under their own id, with what the edge saw before', async () => {
    trade.sample(980);
    await trade.grid.advanceTo(trade.grid.nowMs() + 60_000);
    trade.sample(1_020);
    await take();
    await trade.settle();
    const [overload, ...more] = await trade.overloads();
    expect(more).to.deep.equal([]);
    expect(overload).to.deep.include({
      event_id: found().event_id,
      detected_by: 'measured',
      rule_id: 'overload-measured',
      baseline_kw: 1_000,
      state: 'DISPATCHED',
    });
    const [record] = trade.auditsOf('overload.detected');
    expect(record).to.have.nested.property('data_sources[0].url_or_fixture', 'grid/v1/dso-1/feeder-1/telemetry');
    expect(await trade.orders()).to.have.length(1);
    expect(counted('acted-on')).to.equal(1);
    for (const entry of trade.audits) {
      const names = { ts_utc: '2026-01-15T17:00:00.000Z', actor_id: 'dso-1', actor_role: 'BAP' };
      const seals = { seq: 1, prev_hash: '0'.repeat(64), hash: '0'.repeat(64) };
      const verdict = validateRecord('audit-record', JSON.parse(JSON.stringify({ ...names, ...seals, ...entry })));
      expect(verdict, String(entry.event_type)).to.deep.equal({ valid: true });
    }
  });

  it('are acted on once, however often they come', async () => {
    trade.sample(1_020);
    await take();
    await trade.settle();
    await take();
    await take();
    await trade.settle();
    expect(await trade.overloads()).to.have.length(1);
    expect(trade.actions('search')).to.have.length(1);
    expect([counted('acted-on'), counted('repeated')]).to.deep.equal([1, 2]);
  });

  it('of a feeder with an open event buy nothing more', async () => {
    trade.sample(1_020);
    await take();
    await trade.settle();
    await take({ ...found(), event_id: 'event-other' });
    await take({ ...found(), event_id: 'event-other' });
    await trade.settle();
    expect(await trade.overloads()).to.have.length(1);
    expect(await outcomes()).to.deep.equal(['event-open']);
    expect([counted('event-open'), counted('repeated')]).to.deep.equal([1, 1]);
    expect(trade.auditsOf('finding.refused')).to.deep.equal([]);
  });

  it('that come late are marked and not acted on', async () => {
    trade.sample(1_020);
    await trade.grid.advanceTo(trade.grid.nowMs() + 301_000);
    await take();
    await trade.settle();
    expect(await trade.overloads()).to.deep.equal([]);
    expect(await outcomes()).to.deep.equal(['stale']);
    const [record] = trade.auditsOf('finding.refused');
    expect(record).to.deep.include({ code: 'stale', rule_id: 'finding-stale', counterparty_id: 'edge-1' });
    expect(record).to.deep.include({ rule_inputs: { age_seconds: 301, bound_seconds: 300, power_kw: 1_020 } });
  });

  it('just within the bound are acted on', async () => {
    trade.sample(1_020);
    await trade.grid.advanceTo(trade.grid.nowMs() + 300_000);
    await take();
    await trade.settle();
    expect(await trade.overloads()).to.have.length(1);
  });

  it('of strangers, of the future and by unknown rules are marked and not acted on', async () => {
    trade.sample(1_020);
    const future = { ...found().sample, at: new Date(trade.grid.nowMs() + 60_001).toISOString() };
    await take({ ...found(), event_id: 'event-a', feeder_id: 'feeder-9' });
    await take({ ...found(), event_id: 'event-b', sample: future });
    await take({ ...found(), event_id: 'event-c', rule_version: '99' });
    expect(await outcomes()).to.deep.equal(['unknown-feeder', 'future', 'unknown-rule']);
    expect(await trade.overloads()).to.deep.equal([]);
  });

  it('are handed in again when the database fails', async () => {
    trade.sample(1_020);
    trade.broken = new Error('away');
    const error = await take().catch((reason) => reason);
    expect(error.message).to.equal('away');
    trade.broken = undefined;
    await take();
    await trade.settle();
    expect(await trade.overloads()).to.have.length(1);
  });

  it('and readings follow their schemas, and are shown as if they were measured here', async () => {
    trade.sample(700);
    await trade.grid.advanceTo(trade.grid.nowMs() + 60_000);
    trade.sample(1_020);
    const kinds = messages.map(({ type }) => type.replace('.', '-') as 'feeder-reading');
    expect(kinds).to.include.members(['feeder-reading', 'overload-detected']);
    messages.forEach((message, i) => {
      expect(validateStream(kinds[i]!, JSON.parse(JSON.stringify(message))), kinds[i]).to.deep.equal({ valid: true });
    });
    const readings = messages.filter((message) => message.type === 'feeder.reading');
    for (const reading of [...readings, readings[0]!, readings.at(-1)!]) remote.reading(reading as FeederReading);
    remote.reading({ ...readings[0], feeder_id: 'feeder-9' } as FeederReading);
    const refused = (reason: string) => trade.metrics.total('bap_telemetry_refused_total', { reason });
    expect([refused('out-of-order'), refused('duplicate'), refused('unknown-feeder')]).to.deep.equal([1, 1, 1]);
    const [here, there] = [trade.monitor.feeder('feeder-1')!, remote.feeder('feeder-1')!];
    expect(there.sample).to.deep.equal(here.sample);
    expect(there.forecast).to.deep.equal(here.forecast);
    expect([there.level, there.limitKw, there.releaseKw]).to.deep.equal(['TRIMMED', 1_000, 950]);
  });
});
