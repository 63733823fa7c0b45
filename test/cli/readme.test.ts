/** What the documents tell a newcomer to type must exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '@flexder/sandbox/cli/commands.ts';
import { expect } from 'chai';
import { flexder, root } from './flexder.ts';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Command lines in fenced blocks and in backticks; what a document says is not there yet is left out. */
function commandLines(markdown: string): string[] {
  const fenced = [...markdown.matchAll(/^ *```[a-z]*\n([\s\S]*?)^ *```/gm)].flatMap(([, block]) => block!.split('\n'));
  const prose = markdown.replace(/^ *```[\s\S]*?^ *```/gm, '').replace(/^- \*\*Not yet\*\*[\s\S]*?(?=\n\n|\n- )/m, '');
  const quoted = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
  return [...fenced, ...quoted].flatMap((line) => line.replace(/\s#.*$/, '').split('&&')).map((line) => line.trim());
}

const lines = DOCUMENTS.flatMap((document) =>
  commandLines(readFileSync(join(root, document), 'utf8')).map((line) => ({ document, line })),
);

describe('the documents', function () {
  this.timeout(60_000);

  it('name only commands and options that flexder has', async () => {
    const known = new Set([...flexder(['help']).out.matchAll(/^ {2}flexder ([a-z]+)/gm)].map(([, name]) => name));
    const optionsOf = new Map<string, Set<string>>();
    const told = lines.filter(({ line }) => /^(npx )?flexder( |$)/.test(line));
    const named = new Set<string>();
    for (const { document, line } of told) {
      const [name, ...rest] = line.replace(/^npx /, '').split(/\s+/).slice(1);
      if (name === undefined || name === '--help' || name === 'COMMAND') continue;
      expect([...known], `${document}: ${line}`).to.include(name);
      named.add(name);
      if (!optionsOf.has(name)) {
        const { default: command } = await COMMANDS[name]!();
        optionsOf.set(name, new Set(['--help', ...Object.keys(command.options ?? {}).map((option) => `--${option}`)]));
      }
      for (const option of rest.filter((word) => word.startsWith('--'))) {
        expect([...optionsOf.get(name)!], `${document}: ${line}`).to.include(option);
      }
    }
    expect([...named]).to.include.members(['demo', 'up', 'audit', 'settlement', 'validate']);
  });

  it('name only npm scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const told = lines.flatMap(({ document, line }) => {
      const script = /^npm run ([\w:-]+)/.exec(line)?.[1] ?? (/^npm (test)\b/.exec(line)?.[1] || undefined);
      return script === undefined ? [] : [{ document, script }];
    });
    expect(told.map(({ script }) => script)).to.include.members(['demo', 'test']);
    for (const { document, script } of told) expect(Object.keys(scripts), document).to.include(script);
  });

  it('link only to files that are there', () => {
    for (const document of DOCUMENTS) {
      const text = readFileSync(join(root, document), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(existsSync(join(root, document, '..', target!)), `${document}: ${target}`).to.equal(true);
      }
    }
  });
});
