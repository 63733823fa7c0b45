/** Texts of others where people and programs read them: the page, an export, the log. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settlementCsv } from '@flexder/bap-dso/audit-settlement/reports/csv.ts';
import { SETTLEMENT_COLUMNS } from '@flexder/bap-dso/audit-settlement/settlement/columns.ts';
import type { SettlementValues } from '@flexder/bap-dso/audit-settlement/settlement/rows.ts';
import { expect } from 'chai';
import { useArena } from '../harness/shared-arena.ts';
import { sendWire } from '../harness/wire.ts';

const root = join(import.meta.dirname, '..', '..');
const dashboard = join(root, 'bap-dso', 'dashboard');
const built = join(root, 'bap-dso', 'dist', 'dashboard');
const MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

describe('adversarial: texts of others', function () {
  this.timeout(60_000);

  describe('MSG-15 on the page', () => {
    const asMarkup =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\(|new Function\(/;
    const files = (folder: string, kinds: RegExp) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => kinds.test(name))
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);

    it('no file of it reads text as markup or as a program', () => {
      const sources = files(dashboard, /\.tsx?$/);
      expect(sources.length).to.be.above(20);
      for (const [name, text] of sources) expect(text, name).to.not.match(asMarkup);
      expect('element.innerHTML = text').to.match(asMarkup);
    });

    it('no address of a link is made of a text alone', () => {
      for (const [name, text] of files(dashboard, /\.tsx$/))
        for (const [, value = ''] of text.matchAll(/\b(?:href|src)=\{([^}]*)/g))
          expect(value, name).to.match(/^(to\(|linkOf\(|`[#/])/);
    });

    it('what is served has no inline program, and makes none of a text', () => {
      const [[, page] = ['', '']] = files(built, /\.html$/);
      expect(page)
        .to.contain('<script ')
        .and.to.not.match(/\son[a-z]+\s*=|javascript:|<style/i);
      for (const [script = ''] of page.matchAll(/<script[^>]*>/g)) expect(script).to.contain(' src="/dashboard/');
      const scripts = files(built, /\.js$/);
      expect(scripts).to.have.length(1);
      for (const [name, text] of scripts) expect(text, name).to.not.match(/\beval\(|new Function\(|document\.write/);
    });
  });

  describe('MSG-15 in what is served', () => {
    const arena = useArena();

    it('the page may run its own scripts alone, and data is never taken for a page', async () => {
      const { url } = arena().net.bap;
      const start = await fetch(url);
      const policy = start.headers.get('content-security-policy') ?? '';
      expect(policy).to.contain("default-src 'none'").and.contain("script-src 'self'");
      expect(policy).to.not.match(/unsafe-|data:|\*/);
      const data = await fetch(`${url}/api/v1/snapshot`);
      expect(data.headers.get('content-type')).to.match(/^application\/json/);
      expect(data.headers.get('x-content-type-options')).to.equal('nosniff');
    });

    it('what a refusal repeats of a message is JSON', async () => {
      for (const { url } of [arena().bpp, arena().bap, arena().bg]) {
        const answer = await sendWire({
          url: `${url}/${encodeURIComponent(MARKUP)}`,
          headers: [],
          body: Buffer.from('{}'),
        });
        expect(answer.status).to.equal(404);
        expect(answer.headers.get('content-type')).to.match(/^application\/json/);
        expect(answer.text).to.not.contain('<img');
      }
    });
  });

  describe('MSG-15 in a CSV', () => {
    const plain = Object.fromEntries(
      SETTLEMENT_COLUMNS.map(([column, kind]) => [column, kind === 'text' ? 'x' : '-1.5']),
    ) as SettlementValues;
    const lines = (rows: readonly SettlementValues[]) => settlementCsv(rows).split('\r\n');

    for (const [column, kind] of SETTLEMENT_COLUMNS) {
      const attacks = ['=cmd()', '+1+cmd', '-1+cmd', '@SUM(A1)', '\t=1', '＝1', '=1"&"2'];
      it(`${column} (${kind}): a formula is text${kind === 'number' ? ', a negative figure is a figure' : ''}`, () => {
        const index = SETTLEMENT_COLUMNS.findIndex(([name]) => name === column);
        for (const attack of attacks) {
          const [, line = ''] = lines([{ ...plain, [column]: attack } as SettlementValues]);
          const cell = line.split(',')[index] ?? '';
          expect(cell.replace(/^"/, ''), attack).to.match(/^'/);
        }
        const [, twin = ''] = lines([plain]);
        expect(twin.split(',')[index]).to.equal(kind === 'number' ? '-1.5' : 'x');
      });
    }
  });

  it('MSG-16 whatever is in ids and headers, one event is one line of JSON in the log', () => {
    const texts = [
      'a\r\n{"level":50,"msg":"forged"}',
      'a\nb',
      '\u001b[2J\u001b[31mred',
      'a\u2028b\u2029c\u0085d',
      '\u0000\u0007\u0008',
      '\u202ereversed',
      '"}{"level":60',
      '\ud800',
      'x'.repeat(10_000),
    ];
    const program = `
      import { createLogger } from '${join(root, 'runtime/src/logging.ts')}';
      const log = createLogger('test', 'debug');
      for (const text of ${JSON.stringify(texts)}) {
        log.info({ id: text, [text]: 1, error: new Error(text).stack, nested: { header: text } }, text);
        log.child({ subscriber: text }).warn({ password: 'canary-1', a: { authorization: 'canary-2' } }, 'x');
      }`;
    const { stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      encoding: 'utf8',
      cwd: root,
    });
    expect(status, stderr).to.equal(0);
    const written = stderr.split('\n').filter((line) => line !== '');
    expect(written).to.have.length(texts.length * 2);
    for (const line of written) {
      expect(JSON.parse(line)).to.include({ service: 'test' });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(line).to.not.match(/[\u0000-\u001f\u007f]/);
    }
    expect(stderr).to.not.match(/canary/);
  });
});
