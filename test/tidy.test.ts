/** The rules of the house that no linter knows: who may import whom, and where time and chance come from. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const root = join(import.meta.dirname, '..');

/** What each room may import. `sandbox` and `test` put everything together. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  schemas: [],
  protocol: ['schemas'],
  runtime: ['schemas', 'protocol'],
  'registry-mock': ['schemas', 'protocol', 'runtime'],
  'bap-dso': ['schemas', 'protocol', 'runtime'],
  'bpp-aggregator': ['schemas', 'protocol', 'runtime'],
  'der-simulators': ['schemas', 'runtime'],
  // The command loads a benchmark by its name; a benchmark runs the sandbox's network.
  sandbox: ['schemas', 'protocol', 'runtime', 'registry-mock', 'bap-dso', 'bpp-aggregator', 'der-simulators', 'bench'],
  bench: ['schemas', 'protocol', 'runtime', 'registry-mock', 'bap-dso', 'bpp-aggregator', 'der-simulators', 'sandbox'],
};

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
}

function roomsImported(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'@flexder\/([a-z-]+)\//g)].map((match) => match[1] as string);
}

function sources(): Source[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.tsx'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '' && Object.hasOwn(MAY_IMPORT, path.split('/')[0] as string))
    .map((path) => ({ path, room: path.split('/')[0] as string, text: readFileSync(join(root, path), 'utf8') }));
}

const all = sources();
const production = all.filter(({ path }) => !/(\.(test|fixture)\.ts$|\/testing\/|\/conformance\b)/.test(path));

describe('tidy', () => {
  it('imports point one way', () => {
    const wrong = all.flatMap(({ path, room, text }) =>
      roomsImported(text)
        .filter((imported) => imported !== room && !MAY_IMPORT[room]?.includes(imported))
        .map((imported) => `${path} imports ${imported}`),
    );
    expect(wrong).to.deep.equal([]);
    expect(roomsImported("import { a } from '@flexder/bap-dso/main.ts';")).to.deep.equal(['bap-dso']);
    expect(all.filter(({ text }) => roomsImported(text).length > 0)).to.have.length.above(50);
  });

  it('no import reaches into another room by path', () => {
    const wrong = all.flatMap(({ path, text }) =>
      [...text.matchAll(/from '((?:\.\.\/)+)([^']*)'/g)]
        .filter((match) => (match[1] as string).length / 3 >= path.split('/').length - 1)
        .map((match) => `${path} imports ${match[0]}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('protocol is pure: no I/O, no clock, no environment', () => {
    const impure = /from 'node:(?!crypto)|\bDate\.now\b|\bnew Date\(\)|\bprocess\./;
    const wrong = production
      .filter(({ room, text }) => room === 'protocol' && impure.test(text))
      .map(({ path }) => path);
    expect(wrong).to.deep.equal([]);
  });

  it('time and chance come from the context alone, on the page from browser.ts', () => {
    const worldly =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval)\(|(?<![.\w])fetch\(|\brandomUUID\(/;
    const allowed = /^(runtime\/src\/(clock|context)\.ts|sandbox\/src\/cli\/|runtime\/src\/page\/browser\.ts$)/;
    const wrong = production
      .filter(({ path, text }) => !allowed.test(path) && worldly.test(text))
      .map(({ path }) => path);
    expect(wrong).to.deep.equal([]);
  });

  it('the environment is read in config.ts and on the command line alone', () => {
    const allowed = /(\/config\.ts|^sandbox\/src\/cli\/)/;
    const wrong = production
      .filter(({ path, text }) => !allowed.test(path) && /\bprocess\.env\b/.test(text))
      .map(({ path }) => path);
    expect(wrong).to.deep.equal([]);
  });

  it('no test is focused or switched off', () => {
    const wrong = all.filter(
      ({ path, text }) => path !== 'test/tidy.test.ts' && /\b(describe|it)\.(only|skip)\(/.test(text),
    );
    expect(wrong.map(({ path }) => path)).to.deep.equal([]);
  });
});
