import { expect } from 'chai';
import { percentiles } from './percentiles.ts';

describe('percentiles', () => {
  it('are values that occurred', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentiles(hundred)).to.deep.equal({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
    expect(percentiles([7, 3])).to.deep.equal({ count: 2, p50: 3, p95: 7, p99: 7, max: 7 });
  });

  it('are unknown without values', () => {
    expect(percentiles([])).to.deep.equal({ count: 0, p50: null, p95: null, p99: null, max: null });
  });
});
