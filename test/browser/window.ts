/** A browser before a page: what it complains of, what breaks the standard, and pictures to look at. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { programPath } from '@flexder/runtime/testing/engine.ts';
import { chromium, type Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export interface Window {
  readonly page: Page;
  /** What the page complained of, and dialogs that it opened. */
  readonly troubles: string[];
  /** For a person to look at, where FLEXDER_SCREENSHOTS names a folder. */
  shot(name: string): Promise<void>;
  /** What of the present screen breaks WCAG 2.2 A or AA. */
  violations(): Promise<string[]>;
  close(): Promise<void>;
}

/** The smallest screen of a control room; `there` is what the page has when it is there. */
export async function openWindow(url: string, there: string): Promise<Window> {
  const browser = await chromium.launch({ executablePath: programPath('chromium')!, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  page.on('dialog', (dialog) => {
    troubles.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.setDefaultTimeout(15_000);
  try {
    await page.goto(url);
    await page.waitForSelector(there);
    await page.evaluate(AXE);
  } catch (error) {
    await browser.close();
    throw error;
  }
  return {
    page,
    troubles,
    async shot(name) {
      const folder = process.env.FLEXDER_SCREENSHOTS;
      if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
    },
    violations: () =>
      page.evaluate(
        `axe.run(document, { runOnly: { type: 'tag', values: ${JSON.stringify(STANDARD)} } }).then(({ violations }) =>
           violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))`,
      ) as Promise<string[]>,
    close: () => browser.close(),
  };
}
