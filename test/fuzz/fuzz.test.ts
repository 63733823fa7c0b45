import { expect } from 'chai';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

describe('fuzzing', function () {
  this.timeout(60_000);
  const BOUND = { seed: 1, runs: 300, millis: 20_000 };

  for (const [name, target] of Object.entries(TARGETS)) {
    it(`${name}: takes what is valid, and breaks on nothing`, () => {
      expect(target.corpus).to.not.deep.equal([]);
      for (const input of target.corpus) expect(target.feed(input), input.toString().slice(0, 200)).to.equal(true);
      const { runs, taken, failure } = fuzz(target, BOUND);
      expect(failure?.error).to.equal(undefined);
      expect(runs).to.equal(BOUND.runs);
      expect(taken, 'some of the inputs are still valid, some are not').to.be.within(1, runs - 1);
    });
  }

  it('finds what is planted, makes it small, and says how to find it again', () => {
    const corpus = [Buffer.from('{"context":{"action":"search","ttl":"PT30S"}}')];
    const planted = {
      corpus,
      words: [],
      feed(input: Buffer) {
        if (input.includes('__proto__')) throw new Error('planted');
        return true;
      },
    };
    const { failure } = fuzz(planted, { ...BOUND, runs: 5_000 });
    expect(failure?.error).to.include('planted');
    expect(failure!.input.length).to.be.at.most(corpus[0]!.length + '__proto__'.length);
    const again = fuzz(planted, { ...BOUND, path: failure!.path });
    expect(again.failure?.input.equals(failure!.input)).to.equal(true);
  });
});
