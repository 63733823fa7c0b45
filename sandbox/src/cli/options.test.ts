import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { integer, required, UsageError } from './command.ts';
import { validateMessage } from './commands/validate.ts';
import { dataFolder, logLevelOf, scenarioOf } from './scenario-options.ts';

describe('options of the command line', () => {
  it('whole numbers within bounds, or a sentence', () => {
    expect(integer({}, 'n', 5, 1, 9)).to.equal(5);
    expect(integer({ n: '9' }, 'n', 5, 1, 9)).to.equal(9);
    for (const wrong of ['0', '10', '1.5', 'x', '']) {
      expect(() => integer({ n: wrong }, 'n', 5, 1, 9), wrong).to.throw(
        UsageError,
        '--n must be a whole number from 1 to 9',
      );
    }
    expect(() => required({ data: '' }, 'data')).to.throw(UsageError, '--data is required');
    expect(required({ data: 'x' }, 'data')).to.equal('x');
  });

  it('a scenario is made as asked, or refused with the reason', () => {
    const { seed, ders, feeders, aggregators } = scenarioOf({ seed: '3', ders: '24', feeders: '4', bpps: '3' });
    expect([seed, ders.length, feeders.length, aggregators.length]).to.deep.equal([3, 24, 4, 3]);
    expect(() => scenarioOf({ scenario: 'morning' })).to.throw(UsageError, '--scenario "morning" is not known');
    expect(() => scenarioOf({ ders: '5' })).to.throw(UsageError, 'need at least 18 ders');
    expect(logLevelOf({})).to.equal('error');
    expect(() => logLevelOf({ 'log-level': 'loud' })).to.throw(UsageError, '--log-level must be one of');
  });

  describe('the data folder', () => {
    const root = mkdtempSync(join(tmpdir(), 'flexder-test-'));
    after(() => rmSync(root, { recursive: true, force: true }));

    it('is a fresh one that goes, when none was asked for', () => {
      const folder = dataFolder({});
      expect([folder.kept, existsSync(folder.path)]).to.deep.equal([false, true]);
      folder.remove();
      expect(existsSync(folder.path)).to.equal(false);
    });

    it('is made and kept when asked for, and never written over', () => {
      const data = join(root, 'a', 'b');
      const folder = dataFolder({ data });
      folder.remove();
      expect([folder.kept, existsSync(data)]).to.deep.equal([true, true]);
      expect(dataFolder({ data }).path).to.equal(data);
      mkdirSync(join(data, 'database'));
      expect(() => dataFolder({ data })).to.throw(UsageError, 'holds a run already');
      writeFileSync(join(root, 'file'), '');
      expect(() => dataFolder({ data: join(root, 'file', 'x') })).to.throw(UsageError, 'cannot be used');
    });
  });

  it('a message is refused where it is wrong', () => {
    const errorOf = (text: string) => {
      const verdict = validateMessage(Buffer.from(text));
      return verdict.valid ? undefined : verdict.errors[0];
    };
    expect(errorOf('{')).to.include({ code: 'SCH_INVALID_JSON' });
    expect(errorOf('{"context":{"action":"search","action":"select"}}')).to.include({ code: 'SCH_INVALID_JSON' });
    expect(errorOf('null')).to.include({ path: '/context/action', code: 'SCH_INVALID_FORMAT' });
    expect(errorOf('{"context":{"action":"dance"}}')?.message).to.contain('"dance"');
  });
});
