/** Single devices on the operator's page: one is excluded, and the next overload is relieved without it. One shift, in order. */
import type { DerView } from '@flexder/bap-dso/operator-api/ders/views.ts';
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Desk, inOrder, openDesk } from './operators.ts';

describe('single devices on the operator’s page', function () {
  this.timeout(120_000);
  let desk: Desk;
  let derId = '';
  /** Whose device's consent was withdrawn. */
  let seller = '';
  before(async function () {
    thorough.call(this);
    needsEngine('Chromium', 'chromium').call(this);
    desk = await openDesk();
  });
  after(() => desk?.close());
  inOrder();

  const minutes = (count: number) => desk.minutes(count);
  const text = (selector: string) => desk.page.locator(selector).innerText();
  const ders = async () => (await desk.net.api<{ ders: DerView[] }>('/api/v1/ders?limit=500')).ders;
  const lastOrders = async () => new Map((await ders()).map((der) => [der.derId, der.orders[0]?.obpId]));
  /** Over the limit, until what is sufficient, or everything that is on offer, has been bought. */
  async function relieved(option: 'sufficient' | 'everything'): Promise<void> {
    desk.net.feeder.push(1.2);
    await minutes(1);
    await desk.goTo('');
    await desk.page.locator('.line.needed').getByRole('link').click();
    await desk.act(`Approve ${option}…`, 'the evening peak');
    await desk.net.settle();
    await minutes(1);
  }

  it('says that none is known, and nothing is on offer, before anything was searched for', async () => {
    await desk.signIn('olga');
    await desk.page.getByRole('navigation').getByRole('link', { name: 'DERs', exact: true }).click();
    await desk.page.getByText('None is known yet').waitFor();
    expect(await text('#availability')).to.contain('Nothing was searched for');
    await desk.page.getByText('No aggregator has told of devices that it left out.').waitFor();
    expect(await desk.violations()).to.deep.equal([]);
    await desk.shot('ders-empty');
  });

  it('shows what was on offer and who served, found by feeder, type and state', async () => {
    await minutes(8);
    await relieved('sufficient');
    await desk.goTo('feeders/feeder-1');
    await desk.page.getByRole('link', { name: 'its devices' }).click();
    await desk.page.locator('#ders tbody tr').first().waitFor();
    expect(await desk.page.getByLabel('Feeder').inputValue()).to.equal('feeder-1');
    expect(await text('#availability')).to.match(/feeder-1[\s\S]*\d+\.\d[\s\S]*2 aggregators[\s\S]*ago/);
    const known = await ders();
    expect(known).to.have.length.above(5);
    expect(await desk.page.locator('#ders tbody tr').count()).to.equal(known.length);
    expect(await desk.violations()).to.deep.equal([]);
    await desk.shot('ders');
    const pumps = known.filter(({ deviceType }) => deviceType === 'heat-pump').length;
    await desk.page.getByLabel('Type').selectOption('heat-pump');
    await desk.page.locator('#ders', { hasText: `${pumps} found` }).waitFor();
    await desk.page.getByLabel('State').selectOption('excluded');
    await desk.page.getByText('None is like that.').waitFor();
  });

  it('excludes one with what it means, and says on every screen that one is', async () => {
    derId = (await ders()).find(({ serving, deviceType }) => serving && deviceType === 'battery')!.derId;
    await desk.goTo('ders');
    await desk.page.getByRole('link', { name: derId, exact: true }).click();
    await desk.page.locator('#der-orders tbody tr').first().waitFor();
    expect(await desk.violations()).to.deep.equal([]);
    await desk.page.getByRole('button', { name: 'Exclude…' }).click();
    await desk.page.getByLabel('Reason, for the record').fill('its inverter is on fire');
    await desk.page.getByRole('button', { name: 'Show what it does' }).click();
    const dialog = desk.page.locator('dialog');
    await dialog.getByText('Confirm within').waitFor();
    expect(await dialog.innerText())
      .to.match(/it stays in order obp-\S+ with [\d.]+ kW until release/)
      .and.match(/without it [\d.]+ of [\d.]+ kW are on offer on feeder-1/);
    expect(await desk.violations()).to.deep.equal([]);
    await desk.shot('der-exclude');
    await dialog.getByRole('button', { name: 'Confirm', exact: true }).click();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await desk.page.locator('#by-hand', { hasText: 'Excluded by olga' }).waitFor();
    await desk.shot('der');
    await desk.page.locator('#excluded-ders').getByRole('link').click();
    await desk.page.locator('#ders', { hasText: '1 found' }).waitFor();
    expect(await text('#ders tbody')).to.contain('excluded by olga');
  });

  it('takes it out of the order it is in: another stands in, and the kW stay', async () => {
    const [order] = (await ders()).find((one) => one.derId === derId)!.orders;
    const promised = async () => {
      const { orders } = await desk.net.api<{ orders: { obpId: string; promisedKw: number; revision: number }[] }>(
        `/api/v1/orders?obp_id=${order!.obpId}`,
      );
      return orders[0]!;
    };
    const { promisedKw } = await promised();
    await desk.page.getByRole('link', { name: derId, exact: true }).click();
    await desk.act('Out of the order…', 'the fire brigade is there');
    await desk.net.settle();
    await desk.page.locator('#der-orders', { hasText: 'taken out since' }).waitFor();
    expect(await promised()).to.include({ promisedKw, revision: 1 });
    expect((await ders()).find((one) => one.derId === derId)?.serving).to.equal(false);
    const { records } = await desk.net.api<{ records: { code?: string }[] }>('/api/v1/audit?order=newest&limit=200');
    expect(records.map(({ code }) => code)).to.not.include('excluded-der-used');
  });

  it('shows a consent as far as its aggregator tells: one that is withdrawn while the device serves', async () => {
    const row = (id: string) => desk.page.locator('#ders tbody tr', { hasText: id });
    const [withdrawn, other] = (await ders()).filter(({ serving }) => serving);
    const [gone, kept] = [withdrawn!.derId, other!.derId];
    seller = withdrawn!.bppId!;
    await desk.goTo('ders');
    await row(gone).getByText('valid', { exact: true }).waitFor();
    await desk.withdrawConsent(gone, seller);
    await desk.net.settle();
    await desk.goTo(`ders/${gone}`);
    await desk.page.locator('#der-orders', { hasText: 'opted out consent withdrawn' }).waitFor();
    expect(await text('main')).to.match(/Consent\s+◆?\s*withdrawn at its last order, \w+ \d+/);
    await desk.shot('der-consent');
    await desk.goTo('ders');
    await row(gone).getByText('withdrawn').waitFor();
    await row(kept).getByText('valid', { exact: true }).waitFor();
    expect(await text('#ders')).to.contain('consent as of its last order, by what its aggregator did then');
    await desk.shot('ders-consent');
  });

  it('buys the next relief without it, from others of the same aggregator', async () => {
    const before = await lastOrders();
    const [event] = (await desk.net.api<{ overloads: { eventId: string }[] }>('/api/v1/overloads')).overloads;
    await desk.goTo(`events/${event!.eventId}`);
    desk.net.feeder.relax();
    await desk.act('Release…', 'the load is down');
    await desk.net.settle();
    await minutes(20);
    await relieved('everything');
    expect(await text('#left-out'))
      .to.contain('excluded by hand: 1 device of feeder-1')
      .and.match(new RegExp(`${seller}: 1 device, [\\d.]+ kW rated: consent expired or withdrawn 1`));
    await desk.shot('event-left-out-two');
    const after = await lastOrders();
    const again = [...after].filter(([id, obpId]) => before.get(id) !== undefined && obpId !== before.get(id));
    // Its aggregator sold again, of what served before: it would have been among them.
    const { bppId } = (await ders()).find((one) => one.derId === derId)!;
    const sold = new Set((await ders()).filter((one) => one.bppId === bppId).map((one) => one.derId));
    expect(again.filter(([id]) => sold.has(id)).length).to.be.above(0);
    expect(after.get(derId)).to.equal(before.get(derId));
    const records = await desk.net.api<{ records: { code?: string }[] }>('/api/v1/audit?order=newest&limit=200');
    expect(records.records.map(({ code }) => code)).to.not.include('excluded-der-used');
  });

  it('shows by feeder and aggregator how many devices were not offered for want of consent', async () => {
    await desk.goTo('ders');
    const told = desk.page.locator('#not-offered tbody tr', { hasText: seller });
    await told.waitFor();
    expect(await told.innerText()).to.match(
      /feeder-1\s+aggregator-\d\s+\d+\s+1\s+[\d.]+\s[\s\S]*consent expired or withdrawn 1 \([\d.]+ kW\)[\s\S]*ago/,
    );
    expect(await desk.violations()).to.deep.equal([]);
    await desk.shot('ders-not-offered');
  });

  it('restores it; who only looks sees why nothing can be done; a phone shows it', async () => {
    await desk.goTo('ders?state=excluded');
    await desk.page.getByRole('link', { name: derId, exact: true }).click();
    await desk.act('Restore…', 'it was the neighbour’s');
    await desk.page.locator('#excluded-ders').waitFor({ state: 'detached' });
    await desk.page.getByRole('button', { name: 'Sign out' }).click();
    await desk.signIn('vera');
    await desk.goTo(`ders/${derId}`);
    const exclude = desk.page.getByRole('button', { name: 'Exclude…' });
    await exclude.waitFor();
    expect(await exclude.isDisabled()).to.equal(true);
    expect(await text('#by-hand')).to.contain('vera is a viewer: acting needs the role operator.');
    await desk.page.setViewportSize({ width: 390, height: 844 });
    for (const screen of [`ders/${derId}`, 'ders', 'ders/nobody']) {
      await desk.goTo(screen);
      await desk.page.locator('h1').waitFor();
      await desk.page.locator('text=Reading…').first().waitFor({ state: 'detached' });
      expect(await desk.page.evaluate('document.documentElement.scrollWidth'), screen).to.be.at.most(390);
      expect(await desk.violations(), screen).to.deep.equal([]);
    }
    expect(await text('main')).to.contain('No device of that id is known');
    expect(desk.troubles).to.deep.equal([]);
  });
});
