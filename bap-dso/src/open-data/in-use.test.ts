import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { overloadViews } from '../operator-api/events/overloads.ts';
import { aggregator } from '../testing/aggregator.ts';
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { Trade } from '../testing/trade.ts';
import { DATASETS } from './datasets/all.ts';
import { marketIndex, systemPrices } from './datasets/elexon.ts';
import { liveFaults } from './datasets/ukpn.ts';
import { HeldData } from './held.ts';
import { viewOf } from './open.ts';
import * as replies from './testing/replies.ts';

describe('open data in use', () => {
  let db: TestDatabase;
  before(async () => {
    db = await openTestDatabase();
  });
  after(() => db.close());

  async function overloaded(held: HeldData | undefined) {
    const trade = await Trade.open(db.database, { a: aggregator('a') });
    if (held) Object.assign(trade.desk, { openData: viewOf(held, () => trade.wall.nowMs()) });
    trade.sample(1_020);
    await trade.settle();
    const [overload] = await overloadViews(db.database, { limit: 1, offset: 0 });
    await trade.close();
    return { trade, overload: overload! };
  }
  /** The record that a sealer would make of it. */
  const sealed = (entry: Record<string, unknown>) => ({
    seq: 0,
    ts_utc: '2026-01-15T16:00:00.000Z',
    actor_id: 'dso-1',
    actor_role: 'BAP',
    prev_hash: '0'.repeat(64),
    hash: '0'.repeat(64),
    ...entry,
  });

  it('an event keeps what was known, with quality and age, for operator and record', async () => {
    const retrievedAtMs = Date.parse('2026-01-15T15:50:00Z');
    const held = new HeldData(DATASETS, () => Date.parse('2026-01-15T16:00:00Z'));
    const from = { url: 'https://portal.example/x', retrievedAtMs, sha256: 'a'.repeat(64) };
    held.take(liveFaults, { ...from, rows: [liveFaults.row.parse(replies.FAULT)] });
    const price = { ...replies.SYSTEM_PRICE, startTime: '2026-01-15T15:00:00Z' };
    held.take(systemPrices, { ...from, rows: [systemPrices.row.parse(price)] });
    const old = { ...from, retrievedAtMs: retrievedAtMs - 6 * 3_600_000 };
    held.take(marketIndex, { ...old, rows: replies.MARKET_INDEX.map((row) => marketIndex.row.parse(row)) });

    const { trade, overload } = await overloaded(held);
    expect(overload.context!.faults).to.deep.include({ quality: 'fresh', ageMs: 600_000 });
    expect(overload.context!.marketIndex.quality).to.equal('stale');
    expect(overload.context!.carbon).to.deep.equal({ quality: 'missing', ageMs: null, value: null });

    const [record] = trade.auditsOf('event.context');
    expect(record!.rule_inputs).to.include({
      faults_open: 1,
      faults_near: 0,
      faults_age_s: 600,
      system_price_gbp_per_mwh: 91.5,
      market_index_quality: 'stale',
      carbon_quality: 'missing',
      carbon_gco2_per_kwh: null,
    });
    const sources = record!.data_sources as { id: string; live: boolean; sha256: string }[];
    expect(sources.map(({ id, live }) => [id, live])).to.deep.equal([
      ['ukpn-live-faults', true],
      ['elexon-system-prices', true],
      ['elexon-market-index', false],
    ]);
    expect(validateRecord('audit-record', sealed(record!))).to.deep.equal({ valid: true });

    const [plan] = trade.auditsOf('plan.chosen');
    expect(plan!.rule_inputs).to.include({ system_price_gbp_per_mwh: 91.5, system_price_quality: 'fresh' });
    expect(plan!.data_sources).to.have.length(2);
    expect(validateRecord('audit-record', sealed(plan!))).to.deep.equal({ valid: true });
  });

  it('with nothing ever read the event goes on and says so; off, it says nothing', async () => {
    const { trade, overload } = await overloaded(new HeldData(DATASETS, () => 0));
    expect(overload.context!.systemPrice).to.deep.equal({ quality: 'missing', ageMs: null, value: null });
    expect(overload.committedKw).to.be.above(0);
    expect(trade.auditsOf('event.context')[0]!.data_sources).to.deep.equal([]);
    const off = await overloaded(undefined);
    expect(off.overload.context).to.equal(null);
    expect(off.trade.auditsOf('event.context')).to.deep.equal([]);
    expect(off.trade.auditsOf('plan.chosen')[0]).to.not.have.property('data_sources');
  });
});
