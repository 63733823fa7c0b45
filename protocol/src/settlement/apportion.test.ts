import { expect } from 'chai';
import fc from 'fast-check';
import { apportion } from './apportion.ts';
import { decimal, sum, ZERO } from './decimal.ts';

const wattHours = (values: readonly number[]) => values.map((value) => decimal(value).div(1_000_000));

describe('apportioning an instruction over meters', () => {
  it('adds up to the instruction exactly and never credits more than net delivery, delivery or share', () => {
    const meters = fc.array(fc.integer({ min: -50_000, max: 50_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(meters, fc.integer({ min: 0, max: 400_000 }), (delivered, instructed) => {
        const volumes = wattHours(delivered);
        const total = decimal(instructed).div(1_000_000);
        const shares = apportion(volumes, total);
        expect(sum(shares.map((share) => share.instructed)).toFixed(6)).to.equal(total.toFixed(6));
        shares.forEach(({ instructed: share, deliveredCapped }, index) => {
          const own = volumes[index] ?? ZERO;
          const least = own.lt(share) ? own : share;
          expect(deliveredCapped.eq(least.gt(0) ? least : 0)).to.equal(true);
        });
        const net = sum(volumes);
        const most = net.lte(0) ? ZERO : net.gt(total) ? total : net;
        const credited = sum(shares.map((share) => share.deliveredCapped));
        expect(credited.lte(most)).to.equal(true);
        expect(most.minus(credited).lte(decimal(delivered.length).div(1_000_000))).to.equal(true);
      }),
    );
  });

  it('splits an instruction nobody followed evenly', () => {
    const shares = apportion(wattHours([0, -5, 0]), decimal('0.000010'));
    expect(shares.map((share) => share.instructed.toFixed(6))).to.deep.equal(['0.000004', '0.000003', '0.000003']);
  });
});
