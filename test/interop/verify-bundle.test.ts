/** The verifier in Python, written from the documentation, must say what ours says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkBundle } from '@flexder/protocol/audit/bundle-check.ts';
import { ALTERATIONS, altered } from '@flexder/protocol/audit/testing/alterations.ts';
import { OTHER_PUBLIC_KEY, PUBLIC_KEY, sampleBundle } from '@flexder/protocol/audit/testing/sample-bundle.ts';
import { missingEngine, needsEngine } from '@flexder/runtime/testing/engine.ts';
import { expect } from 'chai';

const program = join(import.meta.dirname, '../../docs/verify_bundle.py');

/** All of them in one process: a start of Python for each would take most of the time. */
const MANY = `
import json, pathlib, sys
sys.path.insert(0, ${JSON.stringify(join(program, '..'))})
sys.dont_write_bytecode = True
import verify_bundle
print(json.dumps([verify_bundle.check(pathlib.Path(name).read_bytes()) for name in sys.argv[1:]]))`;

describe('the verifier in Python', () => {
  let folder = '';
  before(function () {
    needsEngine('Python', 'python3').call(this);
    const version = execFileSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 8))'], {
      encoding: 'utf8',
    });
    if (version.trim() !== 'True') missingEngine(this, 'Python', 'python3 is older than 3.8');
    folder = mkdtempSync(join(tmpdir(), 'flexder-bundles-'));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const save = (name: string, bytes: Uint8Array) => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, bytes);
    return path;
  };
  const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
  const ask = (...args: string[]) => {
    const run = spawnSync('python3', ['-B', program, ...args], { encoding: 'utf8' });
    return { code: run.status, out: run.stdout, err: run.stderr };
  };

  it('accepts what ours accepts, with the same counts', () => {
    for (const scope of ['order', 'event'] as const) {
      const bytes = bytesOf(sampleBundle(scope));
      const { keys: _, ...ours } = checkBundle(bytes) as Record<string, unknown>;
      const { code, out, err } = ask(save(scope, bytes));
      expect(code, err).to.equal(0);
      expect(JSON.parse(out)).to.deep.equal(ours);
      expect(ours).to.include({ valid: true });
    }
  });

  it('finds the same thing wrong first, whatever part was altered', () => {
    const texts = ['', '{', '[]', '{"a":1,"a":2}', 'NaN', '"text"'].map((text) => Buffer.from(text));
    const cases = [...ALTERATIONS.map(altered), ...texts];
    const paths = cases.map((bytes, index) => save(`altered-${index}`, bytes));
    const run = spawnSync('python3', ['-B', '-c', MANY, ...paths], { encoding: 'utf8' });
    expect(run.status, run.stderr).to.equal(0);
    const theirs = (JSON.parse(run.stdout) as Record<string, unknown>[]).map(({ valid, reason, at }) => ({
      valid,
      reason,
      at,
    }));
    const ours = cases.map((bytes) => checkBundle(bytes) as Record<string, unknown>);
    expect(ours).to.have.length.above(50);
    const named = ALTERATIONS.map(({ name }) => name);
    ours.forEach(({ valid, reason, at }, index) => {
      // Where exactly broken JSON breaks is each parser's own affair.
      const where = index < named.length ? { at } : { at: theirs[index]?.at };
      expect(theirs[index], named[index] ?? 'broken JSON').to.deep.equal({ valid, reason, ...where });
      expect(valid).to.equal(false);
    });
  });

  it('goes by the key that it is told', () => {
    const path = save('keyed', bytesOf(sampleBundle()));
    expect(ask(path, '--public-key', PUBLIC_KEY).code).to.equal(0);
    const other = ask(path, '--public-key', OTHER_PUBLIC_KEY);
    expect(other.code).to.equal(1);
    expect(JSON.parse(other.out)).to.include({ reason: 'key' });
  });

  it('says how it is asked', () => {
    expect(ask()).to.include({ code: 2, out: '' });
    expect(ask(join(folder, 'nothing.json')).code).to.equal(2);
  });
});
