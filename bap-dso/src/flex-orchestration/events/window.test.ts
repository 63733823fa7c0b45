import { expect } from 'chai';
import type { Finding } from '../../grid-monitoring/detection/detection.ts';
import type { Forecast } from '../../grid-monitoring/forecaster/forecaster.ts';
import { OVERLOAD_MEASURED } from '../../rules.ts';
import { need, offer, START_MS } from '../../testing/offers.ts';
import { choosePlan } from '../planning/plan.ts';
import { activationWindow, peakInWindow, stagger } from './window.ts';

const MINUTE_MS = 60_000;
const rules = { nowMs: START_MS, releaseKw: 95, defaultMinutes: 60, marginMinutes: 5 };
const finding = (crossingMinutes = 0): Finding => ({
  detectedBy: crossingMinutes > 0 ? 'forecast' : 'measured',
  rule: OVERLOAD_MEASURED,
  inputs: {},
  expectedPeakKw: 101,
  crossingAtMs: START_MS + crossingMinutes * MINUTE_MS,
});
const forecast = (...kw: number[]): Forecast => ({
  issuedAtMs: START_MS,
  model: 'ridge',
  points: kw.map((powerKw, i) => ({
    atMs: START_MS + (i + 1) * 30 * MINUTE_MS,
    powerKw,
    lowKw: powerKw,
    highKw: powerKw,
  })),
});
const minutes = ({ startMs, endMs }: { startMs: number; endMs: number }) => [
  (startMs - START_MS) / MINUTE_MS,
  (endMs - START_MS) / MINUTE_MS,
];

describe('activation window', () => {
  it('lasts until the forecast load is below the release level', () => {
    expect(minutes(activationWindow(finding(), forecast(104, 99, 94, 90), rules))).to.deep.equal([0, 90]);
  });

  it('has its default length without a forecast, with mere persistence, or with one that never exceeds', () => {
    expect(minutes(activationWindow(finding(), { ...forecast(104, 104), model: 'persistence' }, rules))).to.deep.equal([
      0, 60,
    ]);
    expect(minutes(activationWindow(finding(), undefined, rules))).to.deep.equal([0, 60]);
    expect(minutes(activationWindow(finding(), forecast(90, 90), rules))).to.deep.equal([0, 60]);
  });

  it('of a measured overload is never shorter than the default, since the forecast did not see it', () => {
    expect(minutes(activationWindow(finding(), forecast(96, 90), rules))).to.deep.equal([0, 60]);
    expect(minutes(activationWindow(finding(1), forecast(104, 90), rules))).to.deep.equal([0, 60]);
  });

  it('is bounded: half an hour at least, two and a half hours at most', () => {
    expect(minutes(activationWindow(finding(50), forecast(96, 90), rules))).to.deep.equal([45, 75]);
    expect(minutes(activationWindow(finding(), forecast(99, 99, 99, 99, 99), rules))).to.deep.equal([0, 150]);
  });

  it('starts shortly before a forecast crossing, never before now, and on a whole second', () => {
    expect(minutes(activationWindow(finding(45), forecast(97, 105, 94), rules))).to.deep.equal([40, 90]);
    expect(minutes(activationWindow(finding(3), forecast(105, 94), rules))[0]).to.equal(0);
    expect(activationWindow(finding(), undefined, { ...rules, nowMs: START_MS + 1 }).startMs).to.equal(
      START_MS + 1_000,
    );
  });

  it('is sized by the highest load until it ends, not after', () => {
    const window = { startMs: START_MS, endMs: START_MS + 60 * MINUTE_MS };
    expect(peakInWindow(finding(), forecast(103, 110, 130), window)).to.equal(110);
    expect(peakInWindow(finding(), undefined, window)).to.equal(101);
  });
});

describe('staggered release', () => {
  const at = { derate: () => 1, nowMs: START_MS, unresponsive: new Set<string>(), declined: new Set<string>() };
  const orders = async (changes = {}) => {
    const offers = ['a', 'b', 'c'].map((id) => offer(id, changes));
    return (await choosePlan(need({ requestedKw: 240 }), offers, at)).orders;
  };
  const ends = (list: Awaited<ReturnType<typeof orders>>) =>
    list.map(({ selection }) => (selection.window.endMs - START_MS) / MINUTE_MS);

  it('lets the orders of one event go one after the other', async () => {
    expect(ends(stagger(await orders(), 300))).to.deep.equal([60, 65, 70]);
    expect(ends(stagger(await orders(), 300, 2))).to.deep.equal([70, 75, 80]);
  });

  it('holds nobody longer than its blocks can', async () => {
    expect(ends(stagger(await orders({ maxDurationSeconds: 63 * 60 }), 300))).to.deep.equal([60, 63, 63]);
  });
});
