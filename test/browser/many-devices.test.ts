/** The aggregator's page before ten thousand devices on a thousand feeders. */
import { openBench } from '@flexder/bpp-aggregator/testing/bench.ts';
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { openWindow, type Window } from './window.ts';

const [FEEDERS, ON_EACH] = [1_000, 10];

describe('the aggregator’s page before ten thousand devices', function () {
  this.timeout(180_000);
  const opened: { close(): Promise<void> }[] = [];
  let window: Window;
  let url: string;
  before(async function () {
    thorough.call(this);
    needsEngine('Chromium', 'chromium').call(this);
    const bench = await openBench({ ders: ON_EACH, feeders: FEEDERS });
    opened.push(bench);
    const service = await bench.start();
    opened.unshift(service);
    url = service.url;
    window = await openWindow(`${url}/dashboard`, '#types');
    opened.unshift(window);
  });
  after(async () => {
    for (const part of opened) await part.close();
  });

  it('adds them all up, draws the rows that are seen alone, and leads to the last feeder', async () => {
    const { page } = window;
    expect(await page.locator('#sums').innerText()).to.contain('of 10000');
    const beganMs = performance.now();
    await fetch(`${url}/api/v1/view/overview`).then((answer) => answer.text());
    if (process.env.FLEXDER_SCREENSHOTS) process.stdout.write(`overview ${performance.now() - beganMs} ms\n`);
    await page.evaluate(`location.hash = '#/portfolio'`);
    const rows = page.locator('#holdings tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).to.be.below(80);
    await page.locator('#holdings .long').evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.locator('#holdings', { hasText: 'LPN-999' }).waitFor();
    expect(await rows.count()).to.be.below(80);
    expect(await window.violations()).to.deep.equal([]);
    await window.shot('many-devices');
  });
});
