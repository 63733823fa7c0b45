import { expect } from 'chai';
import { decimal } from './decimal.ts';
import { LINEAR_CURVE, type PerformanceCurve, performanceFactor, STRICT_CURVE } from './performance.ts';

const factor = (curve: PerformanceCurve, share: number) =>
  performanceFactor(curve, decimal(share), decimal(1)).toFixed(4);

describe('performance factor', () => {
  it('rises from nothing at half to all at the whole', () => {
    expect([0, 0.5, 0.5001, 0.75, 0.9999, 1, 1.5].map((share) => factor(LINEAR_CURVE, share))).to.deep.equal([
      '0.0000',
      '0.0000',
      '0.0002',
      '0.5000',
      '0.9998',
      '1.0000',
      '1.0000',
    ]);
  });

  it('of the stricter curve lies between 63 and 95 per cent', () => {
    expect([0.63, 0.79, 0.9499, 0.95].map((share) => factor(STRICT_CURVE, share))).to.deep.equal([
      '0.0000',
      '0.5000',
      '0.9997',
      '1.0000',
    ]);
  });

  it('is 0 for no instruction and for negative delivery', () => {
    expect(performanceFactor(LINEAR_CURVE, decimal(1), decimal(0)).toFixed()).to.equal('0');
    expect(factor(LINEAR_CURVE, -0.2)).to.equal('0.0000');
  });
});
