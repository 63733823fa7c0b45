import { systemIds } from '@flexder/runtime/context.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { expect } from 'chai';
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { DATASETS } from './datasets/all.ts';
import { nationalCarbon } from './datasets/carbon.ts';
import { marketIndex, systemPrices } from './datasets/elexon.ts';
import { demandUpdate, embeddedForecast } from './datasets/neso.ts';
import { liveFaults } from './datasets/ukpn.ts';
import { HeldData, type Snapshot } from './held.ts';
import { keep, restore } from './kept.ts';
import { openDataHealth, viewOf } from './open.ts';
import { Refresher } from './refresh.ts';
import { openSources } from './sources/open.ts';
import { json, openPortal, type Portal, type VirtualWall, virtualWall } from './testing/portal.ts';
import * as replies from './testing/replies.ts';

const MINUTE_MS = 60_000;
const PLACE = { postcodes: ['KT13'], operatingZone: null, constraintIds: [] };

describe('open data as held', () => {
  let portal: Portal;
  let wall: VirtualWall;
  let held: HeldData;
  let refresher: Refresher;
  let kept: [string, Snapshot][];
  before(async () => {
    portal = await openPortal();
  });
  after(() => portal.close());
  beforeEach(() => {
    portal.asked.length = 0;
    wall = virtualWall();
    held = new HeldData(DATASETS, () => wall.nowMs());
    kept = [];
    const { url } = portal;
    refresher = new Refresher({
      context: { wall, log: createLogger('test', 'silent'), metrics: createMetrics('test'), ids: systemIds() },
      sources: openSources(
        { http: portal.http, wall },
        { baseUrls: { ukpn: url, neso: url, elexon: url, carbon: url }, ukpnKey: undefined },
      ),
      held,
      keep: async (id, snapshot) => void kept.push([id, snapshot]),
    });
    portal.answer = (_request, response, { pathname }) => {
      if (pathname.includes('live-faults')) return json(response, 200, { total_count: 1, results: [replies.FAULT] });
      if (pathname.includes('constraints'))
        return json(response, 200, { total_count: 1, results: [replies.CONSTRAINT] });
      if (pathname.includes('system-prices')) return json(response, 200, { data: [replies.SYSTEM_PRICE] });
      if (pathname.includes('market-index')) return json(response, 200, { data: replies.MARKET_INDEX });
      if (pathname.includes('intensity/')) return json(response, 200, { data: [replies.INTENSITY] });
      json(response, 503, {});
    };
  });
  afterEach(() => refresher.close());
  const status = (id: string) => held.statuses().find((one) => one.id === id)!;

  it('is missing, then fresh, then stale with its age, and offline beside what was known', async () => {
    expect(status(liveFaults.id)).to.include({ quality: 'missing', link: 'waiting', ageMs: null, rows: 0 });
    await refresher.refresh(liveFaults);
    expect(status(liveFaults.id)).to.include({ quality: 'fresh', link: 'ok', ageMs: 0, rows: 1 });
    expect(held.auditSource(liveFaults)).to.include({ id: 'ukpn-live-faults', live: true });
    expect(held.auditSource(liveFaults)!.sha256).to.match(/^[0-9a-f]{64}$/);
    portal.answer = (request) => void request.socket.destroy();
    wall.pass(16 * MINUTE_MS);
    await refresher.refresh(liveFaults);
    expect(status(liveFaults.id)).to.include({ quality: 'stale', link: 'unavailable', rows: 1 });
    expect(status(liveFaults.id).ageMs).to.be.at.least(16 * MINUTE_MS);
    expect(held.auditSource(liveFaults)).to.include({ live: false });
    expect(openDataHealth({ statuses: () => held.statuses() }).ok).to.equal(true);
  });

  it('a source that answers and says nothing new goes stale by what it observed', async () => {
    await refresher.refresh(systemPrices);
    expect(status(systemPrices.id)).to.include({ quality: 'fresh', observedAt: '2026-11-20T12:00:00.000Z' });
    wall.pass(2 * 3_600_000);
    await refresher.refresh(systemPrices);
    expect(status(systemPrices.id)).to.include({ quality: 'stale', link: 'ok', ageMs: 0 });
  });

  it('the context of an event has what is known, with quality, age and sources, and invents nothing', async () => {
    const view = viewOf(held, () => wall.nowMs());
    const empty = view.eventContext(PLACE);
    expect(empty.sources).to.deep.equal([]);
    for (const part of [empty.faults, empty.constraints, empty.systemPrice, empty.marketIndex, empty.carbon])
      expect(part).to.deep.equal({ quality: 'missing', ageMs: null, value: null });
    const parts = DATASETS.filter(({ id }) => /faults|constraints|elexon|national/.test(id));
    for (const dataset of parts) await refresher.refresh(dataset);
    const context = view.eventContext(PLACE);
    expect(context.faults.value).to.deep.include({ total: 1 });
    expect(context.faults.value!.near[0]).to.include({ reference: 'INCD-1-A', customers: 61 });
    expect(context.constraints.value!.breached).to.have.length(1);
    expect(context.systemPrice.value).to.deep.equal({ gbpPerMwh: 91.5, from: '2026-11-20T11:30:00.000Z' });
    expect(context.marketIndex.value!.gbpPerMwh, 'a provider without trades has no price').to.equal(100);
    expect(context.carbon.value).to.deep.equal({ gco2PerKwh: 185, from: '2026-11-20T12:00:00.000Z', outturn: false });
    expect(context.sources.map(({ id }) => id)).to.have.members(parts.map(({ id }) => id));
    expect(view.costContext().sources).to.have.length(2);
    const elsewhere = view.eventContext({ ...PLACE, postcodes: ['KT1'] });
    expect(elsewhere.faults.value).to.deep.equal({ total: 1, near: [] });
    expect(view.eventContext({ ...PLACE, postcodes: ['KT13 7'] }).faults.value!.near).to.deep.equal([]);
    expect(view.eventContext({ ...PLACE, constraintIds: ['CON-8'] }).constraints.value!.total).to.equal(0);
  });

  it('restored faults, readings below trim and forecasts of zero demand are not counted', async () => {
    const take = <Row>(dataset: typeof liveFaults | typeof demandUpdate, rows: Row[]) =>
      held.take(dataset as never, { rows, url: 'x', retrievedAtMs: wall.nowMs(), sha256: '0' } as never);
    take(liveFaults, [{ ...replies.FAULT, restoreddatetime: '2026-11-20T12:00:00' }]);
    expect(viewOf(held, () => wall.nowMs()).eventContext(PLACE).faults.value).to.deep.equal({ total: 0, near: [] });
    const rows = [
      demandUpdate.row.parse(replies.DEMAND),
      demandUpdate.row.parse({
        ...replies.DEMAND,
        SETTLEMENT_DATE: '2026-11-20',
        SETTLEMENT_PERIOD: 25,
        ND: 0,
        FORECAST_ACTUAL_INDICATOR: 'F',
      }),
    ];
    take(demandUpdate, rows);
    const demand = viewOf(held, () => wall.nowMs()).exogenous.series('national-demand')!;
    expect(demand.at(Date.parse('2026-11-19T23:30:00Z'))).to.equal(27_411);
    expect(demand.at(Date.parse('2026-11-20T12:00:00Z'))).to.equal(undefined);
  });

  it('exogenous series join outturn and forecast on the half-hour raster', () => {
    const { exogenous } = viewOf(held, () => wall.nowMs());
    expect(exogenous.series('embedded-wind')).to.equal(undefined);
    const fetched = { url: 'x', retrievedAtMs: wall.nowMs(), sha256: '0' };
    held.take(embeddedForecast, { ...fetched, rows: [embeddedForecast.row.parse(replies.EMBEDDED)] });
    const alone = exogenous.series('embedded-wind')!;
    expect(alone.quality, 'outturn was never read').to.equal('stale');
    held.take(demandUpdate, { ...fetched, rows: [demandUpdate.row.parse(replies.DEMAND)] });
    const wind = exogenous.series('embedded-wind')!;
    expect(wind).to.include({ unit: 'MW', quality: 'fresh', knownAtMs: wall.nowMs() });
    expect(wind.at(Date.parse('2026-11-20T12:00:00Z'))).to.equal(2_450);
    expect(wind.at(Date.parse('2026-11-20T12:29:59Z'))).to.equal(2_450);
    expect(wind.at(Date.parse('2026-11-19T23:30:00Z'))).to.equal(2_100);
    expect(wind.at(Date.parse('2026-11-20T12:30:00Z'))).to.equal(undefined);
    held.take(nationalCarbon, { ...fetched, rows: [nationalCarbon.row.parse(replies.INTENSITY)] });
    expect(exogenous.series('carbon-intensity')!.at(Date.parse('2026-11-20T12:00:00Z'))).to.equal(185);
  });

  it('each data set is read in its own period, and backs off while its source is away', async () => {
    const asked = () => portal.asked.filter((path) => path.includes('market-index')).length;
    const next = async (ms: number) => {
      const before = asked();
      wall.pass(ms);
      for (let i = 0; i < 200 && asked() === before; i++) await new Promise((resolve) => setTimeout(resolve, 5));
      // The answer is noted a moment after the portal has given it.
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    refresher.start([marketIndex]);
    await next(20_000);
    expect(asked()).to.equal(1);
    await next(marketIndex.periodMs * 1.1);
    expect(asked()).to.equal(2);
    expect(status(marketIndex.id).link).to.equal('ok');
    portal.answer = (_request, response) => json(response, 503, {});
    await next(marketIndex.periodMs * 1.1);
    expect(status(marketIndex.id)).to.include({ link: 'unavailable' });
    await next(33_000);
    expect(asked(), 'half a minute after the first failure').to.equal(4);
    wall.pass(33_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked(), 'twice as long after the second').to.equal(4);
    await next(33_000);
    expect(asked()).to.equal(5);
  });

  it('nothing is asked after the close, and what comes late is not written', async () => {
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      portal.answer = (_request, response) => {
        release = () => json(response, 200, { data: replies.MARKET_INDEX });
        resolve();
      };
    });
    const running = refresher.refresh(marketIndex);
    await arrived;
    await refresher.close();
    release();
    await running;
    expect(kept).to.deep.equal([]);
    wall.pass(24 * 3_600_000);
    expect(portal.asked).to.have.length(1);
  });

  describe('over a restart', () => {
    let db: TestDatabase;
    before(async () => {
      db = await openTestDatabase();
    });
    after(() => db.close());

    it('knows what it knew, and how old it is', async () => {
      await refresher.refresh(liveFaults);
      await refresher.refresh(liveFaults);
      for (const [id, snapshot] of kept) await keep(db.database, id, snapshot);
      wall.pass(60 * MINUTE_MS);
      const after = new HeldData(DATASETS, () => wall.nowMs());
      expect(await restore(db.database, DATASETS, after)).to.equal(1);
      const { ageMs, quality, rows, sha256 } = after.statuses().find(({ id }) => id === liveFaults.id)!;
      expect([quality, rows, sha256]).to.deep.equal(['stale', 1, kept[0]![1].sha256]);
      expect(ageMs).to.be.within(60 * MINUTE_MS, 61 * MINUTE_MS);
      expect(after.rows(liveFaults)[0]).to.deep.equal(held.rows(liveFaults)[0]);
    });
  });
});
