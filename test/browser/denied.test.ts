/** The page before a DSO that shows nothing without signing in. */
import { needsEngine, programPath } from '@flexder/runtime/testing/engine.ts';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { TestNetwork } from '../harness/network.ts';

describe('the operator’s page where one must sign in', function () {
  this.timeout(60_000);
  let browser: Browser;
  let net: TestNetwork;
  let page: Page;
  before(async function () {
    needsEngine('Chromium', 'chromium').call(this);
    net = await TestNetwork.create({ ders: 2, bap: { viewing: 'login' } });
    browser = await chromium.launch({ executablePath: programPath('chromium')!, args: ['--no-sandbox'] });
    page = await browser.newPage();
    await page.goto(net.bap.url);
  });
  after(async () => {
    await browser?.close();
    await net?.close();
  });

  it('leads past the top with one key', async () => {
    await page.getByText('This DSO shows nothing before you have signed in.').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement?.textContent')).to.equal('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement?.id')).to.equal('title');
  });

  it('shows nothing of the network, and says what was refused', async () => {
    await page.getByText('This DSO shows nothing before you have signed in.').waitFor();
    expect(await page.locator('#mode').innerText()).to.equal('SIGNED OUT');
    expect(await page.locator('#feeders, nav').count()).to.equal(0);
    await page.getByLabel('Token').fill('guess');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Not allowed').waitFor();
    expect(await page.locator('.problem').innerText()).to.contain('nobody has that token');
  });
});
