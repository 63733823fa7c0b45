/** Signing in with an account from elsewhere: a real provider, of another site as a browser sees it. */
import {
  CLIENT,
  startProvider,
  type TestProvider,
} from '@flexder/bap-dso/operator-api/access/oidc/provider.fixture.ts';
import { freePort } from '@flexder/runtime/http/free-port.ts';
import { needsEngine, programPath } from '@flexder/runtime/testing/engine.ts';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { TestNetwork } from '../harness/network.ts';

describe('the operator’s page with OpenID Connect', function () {
  this.timeout(60_000);
  let browser: Browser;
  let net: TestNetwork;
  let page: Page;
  let provider: TestProvider;
  before(async function () {
    needsEngine('Chromium', 'chromium').call(this);
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    provider = await startProvider(publicUrl, 'localhost');
    const oidc = {
      ...{ issuer: provider.issuer, ...CLIENT, roleClaim: 'flexder_role', nameClaim: 'preferred_username' },
      scope: 'openid profile',
    };
    net = await TestNetwork.create({ ders: 2, port, bap: { viewing: 'login', publicUrl, oidc } });
    browser = await chromium.launch({ executablePath: programPath('chromium')!, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(publicUrl);
  });
  after(async () => {
    await browser?.close();
    await net?.close();
    await provider?.close();
  });
  const withAccount = (on: Page) => on.getByRole('link', { name: 'Sign in with your account' });

  it('an account without a role is told so, and what to do; nothing from the address is shown', async () => {
    provider.account = { sub: 's', claims: { preferred_username: 'nora' } };
    await withAccount(page).click();
    await page.getByText('Your account has no role here').waitFor();
    expect(await page.locator('#feeders').count()).to.equal(0);
    await page.evaluate(`location.hash = '#/sign-in?refused=Call%20this%20number'`);
    await page.getByText('Your account has no role here').waitFor({ state: 'detached' });
    expect(await page.locator('main').innerText()).to.not.contain('number');
  });

  it('one with a role comes back signed in, acts under its name, and signs out there, too', async () => {
    provider.account = { sub: 's', claims: { preferred_username: 'nora@dso.example', flexder_role: ['operator'] } };
    await withAccount(page).click();
    await page.locator('.person', { hasText: 'nora@dso.example · operator' }).waitFor();
    await page.locator('#feeders').waitFor();
    await page.evaluate(`location.hash = '#/controls'`);
    expect(await page.getByRole('button', { name: 'Stop dispatch…' }).isDisabled()).to.equal(false);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${provider.issuer}/session/end**`);
    await page.goto(net.bap.url);
    await withAccount(page).waitFor();
  });
});
