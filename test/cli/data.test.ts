import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { bin, flexder, root } from './flexder.ts';

const SAMPLE = join(root, 'schemas', 'samples', 'network');

describe('flexder: open data and the network model', function () {
  this.timeout(60_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'flexder-cli-data-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  /** Beside the server of this test, which a synchronous run would stop. */
  function beside(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  }

  it('fetches a history with a manifest, with progress', async () => {
    const server = createServer((request, response) => {
      const date = new URL(request.url!, 'http://x').pathname.slice(-10);
      const row = { settlementDate: date, settlementPeriod: 1, startTime: `${date}T00:00:00Z` };
      const prices = { systemSellPrice: 80.25, systemBuyPrice: 80.25, netImbalanceVolume: -3 };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: [{ ...row, ...prices }] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const days = ['--from', '2026-01-01', '--to', '2026-01-02', '--out', dir, '--base-url', url];
    const { code, out, err } = await beside(['data', 'fetch', '--source', 'elexon', ...days]);
    server.close();
    expect(code, err).to.equal(0);
    expect(err).to.include('part 2 of 2, 2 rows').and.include('Elexon Limited');
    const { file, rows } = JSON.parse(out);
    expect(rows).to.equal(2);
    expect(readFileSync(file, 'utf8').split('\n')[1]).to.equal('2026-01-01,1,2026-01-01T00:00:00Z,,80.25,80.25,,-3');
    const manifest = JSON.parse(readFileSync(join(dir, 'elexon-system-prices', 'manifest.json'), 'utf8'));
    expect(manifest.parts[0]).to.include({
      rows: 1,
      url: `${url}/balancing/settlement/system-prices/2026-01-01?format=json`,
    });
  });

  it('without a network it says so and exits 1', () => {
    const days = ['--from', '2026-01-01', '--to', '2026-01-02', '--out', dir, '--base-url', 'http://127.0.0.1:1'];
    const { code, out, err } = flexder(['data', 'fetch', '--source', 'carbon', ...days]);
    expect([code, out]).to.deep.equal([1, '']);
    expect(err).to.include('There is no network to the source').and.include('the same command goes on from there');
  });

  it('asked wrongly it exits 2 with what is known', function () {
    thorough.call(this);
    for (const [args, text] of [
      [['data', 'fetch', '--source', 'bbc'], '--source must be one of ukpn, neso, elexon, carbon'],
      [['data', 'fetch', '--source', 'neso', '--dataset', 'x'], 'name one of neso-demand-data-update'],
      [['data', 'fetch', '--source', 'neso', '--from', '2026-02-30'], '--from must be a date'],
      [['data', 'fetch', '--source', 'neso', '--from', '2026-02-02', '--to', '2026-02-01'], '--from is after --to'],
      [['data', 'fetch', '--source', 'neso', '--base-url', 'ftp://x'], '--base-url must begin with https:'],
      [['data'], 'say what to do with open data'],
      [['network', 'export'], 'say what to do with the network'],
    ] as const) {
      const { code, err } = flexder(args);
      expect(code, args.join(' ')).to.equal(2);
      expect(err).to.include(text);
    }
    expect(flexder(['data', 'list']).out)
      .to.include('ukpn-live-faults')
      .and.include('CC BY 4.0');
  });

  it('imports the sample network, and names every fault of a broken one', () => {
    const checked = flexder(['network', 'import', '--dir', SAMPLE, '--check']);
    expect([checked.code, checked.out]).to.deep.equal([0, '']);
    expect(checked.err).to.include('3 feeders below 2 GSPs, 5 devices, 1 of them at essential meters');
    expect(JSON.parse(flexder(['network', 'import', '--dir', SAMPLE]).out)).to.have.length(3);
    const broken = join(dir, 'network');
    cpSync(SAMPLE, broken, { recursive: true });
    writeFileSync(join(broken, 'ratings.csv'), 'river-lane,winter,0\nriver-lane,monsoon,1\n', { flag: 'a' });
    const { code, err } = flexder(['network', 'import', '--dir', broken, '--check']);
    expect(code).to.equal(1);
    expect(err).to.include('ratings.csv, line 22, rating_kw: must be a number above 0');
  });
});
