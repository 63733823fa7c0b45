/** The DSO's page before a thousand feeders, each with three hours behind it. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DSO, NOW_MS, type Opened, opened } from '@flexder/bap-dso/audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '@flexder/bap-dso/config.ts';
import type { FeederView } from '@flexder/bap-dso/operator-api/deps.ts';
import { createOperatorApi, type OperatorApi } from '@flexder/bap-dso/operator-api/router.ts';
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import express from 'express';
import { sql } from 'kysely';
import { manyFeeders } from './many-network.ts';
import { openWindow, type Window } from './window.ts';

const FEEDERS = 1_000;
const DERS = 10_000;
const RECENT = JSON.stringify(
  Array.from({ length: 10 }, (_, index) => ({
    ...{ obpId: `obp-${index}`, answer: 'ACCEPTED', askedKw: 3.7, atMs: NOW_MS - index * 3_600_000 },
  })),
);
const idOf = (index: number) => `F-${String(index).padStart(4, '0')}`;
const ids = Array.from({ length: FEEDERS }, (_, index) => idOf(index));

describe('the operator’s page before a thousand feeders', function () {
  this.timeout(120_000);
  let dso: Opened;
  let api: OperatorApi;
  let server: Server;
  let window: Window;
  let url: string;
  /** Each second some are read anew, as a thousand are once a minute. */
  let reads = 0;

  function feeders(): FeederView[] {
    reads++;
    return Array.from({ length: FEEDERS }, (_, index) => {
      const fresh = index % 60 === reads % 60 ? reads : 0;
      const powerKw = 60 + (index % 20) + (fresh % 7);
      const forecast = Array.from({ length: 12 }, (_, step) => ({
        ...{ atMs: NOW_MS + (step + 1) * 300_000, powerKw: powerKw + step, lowKw: powerKw - 5, highKw: powerKw + 15 },
      }));
      const last = index === FEEDERS - 1;
      return {
        ...{ feederId: idOf(index), name: `Feeder ${idOf(index)}`, limitKw: 100, releaseKw: 95, forecast },
        ...{ powerKw: last ? 120 : powerKw, at: NOW_MS + fresh, quality: 'GOOD', state: 'NORMAL' },
      };
    });
  }

  before(async function () {
    thorough.call(this);
    needsEngine('Chromium', 'chromium').call(this);
    dso = await opened();
    await sql`insert into feeder_reading (feeder_id, read_at, power_kw, quality)
      select 'F-' || lpad(f::text, 4, '0'), ${new Date(NOW_MS)}::timestamptz - s * interval '90 seconds', 70, 'GOOD'
      from generate_series(0, ${sql.lit(FEEDERS - 1)}) f, generate_series(0, 118) s`.execute(dso.db);
    await sql`insert into der (der_id, bpp_id, feeder_id, device_type, last_obp_id, last_answer, recent)
      select 'der-' || lpad(d::text, 5, '0'), 'aggregator-' || d % 5, 'F-' || lpad((d / 10)::text, 4, '0'), 'battery',
        'obp-' || d / 10, case when d % 7 = 0 then 'SILENT' else 'ACCEPTED' end, ${RECENT}::jsonb
      from generate_series(0, ${sql.lit(DERS - 1)}) d`.execute(dso.db);
    const config = {
      ...dso.config,
      subscriberId: DSO,
      dsoName: 'A large DSO',
      viewing: 'open',
      networkProfile: 'sandbox',
      network: manyFeeders(ids),
      feeders: ids.map((feederId) => ({ feederId, name: feederId, limitKw: 100, releaseShare: 0.95, ratings: [] })),
    };
    const participant = Object.create(dso.participant, {
      subscribers: { value: async () => [] },
      awayCounterparties: { value: () => [] },
    });
    api = createOperatorApi({ ...dso, participant, config: config as unknown as BapConfig, feeders });
    const app = express();
    app.get('/health/ready', (_request, response) => void response.json({ dependencies: {} }));
    app.use(api);
    await new Promise<void>((resolve) => {
      server = app.listen(0, '127.0.0.1', () => resolve());
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    window = await openWindow(url, '#feeders li');
  });
  after(async () => {
    await window?.close();
    await api?.close();
    server?.closeAllConnections();
    server?.close();
    await dso?.close();
  });

  it('shows the one that is over its limit first, draws the visible ones alone, and leads to the last', async () => {
    await window.shot('many');
    const { page } = window;
    expect(await page.locator('#feeders li').first().innerText()).to.contain(idOf(FEEDERS - 1));
    expect(await page.locator('#feeders li').count()).to.be.below(60);
    expect(await page.locator('#feeders').innerText()).to.contain('1,000');
    await page.locator('#feeders ul').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.locator('#feeders li', { hasText: idOf(FEEDERS - 2) }).waitFor();
    expect(await page.locator('#feeders li').count()).to.be.below(60);
    expect(await window.violations()).to.deep.equal([]);
  });

  it('is live after five seconds of changes', async () => {
    const { page } = window;
    const figures = (await page.evaluate(`new Promise((done) => {
      const long = [];
      new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: 'longtask', buffered: false });
      const [paint] = performance.getEntriesByName('first-contentful-paint');
      setTimeout(() => done({ firstPaintMs: paint.startTime, longTasksMs: long }), 5000);
    })`)) as { firstPaintMs: number; longTasksMs: number[] };
    if (process.env.FLEXDER_SCREENSHOTS) process.stdout.write(`${JSON.stringify(figures)}\n`);
    expect(await page.locator('#link').innerText()).to.equal('live');
  });

  it('finds a feeder by its name, and draws the three hours behind it', async () => {
    const { page } = window;
    await page.getByLabel('Find').fill('f-0777');
    const row = page.locator('#feeders li');
    await page.waitForFunction("document.querySelectorAll('#feeders li').length === 1");
    await row.getByRole('link').click();
    await page.locator('#trend canvas').waitFor();
    const { points } = (await (await fetch(`${url}/api/v1/load?feeder_id=F-0777`)).json()) as { points: unknown[] };
    expect(points).to.have.length.above(100);
    expect((await fetch(`${url}/api/v1/load`)).status).to.equal(400);
    await window.shot('many-feeder');
  });

  it('reads of ten thousand devices the pages that are looked at, and leads to the last', async () => {
    const { page } = window;
    const asked: string[] = [];
    page.on('request', (one) => one.url().includes('/api/v1/ders') && asked.push(new URL(one.url()).search));
    await page.evaluate(`location.hash = '#/ders'`);
    const rows = page.locator('#ders tbody tr');
    await page.locator('#ders', { hasText: '10,000 known' }).waitFor();
    await rows.getByText('der-00000').waitFor();
    expect(await rows.count()).to.be.below(80);
    await page.locator('#ders .long').evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await rows.getByText('der-09999').waitFor();
    expect(await rows.count()).to.be.below(80);
    expect(asked).to.deep.equal(['?limit=500&offset=0', '?limit=500&offset=9500']);
    expect(await window.violations()).to.deep.equal([]);
    await window.shot('many-ders');
    await page.getByLabel('Feeder').fill('F-0777');
    // What is typed stays while the page goes on with what is live.
    await page.waitForTimeout(1_500);
    await page.getByLabel('Feeder').press('Enter');
    await page.locator('#ders', { hasText: '10 found' }).waitFor();
    expect(await rows.count()).to.equal(10);
  });

  it('answers for ten thousand devices, whatever they are found by', async () => {
    for (const query of [
      '',
      'offset=9500&limit=500',
      'feeder_id=F-0777',
      'bpp_id=aggregator-3',
      'state=silent&limit=500',
    ]) {
      const beganMs = performance.now();
      const { total } = (await (await fetch(`${url}/api/v1/ders?${query}`)).json()) as { total: number };
      expect(total, query).to.be.above(0);
      if (process.env.FLEXDER_SCREENSHOTS)
        process.stdout.write(`ders ${query}: ${total}, ${Math.round(performance.now() - beganMs)} ms\n`);
    }
  });

  describe('on the map', () => {
    before(async () => {
      await window.page.evaluate("location.hash = '#/map'");
      await window.page.locator('.map-mark').first().waitFor();
    });

    it('draws them by their coordinates, with a scale in km, and names what is over its limit', async () => {
      const { page } = window;
      expect(await page.locator('#map h2').innerText())
        .to.contain('Geographic')
        .and.contain('made up');
      expect(await page.locator('.map-mark').count()).to.equal(FEEDERS);
      const over = page.locator('.map-mark[data-level="over"]');
      expect(await over.count()).to.equal(1);
      expect(await over.textContent())
        .to.contain(idOf(FEEDERS - 1))
        .and.contain('10 DERs 50.0 kW');
      expect(await page.locator('.map-orientation').textContent()).to.match(/\d+ km/);
      expect(await page.locator('#map-table tbody tr').count(), 'its table is virtual').to.be.below(60);
      expect(await window.violations()).to.deep.equal([]);
      await window.shot('many-map');
    });

    it('is moved and chosen by keyboard alone; what was zoomed out of sight is not drawn', async () => {
      const { page } = window;
      await page.locator('.map-box').focus();
      await page.keyboard.press('n');
      expect(await page.locator('#map-facts').innerText())
        .to.contain(idOf(FEEDERS - 1))
        .and.contain('over its limit')
        .and.contain('Fed by\nPrimary 99');
      for (let times = 0; times < 6; times++) await page.keyboard.press('+');
      await page.keyboard.press('ArrowRight');
      await page.waitForFunction(`document.querySelectorAll('.map-mark').length < ${FEEDERS / 4}`);
      await page.keyboard.press('0');
      await page.waitForFunction(`document.querySelectorAll('.map-mark').length === ${FEEDERS}`);
      await page.getByRole('button', { name: 'Draw as a diagram' }).click();
      await page.locator('#map h2', { hasText: 'Schematic' }).waitFor();
      expect(await page.locator('.map-mark').count()).to.be.below(60);
      await window.shot('many-diagram');
    });

    it('is chosen by pointer, and leads to the feeder', async () => {
      const { page } = window;
      await page.getByRole('button', { name: 'Draw by coordinates' }).click();
      const box = (await page.locator('.map-mark[data-level="over"] .map-shape').boundingBox())!;
      await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
      await page
        .locator('#map-facts')
        .getByRole('link', { name: idOf(FEEDERS - 1) })
        .click();
      await page.locator('.heat td.step-2').first().waitFor();
    });
  });
});
