import { expect } from 'chai';
import { seededRandom } from './random.ts';

const draw = (seed: string | number, count = 5) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

describe('seeded random numbers', () => {
  it('are the same for the same seed, in every process and release', () => {
    expect(draw('scenario').map((value) => value.toFixed(9))).to.deep.equal([
      '0.248806489',
      '0.745018023',
      '0.710320077',
      '0.893014760',
      '0.291172692',
    ]);
    expect(draw(7)).to.deep.equal(draw('7'));
  });

  it('differ between seeds that look alike', () => {
    const seeds = ['', '0', '1', '10', '01', 'a', 'b', 'ab', 'ba'];
    expect(new Set(seeds.map((seed) => draw(seed, 1)[0])).size).to.equal(seeds.length);
  });

  it('do not depend in a fork on how much was drawn before', () => {
    const [fresh, used] = [seededRandom('s'), seededRandom('s')];
    for (let i = 0; i < 10; i++) used.next();
    expect(used.fork('device-1').next()).to.equal(fresh.fork('device-1').next());
    expect(fresh.fork('device-2').next()).to.not.equal(fresh.fork('device-1').next());
  });

  it('are spread as their names say', () => {
    const random = seededRandom('spread');
    const sample = <T>(pick: () => T) => Array.from({ length: 20_000 }, pick);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const uniform = sample(() => random.between(2, 4));
    expect(Math.min(...uniform)).to.be.at.least(2);
    expect(Math.max(...uniform)).to.be.below(4);
    expect(mean(uniform)).to.be.closeTo(3, 0.02);
    expect([...new Set(sample(() => random.integer(-1, 1)))].sort((a, b) => a - b)).to.deep.equal([-1, 0, 1]);
    const normal = sample(() => random.normal(10, 2));
    expect(mean(normal)).to.be.closeTo(10, 0.06);
    expect(Math.sqrt(mean(normal.map((value) => (value - 10) ** 2)))).to.be.closeTo(2, 0.05);
    expect(sample(() => random.chance(0.25)).filter(Boolean).length / 20_000).to.be.closeTo(0.25, 0.015);
  });
});
