/** The aggregator's page in a browser, on a network that buys from it. Its tests are one story, in order. */
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';
import { inOrder, MINUTE_MS, TOKENS } from './operators.ts';
import { openWindow, type Window } from './window.ts';

describe('the aggregator’s page in a browser', function () {
  this.timeout(120_000);
  let shop: Window & { readonly net: TestNetwork };
  before(async function () {
    thorough.call(this);
    needsEngine('Chromium', 'chromium').call(this);
    const operators = [{ name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(TOKENS.olga) }];
    const net = await TestNetwork.create({ ders: 24, bpps: 1, aggregator: () => ({ operators }) });
    shop = { ...(await openWindow(`${net.aggregators[0]!.url}/dashboard`, '#types')), net };
  });
  after(async () => {
    await shop?.close();
    await shop?.net.close();
  });

  inOrder();

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

  /** What a program that speaks for consumers asks for. */
  const enrolment = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.olga}` };
    const url = `${shop.net.aggregators[0]!.url}/api/v1/enrolment${path}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(answer.status, path).to.equal(200);
  };
  let derId = '';

  it('an overload comes as a search, an order and answers of devices', async () => {
    const portfolio = await fetch(`${shop.net.aggregators[0]!.url}/api/v1/portfolio`);
    derId = ((await portfolio.json()) as { feeders: { ders: { derId: string }[] }[] }).feeders[0]!.ders[0]!.derId;
    const nowMs = shop.net.context.grid.nowMs();
    const [from, until] = [nowMs, nowMs + 86_400_000].map((ms) => new Date(ms).toISOString());
    await enrolment(`/devices/${derId}/consent`, { from, until, mode: 'ask', reason: 'chosen in the app' });
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

  it('shows who is asked with the time left, what they said, and who withdrew', async () => {
    await goTo('consent');
    const open = shop.page.locator('#open tbody tr');
    await open.first().waitFor();
    expect(await open.first().innerText()).to.match(new RegExp(`${derId}[\\s\\S]*\\d+:\\d\\d`));
    await shop.shot('aggregator-consent');
    const { questions } = (await (
      await fetch(`${shop.net.aggregators[0]!.url}/api/v1/enrolment/questions`, {
        headers: { authorization: `Bearer ${TOKENS.olga}` },
      })
    ).json()) as { questions: { questionId: string }[] };
    await enrolment(`/questions/${questions[0]!.questionId}`, { answer: 'no' });
    await shop.page.locator('#over tbody tr', { hasText: 'no' }).first().waitFor();
    await enrolment(`/devices/${derId}/withdraw`, { reason: 'guests tonight' });
    await shop.page.locator('#withdrawals tbody tr', { hasText: derId }).waitFor();
    expect(await text('main')).to.not.contain('guests');
  });

  it('leads from a programme to the devices that take part', async () => {
    await goTo('programmes');
    await shop.shot('aggregator-programmes');
    await shop.page.locator('#programmes tbody a').first().click();
    await shop.page.locator('#subscriptions tbody tr').nth(1).waitFor();
    expect(await text('#terms')).to.match(/A consumer earns\s+\d+\.\d %/);
    await shop.shot('aggregator-programme');
  });

  it('a device that was flagged is offered again by an operator, with a reason', async () => {
    await goTo('maintenance');
    await shop.page.getByText('No device is flagged').waitFor();
    const db = await openTables.aggregator(shop.net, shop.net.aggregators[0]!.name);
    const flag = { maintenance_since: new Date(shop.net.context.grid.nowMs()), unanswered: 5 };
    await db.updateTable('der').set(flag).where('der_id', '=', derId).execute();
    const row = shop.page.locator('#flagged tbody tr', { hasText: derId });
    await row.waitFor();
    const offer = row.getByRole('button', { name: 'Offer again…' });
    expect(await offer.isDisabled()).to.equal(true);
    await shop.page.getByText('Sign in as an operator to change something.').waitFor();
    await shop.page.getByRole('link', { name: 'Sign in' }).click();
    const signIn = async (token: string) => {
      await shop.page.getByLabel('Token').fill(token);
      await shop.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    };
    await signIn('token-of-nobody');
    await shop.page.getByText('nobody here has that token').waitFor();
    await signIn(TOKENS.olga);
    await shop.page.locator('.person', { hasText: 'olga · operator' }).waitFor();
    await goTo('maintenance');
    await offer.click();
    const confirm = shop.page.getByRole('button', { name: 'Confirm', exact: true });
    expect(await confirm.isDisabled()).to.equal(true);
    await shop.page.getByLabel('Reason, for the record').fill('a new router');
    await shop.shot('aggregator-maintenance');
    expect(await shop.violations()).to.deep.equal([]);
    await confirm.click();
    await row.waitFor({ state: 'detached' });
    const change = db.selectFrom('enrolment_change').select(['actor', 'reason']).where('subject', '=', 'maintenance');
    expect(await change.execute()).to.deep.equal([{ actor: 'olga', reason: 'a new router' }]);
    await shop.page.getByRole('button', { name: 'Sign out' }).click();
    await shop.page.locator('.person', { hasText: 'looking only' }).waitFor();
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
        ...['consent', 'programmes', 'programmes/standard', 'maintenance', 'sign-in'],
        'earnings',
        'network',
        'no',
      ]) {
        await goTo(screen);
        await shop.page.locator('text=Reading…').first().waitFor({ state: 'detached' });
        expect(await shop.violations(), screen || 'overview').to.deep.equal([]);
      }
      await shop.page.setViewportSize({ width: 390, height: 844 });
      for (const screen of ['', 'portfolio', 'orders', 'consent', 'programmes', 'maintenance', 'earnings', 'network']) {
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
