import { expect } from 'chai';
import { type Opened, opened } from '../fixtures/opened.ts';
import { impactOf } from './impact.ts';

const LIMITS = new Map([['feeder-1', 600]]);

describe('impact', () => {
  let dso: Opened;
  before(async () => {
    dso = await opened();
  });
  beforeEach(() => dso.reset());
  after(() => dso.close());

  /** A load in each quarter of an hour. */
  async function loads(feeder_id: string, from: string, kw: readonly number[]): Promise<void> {
    const rows = kw.map((power_kw, i) => ({
      ...{ feeder_id, power_kw, quality: 'GOOD' as const },
      read_at: new Date(Date.parse(from) + i * 900_000),
    }));
    await dso.db.insertInto('feeder_reading').values(rows).execute();
  }
  let meters = 0;
  async function settled(
    feeder: string,
    start: string,
    deliveredMwh: string,
    paidGbp: string,
    revision = 1,
    obp = 'obp-1',
  ) {
    const row = {
      ...{ feeder_id: feeder, sp_start_utc: start, delivered_mwh: deliveredMwh, utilisation_payment_gbp: paidGbp },
    };
    await dso.db
      .insertInto('settlement_row')
      .values({
        ...{ obp_id: obp, import_msid: String(1_900_000_000_000 + meters++), settlement_date: start.slice(0, 10) },
        ...{ settlement_period: 35, revision, row: JSON.stringify(row) },
      })
      .execute();
  }

  it('adds to each half hour what was delivered in it, by the newest revision', async () => {
    // 17:00 to 17:30: 580 kW; 17:30 to 18:00: 590 kW. Delivered: 0.02 MWh in half an hour are 40 kW.
    await loads('feeder-1', '2026-01-15T17:00:00Z', [570, 590, 585, 595]);
    await settled('feeder-1', '2026-01-15T17:30:00.000Z', '9.000000', '999.00', 1);
    await settled('feeder-1', '2026-01-15T17:30:00.000Z', '0.015000', '6.00', 2);
    await settled('feeder-1', '2026-01-15T17:30:00.000Z', '0.005000', '2.50', 2);
    const { feeders, method, notComputed } = await impactOf(dso.db as never, {
      limits: LIMITS,
      reinforcementGbpPerKwYear: 50,
    });
    expect(feeders).to.deep.equal([
      {
        ...{ feederId: 'feeder-1', season: 'winter', halfHours: 2, activatedHalfHours: 1, limitKw: 600 },
        ...{ peakWithKw: 590, peakWithoutKw: 630, halfHoursAboveLimitWith: 0, halfHoursAboveLimitWithout: 1 },
        ...{ deliveredMwh: 0.02, paidGbp: 8.5, gbpPerMwh: 425, deferredKw: 30, deferredGbpPerYear: 1_500 },
        ...{ exportLimitKw: null, renewablesKeptMwh: null },
      },
    ]);
    expect(method).to.match(/^Half-hour means/);
    expect(notComputed[0]).to.equal('renewables kept on: no export limit is known of feeder-1');
  });

  it('counts as renewables kept on what flexibility took off exports beyond the limit, and what it added', async () => {
    // Half-hour means of -130, -90 and -120 kW; the limit of flow back is 100 kW.
    await loads('feeder-1', '2026-06-15T11:00:00Z', [-120, -140, -90, -90, -120, -120]);
    const kept = async () => {
      const exportLimits = new Map([['feeder-1', 100]]);
      const { feeders, notComputed } = await impactOf(dso.db as never, { limits: new Map(), exportLimits });
      expect(notComputed).to.have.length(1);
      return feeders.map(({ exportLimitKw, renewablesKeptMwh }) => [exportLimitKw, renewablesKeptMwh]);
    };
    expect(await kept(), 'nothing was activated').to.deep.equal([[100, 0]]);
    // 40 kW more demand: 170 kW would have flowed back, 70 beyond the limit instead of 30: 40 kW for half an hour.
    await settled('feeder-1', '2026-06-15T11:00:00.000Z', '-0.020000', '0.00', 1, 'obp-1');
    expect(await kept()).to.deep.equal([[100, 0.02]]);
    // Within the limit either way: 70 and 90 kW.
    await settled('feeder-1', '2026-06-15T11:30:00.000Z', '0.010000', '4.00', 1, 'obp-2');
    expect(await kept()).to.deep.equal([[100, 0.02]]);
    // 30 kW less demand: 90 kW would have flowed back, and 120 did: 20 kW beyond the limit, for half an hour.
    await settled('feeder-1', '2026-06-15T12:00:00.000Z', '0.015000', '6.00', 1, 'obp-3');
    expect(await kept()).to.deep.equal([[100, 0.01]]);
  });

  it('goes by feeder and by season of the London day, within the dates', async () => {
    await loads('feeder-2', '2026-02-28T12:00:00Z', [100, 100]);
    // 23:30 on 31 May in UTC is 1 June in London.
    await loads('feeder-1', '2026-05-31T22:30:00Z', [200, 200]);
    await loads('feeder-1', '2026-05-31T23:30:00Z', [300, 300]);
    const seasons = async (range: object) =>
      (await impactOf(dso.db as never, { limits: LIMITS, ...range })).feeders.map((one) => [
        one.feederId,
        one.season,
        one.peakWithKw,
      ]);
    expect(await seasons({})).to.deep.equal([
      ['feeder-1', 'spring', 200],
      ['feeder-1', 'summer', 300],
      ['feeder-2', 'winter', 100],
    ]);
    expect(await seasons({ from: '2026-06-01' })).to.deep.equal([['feeder-1', 'summer', 300]]);
    expect(await seasons({ to: '2026-03-01' })).to.deep.equal([['feeder-2', 'winter', 100]]);
  });

  it('says nothing of what it does not know: no limit, no price, no delivery', async () => {
    await loads('feeder-2', '2026-02-28T12:00:00Z', [100, 100]);
    const [only] = (await impactOf(dso.db as never, { limits: LIMITS })).feeders;
    expect(only).to.include({
      limitKw: null,
      deferredKw: null,
      deferredGbpPerYear: null,
      gbpPerMwh: null,
      deliveredMwh: 0,
    });
  });

  it('a half hour without a reading says nothing, however much was delivered', async () => {
    await loads('feeder-1', '2026-01-15T17:00:00Z', [570, 590]);
    await settled('feeder-1', '2026-01-15T18:00:00.000Z', '0.020000', '8.50');
    const [only] = (await impactOf(dso.db as never, { limits: LIMITS })).feeders;
    expect(only).to.include({ halfHours: 1, deliveredMwh: 0, peakWithoutKw: 580 });
  });
});
