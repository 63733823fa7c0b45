import { seededRandom } from '@flexder/runtime/random.ts';
import { expect } from 'chai';
import { ConformalBands } from './conformal.ts';

/** Share of `errors` within the bands that were known before each, from `from` on. */
function coverage(errors: readonly number[], from: number, bands = new ConformalBands(1)): number {
  let covered = 0;
  errors.forEach((error, n) => {
    const interval = bands.interval(0, 1);
    if (n >= from && Math.abs(error) <= (interval.half ?? 0)) covered++;
    bands.add(0, error, 1, interval);
  });
  return (100 * covered) / (errors.length - from);
}

const normal = (count: number, deviation: (n: number) => number, seed = 'errors') => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, n) => random.normal(0, deviation(n)));
};

describe('adaptive conformal bands', () => {
  it('cover nine of ten errors of one size', () => {
    expect(
      coverage(
        normal(3_000, () => 5),
        336,
      ),
    ).to.be.within(88, 92);
  });

  it('still do where the variance grows threefold at once, falls back, or rises all the time', () => {
    expect(
      coverage(
        normal(2_400, (n) => (n < 1_200 ? 5 : 15)),
        1_200,
      ),
    ).to.be.within(88, 92);
    expect(
      coverage(
        normal(2_400, (n) => (n < 1_200 ? 15 : 5)),
        1_200,
      ),
    ).to.be.within(88, 92);
    expect(
      coverage(
        normal(3_000, (n) => 5 + n / 200),
        336,
      ),
    ).to.be.within(88, 92);
  });

  it('a band of fixed width would not: what the test above asserts can fail', () => {
    const errors = normal(2_400, (n) => (n < 1_200 ? 5 : 15));
    const fixed = errors
      .slice(0, 1_200)
      .map(Math.abs)
      .sort((a, b) => a - b)[1_080]!;
    const covered = errors.slice(1_200).filter((error) => Math.abs(error) <= fixed).length / 12;
    expect(covered).to.be.below(60);
  });

  it('say nothing before twenty errors are known, and then their ninth tenth', () => {
    const bands = new ConformalBands(1);
    for (let i = 1; i <= 19; i++) bands.add(0, i, 1, { half: undefined, unit: 1 });
    expect(bands.interval(0, 1).half).to.equal(undefined);
    bands.add(0, -20, 1, { half: undefined, unit: 1 });
    const { half, unit } = bands.interval(0, 1);
    expect(half! / unit).to.equal(19);
  });

  it('follow what is usual at the time of day', () => {
    const bands = new ConformalBands(1);
    const random = seededRandom('spread');
    for (let n = 0; n < 600; n++) {
      const spread = n % 2 === 0 ? 1 : 4;
      bands.add(0, random.normal(0, spread), spread, bands.interval(0, spread));
    }
    expect(bands.interval(0, 4).half! / bands.interval(0, 1).half!).to.be.closeTo(4, 1e-9);
  });

  it('do not vanish after a stretch without any error', () => {
    const bands = new ConformalBands(1);
    for (let n = 0; n < 400; n++) bands.add(0, n < 30 ? 1 : 0, 1, bands.interval(0, 1));
    expect(bands.interval(0, 1).unit).to.be.above(0.01);
    bands.add(0, 5, 1, bands.interval(0, 1));
    expect(Number.isFinite(bands.interval(0, 1).half)).to.equal(true);
  });
});
