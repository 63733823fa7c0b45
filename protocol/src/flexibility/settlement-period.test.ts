import { expect } from 'chai';
import fc from 'fast-check';
import { clockSlot, periodStart, periodsBetween, periodsOf, settlementPeriodOf } from './settlement-period.ts';

const at = (text: string) => Date.parse(text);

describe('settlement periods', () => {
  it('46, 48 and 50 a day', () => {
    expect(periodsOf('2026-01-15')).to.have.length(48);
    expect(periodsOf('2026-03-29')).to.have.length(46);
    expect(periodsOf('2026-10-25')).to.have.length(50);
  });

  for (const [time, date, period] of [
    ['2026-01-15T00:00:00Z', '2026-01-15', 1],
    ['2026-01-15T23:59:59.999Z', '2026-01-15', 48],
    ['2026-06-30T23:00:00Z', '2026-07-01', 1],
    ['2026-06-30T22:59:59Z', '2026-06-30', 48],
    // The clocks go forward at 01:00 UTC: half hour 3 begins at 02:00 local.
    ['2026-03-29T01:00:00Z', '2026-03-29', 3],
    ['2026-03-29T22:59:59Z', '2026-03-29', 46],
    // They go back at 01:00 UTC: 01:00 local comes twice, as periods 3 and 5.
    ['2026-10-25T00:00:00Z', '2026-10-25', 3],
    ['2026-10-25T01:00:00Z', '2026-10-25', 5],
    ['2026-10-25T23:59:59Z', '2026-10-25', 50],
  ] as const) {
    it(`${time} is ${date} period ${period}`, () => {
      expect(settlementPeriodOf(at(time))).to.include({ date, period });
    });
  }

  it('period, start and list agree for every instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') }), (ms) => {
        const found = settlementPeriodOf(ms);
        expect(found.startMs).to.be.at.most(ms);
        expect(found.endMs)
          .to.equal(found.startMs + 1_800_000)
          .and.be.above(ms);
        expect(periodStart(found.date, found.period)).to.equal(found.startMs);
        expect(periodsOf(found.date)[found.period - 1]).to.deep.equal(found);
      }),
    );
  });

  it('the half hour of the clock comes twice when the clocks go back', () => {
    expect(clockSlot(periodStart('2026-10-25', 3))).to.equal(2);
    expect(clockSlot(periodStart('2026-10-25', 5))).to.equal(2);
    expect(clockSlot(periodStart('2026-03-29', 3))).to.equal(4);
  });

  it('the periods a window touches', () => {
    const window = periodsBetween(at('2026-01-15T17:40:00Z'), at('2026-01-15T18:30:00Z'));
    expect(window.map(({ period }) => period)).to.deep.equal([36, 37]);
  });

  it('refuses what is no period and no date', () => {
    expect(periodStart('2026-10-25', 50)).to.equal(at('2026-10-25T23:30:00Z'));
    expect(() => periodStart('2026-10-25', 51)).to.throw(RangeError, '1 to 50, not 51');
    expect(() => periodStart('2026-03-29', 47)).to.throw(RangeError, '1 to 46');
    expect(() => periodStart('2026-01-15', 0)).to.throw(RangeError);
    expect(() => periodsOf('2026-02-30')).to.throw(RangeError);
    expect(() => periodsOf('15/01/2026')).to.throw(RangeError, 'YYYY-MM-DD');
  });
});
