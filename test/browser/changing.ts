/** An order is changed by hand on its screen. */
import { expect } from 'chai';
import { type Desk, MARKUP } from './operators.ts';

/** Of a running order; what is asked for and answered shows with it and with its event. */
export async function changesAnOrder(desk: Desk, obpId: string, eventId: string): Promise<void> {
  const text = (selector: string) => desk.page.locator(selector).innerText();
  const button = (name: string) => desk.page.getByRole('button', { name, exact: true }).first();
  await desk.goTo(`orders/${obpId}`);
  expect(await text('#changes')).to.contain('it stands as it was confirmed');
  await button('Change kW…').click();
  await desk.page.getByRole('textbox', { name: 'kW of reduction' }).fill('5');
  await desk.page.getByLabel('Reason, for the record').fill(`half will do ${MARKUP}`);
  await button('Show what it does').click();
  const dialog = desk.page.locator('dialog');
  await dialog.getByText('Confirm within').waitFor();
  expect(await dialog.innerText()).to.match(/its aggregator is asked[\s\S]*Promised\s+\d+\.\d kW, asked for 5\.0 kW/i);
  await desk.shot('change-dialog');
  await button('Confirm').click();
  await button('Close').click();
  await desk.net.settle();
  const change = desk.page.locator('#changes tr', { hasText: 'half will do' });
  await change.getByText('agreed').waitFor();
  expect(await change.innerText()).to.match(/5\.0 kW[\s\S]*olga[\s\S]*from \d\d:\d\d:\d\d/);
  expect(await text('#relief')).to.contain('5.0 kW');
  await desk.act('Change its end…', 'the crew needs longer');
  await desk.net.settle();
  const longer = desk.page.locator('#changes tr', { hasText: 'the crew needs longer' });
  await longer.getByText(/agreed|refused/).waitFor();
  await desk.shot('changes-of-order');
  await desk.goTo(`events/${eventId}`);
  await desk.page.locator('#changes a', { hasText: 'aggregator' }).first().waitFor();
  await desk.shot('event-changed');
  expect(await text('#tiers')).to.match(/1 of plan 1\s+(armed|◆ released)[\s\S]*aggregator-1[\s\S]*£\d+\.\d\d/);
  expect(await desk.violations()).to.deep.equal([]);
}
