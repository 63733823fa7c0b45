/** The operator's page as a person has it: in a browser, on a network that runs. Its tests are one shift, in order. */
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { expect } from 'chai';
import { changesAnOrder } from './changing.ts';
import { opensMessages, showsThreeLines } from './messages.ts';
import { type Desk, inOrder, MARKUP, openDesk } from './operators.ts';

describe('the operator’s page in a browser', function () {
  this.timeout(120_000);
  let desk: Desk;
  let eventId = '';
  before(async function () {
    needsEngine('Chromium', 'chromium').call(this);
    desk = await openDesk();
  });
  after(() => desk?.close());
  inOrder();

  const text = (selector: string) => desk.page.locator(selector).innerText();
  const minutes = (count: number) => desk.minutes(count);
  const button = (name: string) => desk.page.getByRole('button', { name, exact: true }).first();
  const orders = () => desk.net.api<{ orders: { obpId: string; state: string }[] }>('/api/v1/orders');

  it('says that it is a simulation, how its links are, and that nothing happens', async () => {
    expect(await text('#mode')).to.equal('SIMULATION');
    await desk.page.locator('.links li.up', { hasText: 'Database' }).waitFor();
    await desk.page.locator('.links li.up', { hasText: 'BPPs 2/2' }).waitFor();
    expect(await text('#feeders')).to.match(/Bench feeder[\s\S]*of 96\.0 kW/);
    expect(await text('#attention')).to.contain('No open event');
    expect(await text('#orders')).to.contain('No order in flight');
  });

  it('shows an anomaly with its rule, since when, and the message that showed it', async () => {
    await minutes(1);
    desk.net.feeder.push(0.9);
    await minutes(1);
    await desk.page.locator('.feeder', { hasText: 'Bench feeder' }).getByText('anomaly').waitFor();
    await desk.page.getByRole('link', { name: 'Bench feeder' }).click();
    const row = desk.page.locator('#anomalies tr', { hasText: 'rate-of-rise' });
    await row.waitFor();
    expect(await row.innerText()).to.match(
      /Steep rise[\s\S]*rose by .* kW[\s\S]*version 1[\s\S]*\d\d:\d\d[\s\S]*feeder-1\/telemetry[\s\S]*SHA-256 [0-9a-f]{16}/,
    );
    expect(await desk.page.locator('canvas').count()).to.equal(1);
    desk.net.feeder.relax();
    await desk.goTo('');
  });

  it('MSG-15 shows a feeder that was never read, and its name as text', async () => {
    await minutes(6);
    const row = desk.page.locator('.feeder', { hasText: MARKUP });
    await row.getByText('never read').waitFor();
    expect(await text('#dso')).to.contain(MARKUP);
    expect(await desk.page.locator('img').count()).to.equal(0);
  });

  it('an overload asks for a decision, with its countdown; who may not act sees why', async () => {
    await minutes(2);
    const withdrawn = await desk.deviceOfSeller();
    await desk.withdrawConsent(withdrawn);
    desk.net.feeder.push(1.2);
    await minutes(1);
    const call = desk.page.locator('.line.needed');
    await call.waitFor();
    expect(await call.innerText()).to.match(/Decide on feeder-1 \d+:\d\d until sufficient is bought/);
    expect(await text('#sentence')).to.contain('Over its limit: Bench feeder. 1 decision waits for you.');
    await desk.signIn('vera');
    await call.getByRole('link').click();
    await desk.page.locator('.option').first().waitFor();
    expect(await desk.page.locator('.option').count()).to.equal(3);
    expect(await text('.option.recommended')).to.match(/sufficient recommended[\s\S]*kW[\s\S]*£\d+\.\d\d[\s\S]*%/);
    expect(await text('#options'))
      .to.contain('Why sufficient:')
      .and.contain('Left out:');
    // Its aggregator says why the DSO cannot have it, and not which it is.
    expect(await text('#left-out'))
      .to.match(/aggregator-1: 1 device, [\d.]+ kW rated: consent expired or withdrawn 1 \([\d.]+ kW\)/)
      .and.not.contain(withdrawn);
    await desk.shot('event-left-out');
    for (const name of ['Approve sufficient…', 'Decline…', 'Buy more…', 'Escalate…', 'Release…'])
      expect(await button(name).isDisabled(), name).to.equal(true);
    expect(await text('#options')).to.contain('vera is a viewer: acting needs the role operator.');
    eventId = decodeURIComponent((await desk.page.evaluate('location.hash.split("/")[2]')) as string);
    expect((await orders()).orders).to.deep.equal([]);
  });

  it('an operator says why, sees the effect, confirms, and the orders appear', async () => {
    await button('Sign out').click();
    await desk.page.locator('.person', { hasText: 'looking only' }).waitFor();
    await desk.signIn('olga');
    await desk.goTo(`events/${eventId}`);
    await button('Approve sufficient…').click();
    expect(await button('Show what it does').isDisabled()).to.equal(true);
    await desk.page.getByLabel('Reason, for the record').fill('the evening peak');
    expect(await desk.violations()).to.deep.equal([]);
    await button('Show what it does').click();
    const dialog = desk.page.locator('dialog');
    await dialog.getByText('Confirm within').waitFor();
    expect(await dialog.innerText())
      .to.contain('by fresh offers')
      .and.contain('Expected relief');
    expect((await orders()).orders).to.deep.equal([]);
    await desk.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await desk.act('Approve sufficient…', `the evening peak ${MARKUP}`);
    await desk.net.settle();
    const bought = (await orders()).orders;
    expect(bought).to.have.length.above(0);
    await desk.page.locator('#orders td a').first().waitFor();
    for (const { obpId } of bought)
      expect(await desk.page.locator(`#orders a[title="${obpId}"]`).count(), obpId).to.equal(1);
    expect(await text('#mode-of-event'))
      .to.contain('Approved sufficient by olga')
      .and.contain(MARKUP);
    const timeline = desk.page.locator('#timeline tbody');
    for (const what of ['overload.detected', 'on_search', 'decision.made', 'confirm'])
      await timeline.getByText(what).first().waitFor();
    expect(await desk.page.locator('img').count()).to.equal(0);
  });

  it('shows promised, acknowledged and measured each against what was asked', async () => {
    await minutes(3);
    const rows = desk.page.locator('#relief .against-row');
    await rows.nth(2).getByText('kW').waitFor();
    expect(await rows.allInnerTexts()).to.satisfy((all: string[]) => all.every((row) => /\d+\.\d kW/.test(row)));
  });

  it('draws promised, acknowledged and measured as three lines over time', () => showsThreeLines(desk));

  it('has every message on one axis, with its bytes and their verification one press away', () => opensMessages(desk));

  it('an aggregator is excluded, said on every screen, and restored', async () => {
    await desk.goTo('controls');
    await desk.page.locator('#scores tbody tr').first().waitFor();
    await desk.shot('controls');
    await desk.act('Exclude…', 'its devices do not answer');
    const banner = desk.page.locator('.banner', { hasText: 'is excluded' });
    await banner.waitFor();
    for (const screen of ['', 'alarms', 'audit']) {
      await desk.goTo(screen);
      expect(await banner.innerText(), screen).to.contain('aggregator-1 is excluded by olga');
    }
    await desk.act('Restore…', 'they do again');
    await banner.waitFor({ state: 'detached' });
  });

  it('an alarm says what to do, is acknowledged under a name, and goes when it is over', async () => {
    await desk.goTo('alarms');
    const decision = desk.page.locator('#alarm-list tr', { hasText: 'Decision needed' });
    expect(await decision.innerText())
      .to.contain('compare its options')
      .and.contain('over');
    await decision.getByRole('button', { name: 'Acknowledge' }).click();
    await decision.waitFor({ state: 'detached' });
    const silent = desk.page.locator('#alarm-list tr', { hasText: 'F-SILENT' });
    await silent.getByRole('button', { name: 'Acknowledge' }).click();
    await silent.getByText('heard by olga').waitFor();
    expect(await silent.innerText()).to.contain('standing');
  });

  it('an alarm is shelved with a reason and an end, seen among the shelved, and taken back', async () => {
    const silent = desk.page.locator('#alarm-list tr', { hasText: 'F-SILENT' });
    await silent.getByRole('button', { name: 'Shelve…' }).click();
    await desk.page.getByLabel('Reason, for the record').fill('its meter is replaced');
    await desk.page.locator('dialog select').selectOption('60');
    expect(await desk.violations()).to.deep.equal([]);
    await button('Shelve').click();
    await silent.waitFor({ state: 'detached' });
    const aside = desk.page.locator('#shelved tr', { hasText: 'F-SILENT' });
    await desk.shot('alarms');
    expect(await aside.innerText()).to.match(/\d\d:\d\d:\d\d[\s\S]*its meter is replaced by olga/);
    await aside.getByRole('button', { name: 'Take back' }).click();
    await silent.waitFor();
    await desk.page.getByText('No alarm is put aside.').waitFor();
  });

  it('the record is found by event, each one whole, and the chain is verified on the spot', async () => {
    await desk.goTo(`audit?event_id=${eventId}`);
    const found = desk.page.locator('#found');
    const approval = found.locator('tr', { hasText: 'decision.made' });
    await approval.locator('summary').click();
    expect(await approval.locator('pre').innerText())
      .to.contain('"actor_id": "olga"')
      .and.contain(eventId);
    await button('Verify the chain').click();
    await desk.page.locator('#verdict', { hasText: 'records hold' }).waitFor();
  });

  it('a shift begins from a draft, adds what only a person knows, and the next one reads it as it was typed', async () => {
    await desk.goTo('handover');
    await button('Draft from the present state').click();
    const note = desk.page.getByLabel('What the next shift has to know');
    await desk.page.getByText('A draft is there').waitFor();
    const drafted = await note.inputValue();
    expect(drafted)
      .to.contain('Open events (1): Bench feeder')
      .and.match(/Standing alarms \(\d\): \w/);
    await note.fill(`${drafted}\nThe meter comes at nine ${MARKUP}`);
    await button('Write the note').click();
    const written = desk.page.locator('.shift-notes li').first();
    await written.waitFor();
    expect(await written.innerText())
      .to.contain('olga')
      .and.contain(`at nine ${MARKUP}`);
    expect(await note.inputValue()).to.equal('');
    expect(await desk.page.locator('img').count()).to.equal(0);
  });

  it('is dark or light as a person chose, whatever the system asks', async () => {
    const ground = () => desk.page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await desk.page.getByLabel('Colours of this page').selectOption('dark');
    expect(await ground()).to.not.equal(light);
    expect(await desk.page.evaluate("localStorage.getItem('flexder-theme')")).to.equal('dark');
    await desk.page.getByLabel('Colours of this page').selectOption('system');
    expect(await ground()).to.equal(light);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`every screen keeps WCAG 2.2 A and AA, ${colorScheme}`, async () => {
      await desk.page.emulateMedia({ colorScheme });
      const [order] = (await orders()).orders;
      const named = [`events/${eventId}`, `orders/${order?.obpId}`, 'feeders/feeder-1', 'nowhere'];
      const screens = [
        '',
        'map',
        'events',
        'orders',
        'ders',
        'alarms',
        'handover',
        'controls',
        'audit',
        'settlement',
        'sign-in',
      ];
      for (const screen of [...screens, ...named]) {
        await desk.goTo(screen);
        await desk.page.locator('h1').waitFor();
        await desk.page.locator('text=Reading…').first().waitFor({ state: 'detached' });
        expect(await desk.violations(), screen || 'overview').to.deep.equal([]);
      }
    });
  }

  it('a screen begins at its heading, also for who uses the keyboard', async () => {
    await desk.page.emulateMedia({ colorScheme: 'light' });
    await desk.goTo('orders');
    await desk.page.getByRole('heading', { name: 'Orders', exact: true }).waitFor();
    expect(await desk.page.evaluate('document.activeElement?.id')).to.equal('title');
  });

  it('the overview needs no scrolling in a control room, and no screen is wider than a phone', async () => {
    await desk.goTo('');
    await desk.page.locator('#feeders').waitFor();
    expect(await desk.page.evaluate('document.documentElement.scrollHeight')).to.be.at.most(768);
    await desk.page.setViewportSize({ width: 390, height: 844 });
    for (const screen of ['', 'map', 'alarms', 'handover', 'settlement', 'feeders/feeder-1', `events/${eventId}`]) {
      await desk.goTo(screen);
      await desk.page.locator('h1').waitFor();
      expect(await desk.page.evaluate('document.documentElement.scrollWidth'), screen).to.be.at.most(390);
    }
    await desk.page.setViewportSize({ width: 1366, height: 768 });
  });

  it('other kW and another end of an order are asked for by hand, and what was answered is shown', async () => {
    const { obpId } = (await orders()).orders.find(({ state }) => state === 'IN_PROGRESS')!;
    await changesAnOrder(desk, obpId, eventId);
  });

  it('an order is cancelled by hand', async () => {
    const { obpId } = (await orders()).orders.find(({ state }) => state === 'IN_PROGRESS')!;
    await desk.goTo(`orders/${obpId}`);
    await desk.act('Cancel the order…', 'the crew is on the line');
    await desk.net.settle();
    await desk.page.getByText('cancelled by olga: the crew is on the line').first().waitFor();
    expect((await orders()).orders.find((order) => order.obpId === obpId)?.state).to.equal('CANCELLED');
  });

  it('has complained of nothing, and says so when the DSO is gone', async () => {
    expect(desk.troubles).to.deep.equal([]);
    expect(await desk.page.locator('#link').getAttribute('data-link')).to.equal('live');
    await desk.goTo('controls');
    await button('Stop dispatch…').waitFor();
    expect(await button('Stop dispatch…').isDisabled()).to.equal(false);
    await desk.net.close();
    await desk.page.locator('#offline').waitFor();
    expect(await button('Stop dispatch…').isDisabled()).to.equal(true);
    expect(await text('#link')).to.match(/OFFLINE: data \d+ s old/);
    expect(await desk.page.locator('.links li.up').count()).to.equal(0);
    expect(await desk.violations()).to.deep.equal([]);
  });
});
