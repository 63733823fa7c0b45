/** The table of attacks in README.md, and the tests: neither knows of a row that the other does not. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const folder = import.meta.dirname;
const ID = /\b(?:SIG|MSG|TXN|NET|REG|MQ|OPS)-\d\d\b/g;
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** A test with the rows that it takes from files of their own. */
function withRows(name: string): string {
  const text = read(name);
  const rows = text.matchAll(/from '(\.\.\/harness\/[a-z-]+-rows\.ts|\.\/[a-z-]+\/[a-z-]+\.ts)'/g);
  return text + [...rows].map(([, path = '']) => read(path)).join('');
}

function table(text: string): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  for (const line of text.split('\n').filter((one) => one.startsWith('| '))) {
    const [, id = '', , files = ''] = line.split('|');
    const named = [...files.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
    if (id.trim().match(ID)) rows.set(id.trim(), named);
  }
  return rows;
}

describe('adversarial: the inventory', () => {
  const rows = table(read('README.md'));
  const names = readdirSync(folder).filter((name) => name.endsWith('.test.ts') && name !== 'inventory.test.ts');
  // A pipeline without a step is shown with rows of other files.
  const files = new Map(names.filter((name) => name !== 'pipeline.test.ts').map((name) => [name, withRows(name)]));

  /** A file of this folder, or of another by its path from the root. */
  const textOf = (name: string) => files.get(name) ?? (name.includes('/') ? read(join('../..', name)) : '');

  it('names a file for each row, which has a test of it', () => {
    expect(rows.size).to.be.above(40);
    const wrong = [...rows].flatMap(([id, named]) => {
      if (named.length === 0) return [`${id} names no file`];
      return named.filter((name) => !textOf(name).includes(id)).map((name) => `${name} has no test of ${id}`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('has a row for each test', () => {
    const missing = [...files].flatMap(([name, text]) =>
      [...new Set(text.match(ID))].filter((id) => !rows.get(id)?.includes(name)).map((id) => `${id}: ${name}`),
    );
    expect(missing).to.deep.equal([]);
  });
});
