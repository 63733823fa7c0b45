/** An event over time on its screen: the three lines, and a message with its bytes. */
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { openTables } from '../harness/tables.ts';
import type { Desk } from './operators.ts';

/** Promised, acknowledged and measured kW; each line has a name at its end and a row of a table. */
export async function showsThreeLines(desk: Desk): Promise<void> {
  const lines = desk.page.locator('#lines');
  await lines.locator('canvas').waitFor();
  const label = await lines.getByRole('img').getAttribute('aria-label');
  const figure = '(\\d+\\.\\d) kW';
  const said = new RegExp(`promised ${figure}, acknowledged ${figure}, measured ${figure}, of ${figure} asked for`);
  expect(label).to.match(said);
  expect(await lines.innerText()).to.match(/positive where the load fell[\s\S]*Band: from the \d+\.\d kW/);
  await lines.getByText('These lines as a table').click();
  const rows = lines.locator('tbody tr');
  expect(await rows.count()).to.be.above(2);
  const [promised, acknowledged, measured] = said.exec(label!)!.slice(1);
  const newest = await rows.first().innerText();
  expect(newest).to.match(new RegExp(`${promised}\\s+${acknowledged}\\s+${measured}`));
  await lines.getByText('These lines as a table').click();
}

/** A message is opened from the list: its bytes are those that its aggregator sent, and verify; others in their place do not. */
export async function opensMessages(desk: Desk): Promise<void> {
  const { page, net } = desk;
  const timeline = page.locator('#timeline');
  const row = timeline.locator('tr.message', { hasText: 'on_confirm' }).first();
  await row.waitFor();
  expect(await row.innerText()).to.match(/\+\d+\.\d{3} s[\s\S]*verified ed25519, key [\w-]+…[\s\S]*aggregator-\d/);
  const lanes = timeline.locator('.lane-name');
  expect(await lanes.allInnerTexts()).to.include.members(['DSO', 'Devices', 'gateway-1', 'after detection']);
  await page.locator('#lines').scrollIntoViewIfNeeded();
  await desk.shot('event-lines');
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate("document.querySelector('#timeline').scrollIntoView()");
    await desk.shot(`event-axis-${colorScheme}`);
  }

  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate("document.querySelector('#lines').scrollIntoView()");
  await desk.shot('event-lines-phone');
  await page.evaluate("document.querySelector('#timeline').scrollIntoView()");
  await desk.shot('event-axis-phone');
  await page.setViewportSize({ width: 1366, height: 768 });

  await row.getByRole('button', { name: /^Bytes of on_confirm/ }).click();
  const dialog = page.locator('dialog');
  const bytes = dialog.locator('.bytes pre').nth(1);
  await bytes.waitFor();
  const shown = (await bytes.textContent())!;
  const { context } = JSON.parse(shown) as { context: { bpp_id: string; message_id: string; transaction_id: string } };
  const sent = await (await openTables.aggregator(net, context.bpp_id))
    .selectFrom('outbox')
    .select('payload')
    .where('kind', '=', 'message')
    .execute();
  const texts = sent.map(({ payload }) => (payload as { text: string }).text);
  expect(texts, 'as it was sent').to.include(shown);
  expect(await dialog.locator('.bytes pre').first().innerText()).to.match(
    new RegExp(`authorization: Signature keyId="${context.bpp_id}\\|[\\s\\S]*digest: BLAKE-512=`),
  );
  await dialog.getByRole('button', { name: 'Verify now' }).click();
  await dialog.locator('#message-verdict', { hasText: /^verified/ }).waitFor();
  expect(await dialog.innerText()).to.match(/record holds[\s\S]*signature holds[\s\S]*registry says now: the same key/);
  expect(await desk.violations()).to.deep.equal([]);
  await desk.shot('event-message');
  await page.emulateMedia({ colorScheme: 'dark' });
  await desk.shot('event-message-dark');
  await page.emulateMedia({ colorScheme: 'light' });

  const dso = (await openTables.dso(net)).updateTable('inbound_message').where('message_id', '=', context.message_id);
  await dso.set({ body: shown.replace('"committed-kw"', '"committed-KW"') }).execute();
  await dialog.getByRole('button', { name: 'Verify now' }).click();
  await dialog.getByText('◆ NOT verified').or(dialog.getByText('NOT verified')).first().waitFor();
  expect(await dialog.innerText()).to.match(/record fails[\s\S]*digest fails/);
  await dso.set({ body: shown }).execute();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const focus = await page.evaluate("document.activeElement?.getAttribute('aria-label')");
  expect(focus, 'where it was').to.match(/^Bytes of on_confirm/);

  await opensFromTheAxis(desk);
  await timeline.getByText('Answers of single devices').click();
  const devices = timeline.locator('.answers tbody tr');
  await devices.first().waitFor();
  expect(await devices.first().innerText()).to.match(
    /der-\d+[\s\S]*aggregator-\d[\s\S]*\d\.\d[\s\S]*accepted[\s\S]*\d\d:\d\d:\d\d/,
  );
  expect(await desk.violations()).to.deep.equal([]);
}

/** By the pointer: one group looked at closer, or one message read. */
async function opensFromTheAxis({ page, shot }: Desk): Promise<void> {
  const axis = page.locator('.axis');
  const dialog = page.locator('dialog');
  const mark = axis.locator('.lane', { hasText: 'gateway-1' }).locator('[data-mark] .axis-target').first();
  await mark.click();
  await dialog.getByRole('heading', { name: 'search to gateway-1' }).waitFor();
  await dialog.getByRole('button', { name: 'Verify now' }).click();
  await dialog.locator('#message-verdict', { hasText: /^verified/ }).waitFor();
  expect(await dialog.innerText()).to.contain(`of ${DSO_ID}, ed25519, our own`);
  await dialog.getByRole('button', { name: 'Close' }).click();
  const before = await axis.locator('.buttons .note').innerText();
  await axis.getByRole('button', { name: 'Zoom in' }).click();
  expect(await axis.locator('.buttons .note').innerText()).to.not.equal(before);
  await shot('event-axis-closer');
  await axis.getByRole('button', { name: 'All', exact: true }).click();
  expect(await axis.locator('.buttons .note').innerText()).to.equal(before);
}
