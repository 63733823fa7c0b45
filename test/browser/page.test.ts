/** The operator's page as a person has it: in a browser, on a network that runs. */
import { needsEngine, programPath } from '@flexder/runtime/testing/engine.ts';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { TestNetwork } from '../harness/network.ts';

const MINUTE_MS = 60_000;
const MARKUP = '<img src=x onerror="alert(1)">';

describe('the operator’s page in a browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  let net: TestNetwork;
  let page: Page;
  /** What the page complained of, and dialogs that it opened. */
  const troubles: string[] = [];

  before(async function () {
    needsEngine('Chromium', 'chromium').call(this);
    const bench = { feederId: 'feeder-1', name: 'Bench feeder', limitKw: 96 };
    const silent = { feederId: 'F-SILENT', name: `Silent ${MARKUP}`, limitKw: 100 };
    net = await TestNetwork.create({ ders: 24, bap: { dsoName: `The DSO ${MARKUP}`, feeders: [bench, silent] } });
    browser = await chromium.launch({ executablePath: programPath('chromium')!, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
    page.on('dialog', (dialog) => {
      troubles.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(net.bap.url);
    await page.waitForSelector('#feeders > *');
  });
  after(async () => {
    await browser?.close();
    await net?.close();
  });

  const text = (selector: string) => page.locator(selector).innerText();

  it('says that it is a simulation, shows the feeder, and that there is no event', async () => {
    expect(await text('#mode')).to.equal('SIMULATION');
    expect(await text('#feeders'))
      .to.contain('Bench feeder')
      .and.contain('kW');
    expect(await page.locator('#events-empty').isVisible()).to.equal(true);
    expect(await page.locator('#orders tr').count()).to.equal(0);
  });

  it('shows no anomaly while there is none, and of each feeder how good its data are', async () => {
    await net.advance(MINUTE_MS);
    await page.locator('.quality[data-quality="GOOD"]').waitFor();
    expect(await page.locator('#anomalies-empty').isVisible()).to.equal(true);
    expect(await page.locator('.quality').allInnerTexts()).to.satisfy(
      ([one, two]: string[]) => /good, read \d\d:\d\d/.test(`${one} ${two}`) && /never read/.test(`${one} ${two}`),
    );
  });

  it('shows an anomaly with its rule, its feeder, since when, and the message that showed it', async () => {
    net.feeder.push(0.9);
    await net.advance(MINUTE_MS);
    const row = page.locator('#anomalies tr', { hasText: 'rate-of-rise' });
    await row.waitFor();
    expect(await row.innerText()).to.match(/Bench feeder[\s\S]*feeder-1[\s\S]*steep rise[\s\S]*rose by .* kW/);
    expect(await row.innerText()).to.match(
      /version 1[\s\S]*\d\d:\d\d[\s\S]*feeder-1\/telemetry[\s\S]*SHA-256 [0-9a-f]{16}/,
    );
    expect(await page.locator('#anomalies-empty').isVisible()).to.equal(false);
    expect(await text('#sentence')).to.contain('1 anomaly');
    net.feeder.relax();
  });

  it('shows data that are missing since the start, the name of the feeder as text', async () => {
    for (let minute = 0; minute < 6; minute++) await net.advance(MINUTE_MS);
    const row = page.locator('#anomalies tr', { hasText: 'data-missing' });
    await row.waitFor();
    expect(await row.innerText())
      .to.contain(`Silent ${MARKUP}`)
      .and.contain('has never been read')
      .and.contain('no message');
    expect(await page.locator('.feeder', { hasText: MARKUP }).innerText()).to.contain('NO DATA');
    expect(await page.locator('img').count()).to.equal(0);
  });

  it('shows the overload and its orders while they happen, without a reload', async () => {
    for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
    net.feeder.push(1.2);
    await net.advance(MINUTE_MS);
    await page.locator('#orders tr').first().waitFor();
    const { orders } = await net.api<{ orders: { obpId: string }[] }>('/api/v1/orders');
    expect(orders).to.have.length.above(0);
    for (const { obpId } of orders) expect(await text('#orders')).to.contain(obpId);
    expect(await page.locator('#events tr').count()).to.equal(1);
    expect(await page.locator('#events-empty').isVisible()).to.equal(false);
  });

  it('MSG-15 text of others stays text', async () => {
    expect(await text('#dso')).to.contain(MARKUP);
    expect(await page.locator('img').count()).to.equal(0);
  });

  it('leads past the top with one key', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement?.textContent')).to.equal('Skip to orders');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement?.id')).to.equal('orders-heading');
  });

  it('fits a phone: nothing but tables is wider than the screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(390);
    await page.setViewportSize({ width: 1366, height: 768 });
  });

  it('has complained of nothing, and says so when the DSO is gone', async () => {
    expect(troubles).to.deep.equal([]);
    expect(await page.locator('#link').getAttribute('data-link')).to.equal('live');
    await net.close();
    await page.locator('#link:not([data-link="live"])').waitFor();
  });
});
