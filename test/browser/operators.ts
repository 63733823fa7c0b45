/** A network with people who may look and act, and a browser before its page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { programPath } from '@flexder/runtime/testing/engine.ts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { TestNetwork } from '../harness/network.ts';

export const MINUTE_MS = 60_000;
export const MARKUP = '<img src=x onerror="alert(1)">';
export const TOKENS = { vera: 'token-of-vera', olga: 'token-of-olga' } as const;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export interface Desk {
  readonly net: TestNetwork;
  readonly page: Page;
  /** What the page complained of, and dialogs that it opened. */
  readonly troubles: string[];
  goTo(screen: string): Promise<void>;
  signIn(name: keyof typeof TOKENS): Promise<void>;
  /** Through both steps; `text` is on the button that begins. */
  act(text: string, reason: string): Promise<void>;
  /** What of the present screen breaks WCAG 2.2 A or AA. */
  violations(): Promise<string[]>;
  close(): Promise<void>;
}

/** A bench feeder, and one that is never read and whose name is markup; every overload asks the operator. */
export async function openDesk(): Promise<Desk> {
  const feeders = [
    { feederId: 'feeder-1', name: 'Bench feeder', limitKw: 96 },
    { feederId: 'F-SILENT', name: `Silent ${MARKUP}`, limitKw: 100 },
  ];
  const operators = [
    { name: 'vera', role: 'viewer' as const, tokenSha256: tokenSha256(TOKENS.vera) },
    { name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(TOKENS.olga) },
  ];
  const modes = [{ mode: 'supervised' as const, countdownSeconds: 900 }];
  const bap = { dsoName: `The DSO ${MARKUP}`, feeders, operators, modes };
  const net = await TestNetwork.create({ ders: 24, bap });
  const browser: Browser = await chromium.launch({ executablePath: programPath('chromium')!, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  page.on('dialog', (dialog) => {
    troubles.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.setDefaultTimeout(15_000);
  await page.goto(net.bap.url);
  await page.waitForSelector('#feeders li');
  await page.evaluate(AXE);
  return {
    net,
    page,
    troubles,
    async goTo(screen) {
      await page.evaluate(`location.hash = '#/${screen}'`);
    },
    async signIn(name) {
      await page.evaluate(`location.hash = '#/sign-in'`);
      await page.getByLabel('Token').fill(TOKENS[name]);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.locator('.person', { hasText: name }).waitFor();
    },
    async act(text, reason) {
      await page.getByRole('button', { name: text, exact: true }).first().click();
      await page.getByLabel('Reason, for the record').fill(reason);
      await page.getByRole('button', { name: 'Show what it does' }).click();
      await page.getByRole('button', { name: 'Confirm', exact: true }).click();
      await page.getByText('Done, and recorded').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
    },
    violations: () =>
      page.evaluate(
        `axe.run(document, { runOnly: { type: 'tag', values: ${JSON.stringify(STANDARD)} } }).then(({ violations }) =>
           violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))`,
      ) as Promise<string[]>,
    async close() {
      await browser.close();
      await net.close();
    },
  };
}
