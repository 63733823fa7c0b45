/** The aggregator's page in a browser, on a network that buys from it. Its tests are one story, in order. */
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { TestNetwork } from '../harness/network.ts';
import { MINUTE_MS } from './operators.ts';
import { openWindow, type Window } from './window.ts';

describe('the aggregator’s page in a browser', function () {
  this.timeout(120_000);
  let shop: Window & { readonly net: TestNetwork };
  before(async function () {
    thorough.call(this);
    needsEngine('Chromium', 'chromium').call(this);
    const net = await TestNetwork.create({ ders: 24, bpps: 1 });
    shop = { ...(await openWindow(`${net.aggregators[0]!.url}/dashboard`, '#types')), net };
  });
  after(async () => {
    await shop?.close();
    await shop?.net.close();
  });

  // What follows a test that failed begins from something else.
  let failed = false;
  afterEach(function () {
    failed ||= this.currentTest?.state === 'failed';
  });
  beforeEach(function () {
    if (failed) this.skip();
  });

  const text = (selector: string) => shop.page.locator(selector).innerText();
  const goTo = (screen: string) => shop.page.evaluate(`location.hash = '#/${screen}'`);

  it('says that it is a simulation, what can be offered, and where it stands', async () => {
    expect(await text('#mode')).to.equal('SIMULATION');
    await shop.page.locator('#sentence', { hasText: 'can be offered' }).waitFor();
    expect(await text('#orders')).to.contain('No quote and no order in flight.');
    await goTo('network');
    await shop.page.locator('#standing', { hasText: 'Subscribed, with a key that is valid.' }).waitFor();
    expect(await text('#standing')).to.match(/Last challenge\s+answered/);
    await shop.shot('aggregator-network-quiet');
  });

  it('an overload comes as a search, an order and answers of devices', async () => {
    for (let minute = 0; minute < 3; minute++) await shop.net.advance(MINUTE_MS);
    shop.net.feeder.push(1.2);
    for (let minute = 0; minute < 4; minute++) await shop.net.advance(MINUTE_MS);
    await goTo('');
    const order = shop.page.locator('#orders tbody tr').first();
    await order.locator('text=in progress').waitFor();
    expect(await order.innerText()).to.match(/dso[\s\S]*\d+\.\d[\s\S]*\d+ of \d+/);
    await shop.shot('aggregator-overview');
    await order.getByRole('link').click();
    await shop.page.locator('#commands tbody tr', { hasText: 'accepted' }).first().waitFor();
    expect(await text('#order')).to.match(/Promised\s+\d+\.\d kW[\s\S]*Answers\s+accepted \d+/);
    await shop.shot('aggregator-order');
    await goTo('network');
    await shop.page.locator('#searches tbody tr', { hasText: 'answered' }).first().waitFor();
    await shop.shot('aggregator-network');
  });

  it('leads from the portfolio to the devices of a feeder', async () => {
    await goTo('portfolio');
    await shop.shot('aggregator-portfolio');
    await shop.page.locator('#holdings tbody a').first().click();
    await shop.page.locator('#devices tbody tr').nth(1).waitFor();
    expect(await text('#devices')).to.match(/online|offline/);
    await shop.shot('aggregator-feeder');
  });

  it('an order that is over has earned, by day', async () => {
    shop.net.feeder.relax();
    const isOver = async () => {
      const { orders } = await shop.net.api<{ orders: { state: string }[] }>('/api/v1/orders');
      return orders.every(({ state }) => state === 'COMPLETED');
    };
    for (let minute = 0; minute < 180 && !(await isOver()); minute += 2) await shop.net.advance(2 * MINUTE_MS);
    await goTo('earnings');
    await shop.page.locator('#earnings tbody tr').first().waitFor();
    expect(await text('#earnings')).to.match(/\d{4}-\d\d-\d\d[\s\S]*£\d+\.\d\d in all/);
    await shop.shot('aggregator-earnings');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`every screen keeps WCAG 2.2 A and AA, ${colorScheme}, and is no wider than a phone`, async () => {
      await shop.page.emulateMedia({ colorScheme });
      await goTo('orders');
      const id = (await shop.page.locator('#all-orders tbody a').first().getAttribute('title'))!;
      for (const screen of [
        '',
        'portfolio',
        'portfolio/feeder-1',
        'orders',
        `orders/${id}`,
        'earnings',
        'network',
        'no',
      ]) {
        await goTo(screen);
        await shop.page.locator('text=Reading…').first().waitFor({ state: 'detached' });
        expect(await shop.violations(), screen || 'overview').to.deep.equal([]);
      }
      await shop.page.setViewportSize({ width: 390, height: 844 });
      for (const screen of ['', 'portfolio', 'orders', 'network']) {
        await goTo(screen);
        expect(await shop.page.evaluate('document.documentElement.scrollWidth'), screen).to.be.at.most(390);
      }
      await shop.page.setViewportSize({ width: 1366, height: 768 });
    });
  }

  it('has complained of nothing, and says so when the service is gone', async () => {
    expect(shop.troubles).to.deep.equal([]);
    await goTo('');
    await shop.net.close();
    await shop.page.locator('#offline').waitFor();
    expect(await text('#link')).to.contain('OFFLINE');
    expect(await shop.violations()).to.deep.equal([]);
  });
});
