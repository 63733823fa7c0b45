import { BL01_LIKE, baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import { expect } from 'chai';
import { METER_A, meterRow, ORDER } from '../fixtures/worked-example.ts';

const event = coveredPeriods(ORDER.window);
const NEEDED = [29, 30, 31, 32, 33, 34, 35, 36];
const day = (date: string, kwh: number) => NEEDED.map((period) => meterRow(METER_A, date, period, kwh));
const none = () => new Set<string>();

describe('settlement baseline', () => {
  const unadjusted = (rows: ReturnType<typeof day>, eventDays = none) =>
    baselineFrom(rows, event, eventDays, BL01_LIKE)(METER_A, '2026-01-15', 35)?.unadjustedKwh;

  it('is the mean of the newest ten working days', () => {
    const working = ['14', '13', '12', '09', '08', '07', '06', '05', '02', '01'].flatMap((of) =>
      day(`2026-01-${of}`, 10),
    );
    expect(unadjusted([...working, ...day('2025-12-31', 1000)])).to.equal(10);
    expect(unadjusted([...working.slice(8), ...day('2025-12-31', 100)])).to.equal((9 * 10 + 100) / 10);
  });

  it('leaves out weekends, earlier event days and days with a gap', () => {
    const rows = [
      ...day('2026-01-14', 10),
      ...day('2026-01-13', 20),
      ...day('2026-01-11', 500),
      ...day('2026-01-12', 70).slice(1),
    ];
    expect(unadjusted(rows)).to.equal(15);
    expect(unadjusted(rows, () => new Set(['2026-01-13']))).to.equal(10);
  });

  it('is moved by the hours before the event, and by nothing when they are unknown', () => {
    const before = [29, 30, 31].map((period, index) => meterRow(METER_A, '2026-01-15', period, 11 + index));
    const adjustment = (rows: ReturnType<typeof day>) =>
      baselineFrom(rows, event, none, BL01_LIKE)(METER_A, '2026-01-15', 36)?.adjustmentKwh;
    expect(adjustment([...day('2026-01-14', 10), ...before])).to.equal(2);
    expect(adjustment(day('2026-01-14', 10))).to.equal(0);
  });

  it('is not there without a similar day', () => {
    expect(unadjusted(day('2026-01-11', 10))).to.equal(undefined);
    expect(unadjusted(day('2026-01-14', 10))).to.equal(10);
  });
});
