import { expect } from 'chai';
import Holidays from 'date-holidays';
import { bankHolidays, isBankHoliday } from './bank-holidays.ts';
import { isSummerTime, londonDay, SATURDAY, SUNDAY, WORKING } from './calendar.ts';
import { SlotCalendar } from './slots.ts';

const HALF_HOUR_MS = 1_800_000;

describe('the London calendar', () => {
  it('knows London time', () => {
    expect(isSummerTime(Date.parse('2026-03-29T00:59:59Z'))).to.equal(false);
    expect(isSummerTime(Date.parse('2026-03-29T01:00:00Z'))).to.equal(true);
    expect(isSummerTime(Date.parse('2026-10-25T00:59:59Z'))).to.equal(true);
    expect(isSummerTime(Date.parse('2026-10-25T01:00:00Z'))).to.equal(false);
    expect(londonDay(Date.parse('2026-07-03T23:30:00Z'))).to.deep.equal({ share: 0.5 / 24, kind: SATURDAY });
  });

  it('calls a bank holiday a Sunday, and the day after Easter Monday a working day', () => {
    expect(londonDay(Date.parse('2024-03-29T12:00:00Z')).kind).to.equal(SUNDAY);
    expect(londonDay(Date.parse('2024-04-01T12:00:00Z')).kind).to.equal(SUNDAY);
    expect(londonDay(Date.parse('2024-04-02T12:00:00Z')).kind).to.equal(WORKING);
    expect(isBankHoliday(Date.parse('2024-12-25T00:00:00Z'))).to.equal(true);
  });

  it('agrees with date-holidays on every bank holiday from 2015 to 2031', () => {
    const library = new Holidays('GB', 'ENG');
    for (let year = 2015; year <= 2031; year++) {
      const theirs = library
        .getHolidays(year)
        .filter(
          ({ type, date }) => type === 'public' && ![0, 6].includes(new Date(`${date.slice(0, 10)}Z`).getUTCDay()),
        )
        .map(({ date }) => date.slice(0, 10));
      const ours = [...bankHolidays(year)];
      expect(ours.sort(), String(year)).to.deep.equal([...new Set(theirs)].sort());
    }
  });

  it('looks back by the clock on the wall: a day before the Sunday of the change is 47 half hours', () => {
    const calendar = SlotCalendar.of(HALF_HOUR_MS);
    const slot = (iso: string) => Date.parse(iso) / HALF_HOUR_MS;
    expect(calendar.at(slot('2026-03-28T12:00:00Z')).dayBack).to.equal(48);
    expect(calendar.at(slot('2026-03-29T12:00:00Z')).dayBack).to.equal(46);
    expect(calendar.at(slot('2026-03-30T12:00:00Z')).dayBack).to.equal(48);
    expect(calendar.at(slot('2026-10-25T12:00:00Z')).dayBack).to.equal(50);
    expect(calendar.at(slot('2026-03-29T12:00:00Z')).weekBack).to.equal(7 * 48 - 2);
  });

  it('finds the last day of the same kind: Friday for a Monday, Sunday for a bank holiday', () => {
    const calendar = SlotCalendar.of(HALF_HOUR_MS);
    const back = (iso: string) => calendar.at(Date.parse(iso) / HALF_HOUR_MS).sameKindBack / 48;
    expect(back('2026-01-12T12:00:00Z')).to.equal(3);
    expect(back('2026-01-13T12:00:00Z')).to.equal(1);
    expect(back('2026-01-17T12:00:00Z')).to.equal(7);
    expect(back('2026-05-04T12:00:00Z')).to.equal(1);
    expect(back('2026-12-25T12:00:00Z')).to.equal(5);
  });

  it('refuses a sampling that has no place in an hour', () => {
    expect(() => SlotCalendar.of(25 * 60_000)).to.throw(RangeError, 'no place on a raster');
    expect(SlotCalendar.of(300_000).perDay).to.equal(288);
  });
});
