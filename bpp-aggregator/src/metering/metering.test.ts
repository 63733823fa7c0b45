import { periodStart, settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { dayTypeOf, sameTypeDatesBefore, shiftDate } from './days.ts';
import { eventPeriods, historyDates, type Meter, meterDocument } from './document.ts';
import { energyBetween, registerAt } from './energy.ts';
import { halfHourSlices, performanceOf } from './performance.ts';

const GAP = 600_000;
const reading = (atMs: number, netKwh: number, powerKw = 6) => ({ atMs, netKwh, powerKw });

describe('registers', () => {
  it('are read where a reading stands, and interpolated between two', () => {
    expect(registerAt(10, reading(10, 5), undefined, GAP)).to.deep.equal({ netKwh: 5, quality: 'GOOD' });
    expect(registerAt(15, reading(10, 5), reading(20, 7), GAP)).to.deep.equal({ netKwh: 6, quality: 'GOOD' });
  });

  it('are an estimate over a long gap or past the last reading, and unknown further on', () => {
    expect(registerAt(GAP, reading(0, 5), reading(GAP * 2, 7), GAP)).to.deep.equal({ netKwh: 6, quality: 'ESTIMATED' });
    expect(registerAt(GAP, reading(0, 5), undefined, GAP)).to.deep.equal({ netKwh: 6, quality: 'ESTIMATED' });
    expect(registerAt(GAP + 1, reading(0, 5), undefined, GAP)).to.equal(undefined);
    expect(registerAt(0, undefined, reading(1, 5), GAP)).to.equal(undefined);
  });

  it('give an energy as good as the worse of the two, or none', () => {
    const good = { netKwh: 5, quality: 'GOOD' as const };
    expect(energyBetween(good, { netKwh: 4, quality: 'GOOD' })).to.deep.equal({ kwh: -1, quality: 'GOOD' });
    expect(energyBetween(good, { netKwh: 7, quality: 'ESTIMATED' })).to.deep.equal({ kwh: 2, quality: 'ESTIMATED' });
    expect(energyBetween(undefined, good)).to.deep.equal({ kwh: 0, quality: 'MISSING' });
  });
});

describe('performance', () => {
  const at = Date.UTC(2026, 0, 15, 17, 42);
  const window = { startMs: at, endMs: at + 3_600_000 };

  it('is reported per half hour of the clock, clipped to the window', () => {
    const slices = halfHourSlices(window);
    expect(slices.map((slice) => (slice.endMs - slice.startMs) / 60_000)).to.deep.equal([18, 30, 12]);
    expect(halfHourSlices({ startMs: at, endMs: at })).to.deep.equal([]);
  });

  it('is baseline less metered; what nobody measured is not claimed', () => {
    const slices = halfHourSlices(window);
    const result = performanceOf(slices, [2 * 0.3, 2 * 0.5, undefined], 10, [8 * 0.3, 8 * 0.5, 8 * 0.2]);
    expect(result.intervals.map((interval) => interval.reductionKw)).to.deep.equal([8, 8, 0]);
    expect(result.deliveredKwh).to.equal(6.4);
    expect(result.ratio).to.equal(0.8);
    expect(performanceOf(slices, [0, 0, 0], 10, [0, 0, 0]).ratio).to.equal(0);
  });
});

describe('days of history', () => {
  it('are of the same type, the newest first, and bounded', () => {
    expect(dayTypeOf('2026-01-15')).to.equal('working');
    expect(dayTypeOf('2026-01-17')).to.equal('non-working');
    expect(sameTypeDatesBefore('2026-01-19', 5, () => true)).to.deep.equal(['2026-01-16', '2026-01-15', '2026-01-14']);
    expect(sameTypeDatesBefore('2026-01-18', 8, (date) => date !== '2026-01-17')).to.deep.equal([
      '2026-01-11',
      '2026-01-10',
    ]);
    expect(shiftDate('2026-03-01', -1)).to.equal('2026-02-28');
  });

  it('leave out the day on which the clocks change', () => {
    const at = periodStart('2026-04-05', 30);
    const dates = historyDates({ startMs: at, endMs: at + 1 });
    expect(dates).to.include('2026-03-28').and.not.include('2026-03-29');
    expect(dates.length).to.be.at.most(20);
  });
});

describe('meter document', () => {
  const startMs = periodStart('2026-01-15', 36);
  const window = { startMs: startMs + 600_000, endMs: startMs + 3_600_000 };
  const meter: Meter = { derNo: 1, importMsid: '1000000000001', exportMsid: null, eventDates: new Set(['2026-01-13']) };
  const whole = (_derNo: number, atMs: number) => ({
    kwh: settlementPeriodOf(atMs).period / 10,
    quality: 'GOOD' as const,
  });

  it('has every settlement period the event touches, and six before', () => {
    const { event, before } = eventPeriods(window);
    expect(event.map((period) => period.period)).to.deep.equal([36, 37]);
    expect(before.map((period) => period.period)).to.deep.equal([30, 31, 32, 33, 34, 35]);
  });

  it('is valid, with ten complete days of history and the hours before the event', () => {
    const document = meterDocument('order-1', 'obp-1', window, [meter], whole);
    expect(validateRecord('meter-document', document)).to.deep.equal({ valid: true });
    expect(document.rows.map((row) => [row.settlement_period, row.metered_kwh])).to.deep.equal([
      [36, 3.6],
      [37, 3.7],
    ]);
    const dates = [...new Set(document.history.map((row) => row.settlement_date))];
    expect(dates).to.have.length(11).and.include('2026-01-15').and.include('2026-01-14').and.not.include('2026-01-13');
    expect(document.history).to.have.length(6 + 10 * 8);
  });

  it('shows what is not known as missing, and leaves incomplete days out', () => {
    const gap = (derNo: number, atMs: number) =>
      settlementPeriodOf(atMs).period === 37 ? undefined : whole(derNo, atMs);
    const document = meterDocument('order-1', 'obp-1', window, [meter], gap);
    expect(document.rows.map((row) => row.quality)).to.deep.equal(['GOOD', 'MISSING']);
    expect(document.history.map((row) => row.settlement_date)).to.deep.equal(Array(6).fill('2026-01-15'));
  });

  it('keeps a window over midnight on two dates', () => {
    const lateMs = periodStart('2026-01-15', 48);
    const document = meterDocument('o', 'b', { startMs: lateMs, endMs: lateMs + 3_600_000 }, [meter], whole);
    expect(document.rows.map((row) => [row.settlement_date, row.settlement_period])).to.deep.equal([
      ['2026-01-15', 48],
      ['2026-01-16', 1],
    ]);
    const dayBefore = document.history.filter((row) => row.settlement_period === 1).map((row) => row.settlement_date);
    expect(dayBefore[0]).to.equal('2026-01-15');
  });
});
