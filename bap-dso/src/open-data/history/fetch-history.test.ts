import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@flexder/runtime/random.ts';
import { expect } from 'chai';
import { nationalCarbon } from '../datasets/carbon.ts';
import { type AnyDataset, sha256 } from '../datasets/dataset.ts';
import { systemPrices } from '../datasets/elexon.ts';
import { demandUpdate, embeddedForecast } from '../datasets/neso.ts';
import { powerFlowSpn } from '../datasets/ukpn.ts';
import { OpenDataError } from '../errors.ts';
import { openSources } from '../sources/open.ts';
import { json, openPortal, type Portal, type VirtualWall, virtualWall } from '../testing/portal.ts';
import * as replies from '../testing/replies.ts';
import { fetchHistory } from './fetch-history.ts';

const at = (date: string) => Date.parse(`${date}T00:00:00Z`);

describe('history of open data', () => {
  let portal: Portal;
  let wall: VirtualWall;
  let dir: string;
  let told: string[];
  before(async () => {
    portal = await openPortal();
  });
  after(() => portal.close());
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'flexder-history-'));
    wall = virtualWall();
    told = [];
    portal.asked.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const fetch = (dataset: AnyDataset, from: string, to: string, txIds: string[] = []) => {
    const { url: base } = portal;
    const baseUrls = { ukpn: base, neso: base, elexon: base, carbon: base };
    return fetchHistory(
      {
        sources: openSources({ http: portal.http, wall }, { baseUrls, ukpnKey: undefined }),
        wall,
        random: seededRandom(1),
        progress: (done, of, rows) => told.push(`${done}/${of} ${rows}`),
        pausing: (why) => told.push(why),
      },
      { dataset, range: { fromMs: at(from), toMs: at(to) }, dir, txIds },
    );
  };
  const text = (file: string) => readFileSync(join(dir, file), 'utf8');
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => new Error('it was taken'),
      (error: unknown) => error as Error,
    );

  it('power flow comes day by day in the shape a forecast is trained on', async () => {
    portal.answer = (_request, response, url) => {
      const [, date] = /timestamp >= date'(\d{4}-\d\d-\d\d)T/.exec(url.searchParams.get('where') ?? '')!;
      const rows = [
        { ...replies.POWER_FLOW, timestamp: `${date}T00:00:00+00:00` },
        { ...replies.POWER_FLOW, timestamp: `${date}T00:30:00+00:00`, active_power_mw: null },
      ];
      json(response, 200, rows);
    };
    const manifest = await fetch(powerFlowSpn, '2026-11-01', '2026-11-04', ['heath_road_11kv_t1']);
    expect(text(`${powerFlowSpn.id}.csv`).split('\n').slice(0, 4)).to.deep.equal([
      'timestamp,tx_id,active_power_mw,current_amps',
      '2026-11-01T00:00:00+00:00,heath_road_11kv_t1,3.25,171.2',
      '2026-11-01T00:30:00+00:00,heath_road_11kv_t1,,171.2',
      '2026-11-02T00:00:00+00:00,heath_road_11kv_t1,3.25,171.2',
    ]);
    expect(portal.asked[0]).to.include(
      `where=timestamp >= date'2026-11-01T00:00:00Z' and timestamp < date'2026-11-02T00:00:00Z' and tx_id in ('heath_road_11kv_t1')`,
    );
    expect(manifest.joined).to.deep.equal({
      file: `${powerFlowSpn.id}.csv`,
      from: '2026-11-01',
      to: '2026-11-03',
      rows: 6,
      sha256: sha256(text(`${powerFlowSpn.id}.csv`)),
    });
    expect(
      manifest.parts.map(({ rows, complete, sha256: hash, file }) => [rows, complete, hash === sha256(text(file))]),
    ).to.deep.equal(Array(3).fill([2, true, true]));
    expect(JSON.parse(text('manifest.json'))).to.deep.equal(manifest);
    expect(told).to.deep.equal(['1/3 2', '2/3 4', '3/3 6']);
  });

  it('goes on where it was interrupted, and reads again what was changed or not over', async () => {
    const price = (url: URL) => ({ ...replies.SYSTEM_PRICE, settlementDate: url.pathname.slice(-10) });
    portal.answer = (_request, response, url) =>
      url.pathname.endsWith('2026-11-19') ? json(response, 404, {}) : json(response, 200, { data: [price(url)] });
    const error = await failure(fetch(systemPrices, '2026-11-17', '2026-11-21'));
    expect(error).to.be.instanceOf(OpenDataError).and.include({ kind: 'not-found' });
    expect(existsSync(join(dir, 'elexon-system-prices.csv'))).to.equal(false);
    portal.answer = (_request, response, url) => json(response, 200, { data: [price(url)] });
    portal.asked.length = 0;
    const manifest = await fetch(systemPrices, '2026-11-17', '2026-11-21');
    expect(portal.asked.map((path) => path.slice(-22, -12))).to.deep.equal(['2026-11-19', '2026-11-20']);
    expect(
      manifest.parts.map(({ complete }) => complete),
      'today is not over',
    ).to.deep.equal([true, true, true, false]);
    writeFileSync(join(dir, manifest.parts[0]!.file), 'tampered');
    portal.asked.length = 0;
    expect((await fetch(systemPrices, '2026-11-17', '2026-11-21')).joined!.rows).to.equal(4);
    expect(portal.asked.map((path) => path.slice(-22, -12))).to.deep.equal(['2026-11-17', '2026-11-20']);
  });

  it('another selection does not go into the same folder', async () => {
    portal.answer = (_request, response) => json(response, 200, []);
    await fetch(powerFlowSpn, '2026-11-01', '2026-11-02', ['a']);
    const error = await failure(fetch(powerFlowSpn, '2026-11-01', '2026-11-02', ['b']));
    expect(error.message).to.match(/holds ukpn-primary.* of another selection/);
    writeFileSync(join(dir, 'manifest.json'), '{"version":1');
    expect((await failure(fetch(powerFlowSpn, '2026-11-01', '2026-11-02', ['a']))).message).to.match(/not a manifest/);
  });

  it('tries again what may pass, waits for a limit that is near, and gives up on what is not', async () => {
    let asked = 0;
    portal.answer = (_request, response) => {
      asked++;
      if (asked === 1) return json(response, 503, {});
      if (asked === 2) return json(response, 429, { ...replies.QUOTA, reset_time: '2026-11-20T12:11:00Z' });
      json(response, 200, []);
    };
    await fetch(powerFlowSpn, '2026-11-01', '2026-11-02');
    expect([asked, wall.nowMs()]).to.deep.equal([3, Date.parse('2026-11-20T12:11:00Z')]);
    expect(told).to.have.length(3);
    portal.answer = (_request, response) =>
      json(response, 429, { ...replies.QUOTA, reset_time: '2026-11-21T00:00:00Z' });
    const error = await failure(fetch(powerFlowSpn, '2026-11-01', '2026-11-03'));
    expect(error).to.include({ kind: 'rate-limited' });
    asked = 0;
    portal.answer = (_request, response) => {
      asked++;
      json(response, 503, {});
    };
    expect(await failure(fetch(powerFlowSpn, '2026-11-01', '2026-11-03'))).to.include({ kind: 'unavailable' });
    expect(asked).to.equal(4);
  });

  it('NESO by month in SQL, and a forecast without a past as what it is now', async () => {
    portal.answer = (_request, response, url) => {
      if (url.pathname === '/package_show') {
        const embedded = url.searchParams.get('id') === 'embedded-wind-and-solar-forecasts';
        const name = embedded ? 'Embedded Solar and Wind Forecast' : 'Demand Data Update';
        return json(response, 200, replies.packaged(replies.RESOURCE_ID, name));
      }
      json(response, 200, replies.datastore([url.pathname.endsWith('sql') ? replies.DEMAND : replies.EMBEDDED]));
    };
    await fetch(demandUpdate, '2026-10-01', '2026-11-15');
    expect(portal.asked.filter((path) => path.includes('WHERE'))).to.have.length(2);
    expect(portal.asked[1]).to.include(`"SETTLEMENT_DATE" >= '2026-10-01' AND "SETTLEMENT_DATE" < '2026-11-01'`);
    expect(text('neso-demand-data-update.csv').split('\n')[1]).to.match(/^2026-11-19,48,A,27411,/);
    rmSync(dir, { recursive: true });
    const manifest = await fetch(embeddedForecast, '2026-10-01', '2026-11-15');
    expect(manifest.parts).to.have.length(1);
    expect(manifest.parts[0]).to.include({ key: 'present', complete: false, rows: 1 });
  });

  it('carbon intensity in pieces of fourteen days, without the half hour before', async () => {
    const early = { ...replies.INTENSITY, from: '2026-10-31T23:30Z', to: '2026-11-01T00:00Z' };
    portal.answer = (_request, response) => json(response, 200, { data: [early, replies.INTENSITY] });
    const manifest = await fetch(nationalCarbon, '2026-11-01', '2026-11-29');
    expect(manifest.parts.map(({ rows }) => rows)).to.deep.equal([0, 1]);
    expect(text('carbon-intensity-national.csv')).to.equal(
      'from,to,forecast,actual,index\n2026-11-20T12:00Z,2026-11-20T12:30Z,185,,moderate\n',
    );
  });
});
