import { expect } from 'chai';
import { FeederSeries, HALF_HOUR_MS } from './series.ts';

const START_MS = Date.parse('2026-01-05T00:00:00Z');

describe('feeder series', () => {
  it('closes a half hour with its mean and reads windows half-open', () => {
    const series = new FeederSeries();
    expect(series.add({ atMs: START_MS, powerKw: 10 })).to.equal(undefined);
    series.add({ atMs: START_MS + 60_000, powerKw: 20 });
    const completed = series.add({ atMs: START_MS + 2 * HALF_HOUR_MS, powerKw: 99 });
    expect(completed).to.deep.equal({ atMs: START_MS, powerKw: 15 });
    expect(series.completed).to.equal(completed);
    expect(series.between(START_MS, START_MS + 60_000)).to.have.length(1);
    expect(series.last?.powerKw).to.equal(99);
  });

  it('ignores a sample that is not later than the last, so that a repeat does no harm', () => {
    const series = new FeederSeries();
    series.add({ atMs: START_MS + 60_000, powerKw: 10 });
    series.add({ atMs: START_MS + 60_000, powerKw: 99 });
    series.add({ atMs: START_MS, powerKw: 99 });
    expect(series.between(0, START_MS + HALF_HOUR_MS)).to.deep.equal([{ atMs: START_MS + 60_000, powerKw: 10 }]);
  });

  it('keeps an hour and little more, and a bounded number whatever the pace', () => {
    const series = new FeederSeries();
    for (let i = 0; i < 20_000; i++) series.add({ atMs: START_MS + i * 60_000, powerKw: 1 });
    const now = series.last!.atMs;
    expect(series.between(0, now + 1).length).to.be.within(60, 100);
    expect(series.between(now - 3_600_000, now + 1)).to.have.length(61);
    const fast = new FeederSeries();
    for (let i = 0; i < 20_000; i++) fast.add({ atMs: START_MS + i * 50, powerKw: 1 });
    expect(fast.between(0, Number.MAX_SAFE_INTEGER).length).to.be.within(4_000, 8_193);
  });

  it('gives its history once, in order', () => {
    const series = new FeederSeries([
      { atMs: START_MS + HALF_HOUR_MS, powerKw: 2 },
      { atMs: START_MS, powerKw: 1 },
    ]);
    expect(series.takeHistory().map(({ powerKw }) => powerKw)).to.deep.equal([1, 2]);
    expect(series.takeHistory()).to.deep.equal([]);
  });
});
