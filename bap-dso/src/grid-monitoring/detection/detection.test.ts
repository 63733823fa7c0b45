import { expect } from 'chai';
import type { Forecast } from '../forecaster/forecaster.ts';
import { ARMED, crossing, type DetectorState, detect, eventClosed, type Sample } from './detection.ts';

const LIMITS = { limitKw: 100, releaseKw: 95 };
const HORIZON_MS = 3_600_000;
const NOW_MS = Date.parse('2026-01-15T17:00:00Z');

const sample = (powerKw: number, atMs = NOW_MS): Sample => ({ atMs, powerKw, quality: 'GOOD' });
const forecast = (...kw: number[]): Forecast => ({
  issuedAtMs: NOW_MS,
  model: 'ridge',
  points: kw.map((powerKw, i) => ({
    atMs: NOW_MS + (i + 1) * 1_800_000,
    powerKw,
    lowKw: powerKw - 5,
    highKw: powerKw + 5,
  })),
});
const levels = (loads: readonly number[]) => {
  let state: DetectorState = ARMED;
  return loads.map((kw) => {
    state = detect(state, sample(kw), undefined, LIMITS, HORIZON_MS).state;
    return state.level;
  });
};

describe('overload detection', () => {
  it('a load at the limit is one, just below it is none', () => {
    expect(detect(ARMED, sample(100), undefined, LIMITS, HORIZON_MS).finding).to.deep.include({
      detectedBy: 'measured',
      expectedPeakKw: 100,
      crossingAtMs: NOW_MS,
    });
    expect(detect(ARMED, sample(99.999), undefined, LIMITS, HORIZON_MS)).to.deep.equal({ state: ARMED });
  });

  it('names rule, version and every input', () => {
    const { finding } = detect(ARMED, sample(101.2), forecast(104, 98), LIMITS, HORIZON_MS);
    expect(finding!.rule).to.include({ id: 'overload-measured', version: '1' });
    expect(finding!.inputs).to.deep.include({
      limit_kw: 100,
      release_kw: 95,
      power_kw: 101.2,
      quality: 'GOOD',
      observed_at: '2026-01-15T17:00:00.000Z',
      forecast_kw: 104,
      forecast_low_kw: 99,
      forecast_high_kw: 109,
    });
    expect(finding!.expectedPeakKw).to.equal(104);
  });

  it('trims at the limit and releases below the release level, and not in between', () => {
    expect(levels([94, 97, 100, 97, 95, 94.9, 97])).to.deep.equal([
      'NORMAL',
      'NORMAL',
      'TRIMMED',
      'TRIMMED',
      'TRIMMED',
      'NORMAL',
      'NORMAL',
    ]);
  });

  it('opens no second event while one is open, and a new one when it was released and the load still exceeds', () => {
    const first = detect(ARMED, sample(105), undefined, LIMITS, HORIZON_MS);
    expect(first.state.eventOpen).to.equal(true);
    const during = detect(first.state, sample(120), forecast(130), LIMITS, HORIZON_MS);
    expect(during.finding).to.equal(undefined);
    const after = detect(eventClosed(during.state, NOW_MS), sample(120, NOW_MS + 1_000), undefined, LIMITS, HORIZON_MS);
    expect(after.finding?.detectedBy).to.equal('measured');
  });

  it('a forecast at the limit within the horizon opens one ahead, beyond the horizon none', () => {
    const ahead = detect(ARMED, sample(90), forecast(95, 105), LIMITS, HORIZON_MS);
    expect(ahead.finding).to.deep.include({ detectedBy: 'forecast', expectedPeakKw: 105 });
    expect(ahead.finding!.rule.id).to.equal('overload-forecast');
    expect(ahead.finding!.crossingAtMs).to.equal(NOW_MS + 45 * 60_000);
    expect(ahead.finding!.inputs.lead_minutes).to.equal(45);
    expect(detect(ARMED, sample(90), forecast(95, 99, 120), LIMITS, HORIZON_MS).finding).to.equal(undefined);
  });

  it('after an event the forecast rule rests, since the rebound has a slope, while the measured one does not', () => {
    const closed = eventClosed({ level: 'NORMAL', eventOpen: true, eventClosedAtMs: null }, NOW_MS);
    const within = NOW_MS + 9 * 60_000;
    const rebound = { ...forecast(110), issuedAtMs: within };
    expect(detect(closed, sample(96, within), rebound, LIMITS, HORIZON_MS).finding).to.equal(undefined);
    expect(detect(closed, sample(100, within), rebound, LIMITS, HORIZON_MS).finding?.detectedBy).to.equal('measured');
    const later = NOW_MS + 10 * 60_000;
    expect(detect(closed, sample(96, later), rebound, LIMITS, HORIZON_MS).finding?.detectedBy).to.equal('forecast');
  });

  it('a forecast that starts above the limit crosses at once', () => {
    expect(crossing({ atMs: NOW_MS, powerKw: 101 }, forecast(100), 100, HORIZON_MS)).to.equal(NOW_MS);
  });
});
