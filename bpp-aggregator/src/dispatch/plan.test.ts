import { expect } from 'chai';
import { chunked, releaseDelays, targetKw } from './plan.ts';

describe('dispatch plan', () => {
  it('a battery may export, a charger and a heat pump stop at zero', () => {
    expect(targetKw('battery', 1, 4)).to.equal(-3);
    expect(targetKw('ev-charger', 7, 7)).to.equal(0);
    expect(targetKw('ev-charger', 6.5, 7)).to.equal(0);
    expect(targetKw('heat-pump', 3, 1)).to.equal(2);
  });

  it('devices return one after the other within the spread', () => {
    expect(releaseDelays(4, 300)).to.deep.equal([0, 70, 150, 220]);
    expect(releaseDelays(1, 300)).to.deep.equal([0]);
    expect(releaseDelays(3, 0)).to.deep.equal([0, 0, 0]);
    const many = releaseDelays(1_000, 300);
    expect(Math.max(...many)).to.be.below(300);
    expect(new Set(many)).to.have.property('size', 30);
    expect(many.filter((delay) => delay === 170).length).to.be.within(33, 34);
  });

  it('batches keep every command once, in order', () => {
    expect(chunked([1, 2, 3, 4, 5], 2)).to.deep.equal([[1, 2], [3, 4], [5]]);
    expect(chunked([], 2)).to.deep.equal([]);
  });
});
