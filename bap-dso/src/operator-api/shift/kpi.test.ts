import { expect } from 'chai';
import { figuresOf, type RaisedAlarm } from './kpi.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

const raised = (minute: number, kind = 'rate-of-rise', ackedMinute: number | null = null): RaisedAlarm => ({
  ...{ kind, raisedMs: minute * MINUTE_MS },
  ackedMs: ackedMinute === null ? null : ackedMinute * MINUTE_MS,
});
const figures = (alarms: readonly RaisedAlarm[]) => figuresOf(alarms, 0, DAY_MS);

describe('figures of alarms', () => {
  it('without an alarm there is nothing to divide', () => {
    expect(figures([])).to.deep.equal({
      ...{ count: 0, steadyPerSlot: 0, peakPerSlot: 0, floods: [], floodCount: 0, frequent: [], acknowledged: 0 },
      priorities: {
        high: { count: 0, share: null },
        medium: { count: 0, share: null },
        low: { count: 0, share: null },
      },
      meanAckMs: null,
    });
  });

  it('ten in ten minutes are no flood, eleven are, and those that follow belong to it', () => {
    const ten = Array.from({ length: 10 }, (_, index) => raised(100 + index * 0.9));
    expect(figures(ten)).to.deep.include({ peakPerSlot: 10, floodCount: 0 });
    const eleven = [...ten, raised(109.5)];
    expect(figures(eleven).floods).to.deep.equal([{ startMs: 100 * MINUTE_MS, endMs: 109.5 * MINUTE_MS, count: 11 }]);
    const longer = [...eleven, ...Array.from({ length: 5 }, (_, index) => raised(109.6 + index / 10))];
    expect(figures(longer).floods.map(({ count }) => count)).to.deep.equal([16]);
    const apart = [...eleven, ...eleven.map(({ raisedMs }) => raised(raisedMs / MINUTE_MS + 60))];
    expect(figures(apart).floodCount).to.equal(2);
    expect(figures(apart).floods[0]!.startMs, 'the newest first').to.equal(160 * MINUTE_MS);
  });

  it('an alarm ten minutes after another does not stand in the same ten', () => {
    expect(figures([raised(0), raised(10)]).peakPerSlot).to.equal(1);
    expect(figures([raised(0), raised(9.99)]).peakPerSlot).to.equal(2);
  });

  it('the steady figure leaves floods out, with the time they took', () => {
    const flood = Array.from({ length: 20 }, (_, index) => raised(200 + index / 2));
    const calm = Array.from({ length: 143 }, (_, index) => raised(index < 20 ? index * 10 : (index + 1) * 10 + 5));
    // 143 alarms in the other 143 tens of minutes of the day.
    expect(figures([...calm, ...flood]).steadyPerSlot).to.be.closeTo(1, 1e-9);
    expect(figures(calm).steadyPerSlot).to.be.closeTo(143 / 144, 1e-9);
  });

  it('splits by priority, names the most frequent, and counts how long they were not heard', () => {
    const alarms = [
      ...[raised(0, 'load-collapse', 4), raised(20, 'rate-of-rise', 22), raised(40), raised(60)],
      ...[raised(80, 'unit-confused'), raised(100, 'not-known')],
    ];
    const { priorities, frequent, acknowledged, meanAckMs } = figures(alarms);
    expect(priorities.high).to.deep.equal({ count: 1, share: 1 / 6 });
    expect([priorities.medium.count, priorities.low.count]).to.deep.equal([4, 1]);
    expect(frequent.map(({ kind, count }) => [kind, count])).to.deep.equal([
      ['rate-of-rise', 3],
      ['load-collapse', 1],
      ['not-known', 1],
      ['unit-confused', 1],
    ]);
    expect(frequent[0]!.title).to.equal('Steep rise');
    expect([acknowledged, meanAckMs]).to.deep.equal([2, 3 * MINUTE_MS]);
  });
});
