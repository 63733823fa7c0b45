import { seededRandom } from '@flexder/runtime/random.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { LOAD_START_MS, syntheticLoad, type Traits } from '../../testing/load.ts';
import { packState } from '../forecast/state.ts';
import { FeederSeries, HALF_HOUR_MS, type Reading } from '../telemetry/series.ts';
import { Forecaster } from './forecaster.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 48 * HALF_HOUR_MS;

const readings = (traits: Traits): Reading[] =>
  syntheticLoad(traits).map(({ atMs, load }) => ({ atMs, powerKw: load }));
const history = readings({ days: 28 });
const LIVE_MS = LOAD_START_MS + 28 * DAY_MS;

/** The same feeder read every minute: half hours of the past, and a live day. */
function minutes(hours: number, seed = 'minutes'): Reading[] {
  const random = seededRandom(seed);
  const next = syntheticLoad({ days: 30, noiseKw: () => 0 }).slice(28 * 48);
  return Array.from({ length: hours * 60 }, (_, minute) => {
    const at = minute / 30;
    const [left, right] = [next[Math.floor(at)]!.load, next[Math.floor(at) + 1]!.load];
    const load = left + (right - left) * (at % 1) + random.normal(0, 3);
    return { atMs: LIVE_MS + minute * MINUTE_MS, powerKw: load };
  });
}

function open(past: readonly Reading[] = history) {
  const series = new FeederSeries(past);
  return { series, forecaster: new Forecaster(series) };
}

function feed({ series, forecaster }: ReturnType<typeof open>, samples: readonly Reading[], relieved = false) {
  return samples.map((sample) => {
    if (series.add(sample)) forecaster.learn(relieved);
    return forecaster.forecast(relieved)!;
  });
}

describe('forecaster', function () {
  this.timeout(20_000);

  it('fits from history and forecasts four hours from the first live sample on, with bands', () => {
    const feeder = open();
    expect(feeder.forecaster.forecast()).to.equal(undefined);
    const [forecast] = feed(feeder, minutes(1).slice(0, 1));
    expect(forecast).to.include({ issuedAtMs: LIVE_MS, model: 'ridge', version: '3', fittedAtMs: LIVE_MS });
    expect(forecast!.points.map(({ atMs }) => (atMs - LIVE_MS) / MINUTE_MS)).to.deep.equal(
      [1, 2, 3, 4, 5, 6, 7, 8].map((half) => 30 * half),
    );
    for (const { powerKw, lowKw, highKw } of forecast!.points) {
      expect(lowKw).to.be.below(powerKw);
      expect(highKw).to.be.above(powerKw);
      expect(powerKw).to.be.within(350, 470);
    }
    expect(feeder.forecaster.describe()).to.deep.include({ inputs: ['load', 'London calendar'], readings: 1_344 });
  });

  it('without history it says persistence, with a day of it the usual load', () => {
    const bare = open([]);
    const [first] = feed(bare, [{ atMs: LOAD_START_MS, powerKw: 123 }]);
    expect(first).to.deep.include({ model: 'persistence', fittedAtMs: null });
    expect(first!.points[0]).to.include({ powerKw: 123, lowKw: 123, highKw: 123 });
    const hour = [0, 1, 2].map((half) => ({ atMs: LOAD_START_MS + DAY_MS + half * HALF_HOUR_MS, powerKw: 400 }));
    expect(feed(open(history.slice(0, 48)), hour).at(-1)).to.include({ model: 'profile' });
  });

  it('a rising quarter of an hour is carried on by its slope', () => {
    const rising = Array.from({ length: 16 }, (_, minute) => ({
      atMs: LOAD_START_MS + minute * MINUTE_MS,
      powerKw: 100 + 2 * minute,
    }));
    const { points } = feed(open([]), rising).at(-1)!;
    const now = rising.at(-1)!;
    expect(points.slice(0, 2).map(({ atMs }) => (atMs - now.atMs) / MINUTE_MS)).to.deep.equal([5, 15]);
    expect(points[0]!.powerKw).to.be.closeTo(140, 1);
    expect(points[1]!.powerKw).to.be.closeTo(160, 1);
  });

  it('on a reading a minute beats persistence from five minutes on, and covers nine of ten', () => {
    const samples = minutes(47);
    const known = new Map(samples.map(({ atMs, powerKw }) => [atMs, powerKw]));
    const errors = new Map<number, { model: number; persistence: number; covered: number; count: number }>();
    for (const { issuedAtMs, points } of feed(open(), samples)) {
      if (issuedAtMs < LIVE_MS + 4 * 3_600_000) continue;
      for (const { atMs, powerKw, lowKw, highKw } of points) {
        const actual = known.get(atMs);
        if (actual === undefined) continue;
        const ahead = (atMs - issuedAtMs) / MINUTE_MS;
        const sum = errors.get(ahead) ?? { model: 0, persistence: 0, covered: 0, count: 0 };
        sum.model += Math.abs(powerKw - actual);
        sum.persistence += Math.abs(known.get(issuedAtMs)! - actual);
        sum.covered += actual >= lowKw && actual <= highKw ? 1 : 0;
        sum.count++;
        errors.set(ahead, sum);
      }
    }
    const better: [ahead: number, share: number][] = [
      [5, 0.85],
      [15, 0.6],
      [30, 0.5],
      [240, 0.3],
    ];
    for (const [ahead, share] of better) {
      const { model, persistence } = errors.get(ahead)!;
      expect(model / persistence, `${ahead} minutes`).to.be.below(share);
    }
    for (const ahead of [5, 15]) {
      const { covered, count } = errors.get(ahead)!;
      expect((100 * covered) / count, `${ahead} minutes`).to.be.within(84, 95);
    }
  });

  it('bands follow live residuals, and none is counted while dispatch changes the load', () => {
    const widthAfter = (relieved: boolean) => {
      const feeder = open();
      const random = seededRandom('live');
      const wild = Array.from({ length: 288 }, (_, i) => ({
        atMs: LIVE_MS + i * 5 * MINUTE_MS,
        powerKw: 600 + random.normal(0, 150),
      }));
      const [point] = feed(feeder, wild, relieved).at(-1)!.points.slice(-1);
      return point!.highKw - point!.lowKw;
    };
    expect(widthAfter(false)).to.be.above(1.5 * widthAfter(true));
  });

  it('does not take the load that comes back after a dispatch for a rise that goes on', () => {
    const feeder = open();
    const samples = minutes(6);
    feed(feeder, samples.slice(0, 120));
    const shed = samples.slice(120, 240).map(({ atMs, powerKw }) => ({ atMs, powerKw: powerKw - 150 }));
    feed(feeder, shed, true);
    const after = feed(feeder, samples.slice(240, 255)).at(-1)!;
    const untouched = feed(open(), samples.slice(0, 255)).at(-1)!;
    const hours = ({ points }: typeof after) => points.slice(-8).map(({ powerKw }) => powerKw);
    hours(after).forEach((kw, i) => {
      expect(kw, `${30 * (i + 1)} minutes`).to.be.closeTo(hours(untouched)[i]!, 20);
    });
  });

  it('a gap in telemetry is a gap, and what was forecast into it is not judged', () => {
    const feeder = open();
    const samples = minutes(12);
    const [before, after] = [samples.slice(0, 120), samples.slice(600)];
    feed(feeder, before);
    const forecasts = feed(feeder, after);
    for (const { points } of forecasts) {
      for (const { powerKw } of points) expect(powerKw).to.be.within(250, 1_000);
    }
  });

  it('restored, it forecasts to the last digit what one that never stopped does', function () {
    thorough.call(this);
    const samples = minutes(30);
    const steady = open();
    feed(steady, samples.slice(0, 917));
    const restored = Forecaster.restore(steady.forecaster.snapshot());
    const rest = samples.slice(917);
    expect(rest.length).to.be.above(800);
    expect(feed(restored, rest)).to.deep.equal(feed(steady, rest));
  });

  it('one that missed an hour of it does not: the equality can fail', function () {
    thorough.call(this);
    const samples = minutes(4);
    const steady = open();
    feed(steady, samples.slice(0, 100));
    const restored = Forecaster.restore(steady.forecaster.snapshot());
    feed(steady, samples.slice(100, 160));
    expect(feed(restored, samples.slice(160))).to.not.deep.equal(feed(steady, samples.slice(160)));
  });

  it('keeps a snapshot bounded, and refuses one of another version', () => {
    const feeder = open();
    feed(feeder, minutes(6));
    expect(feeder.forecaster.snapshot().byteLength).to.be.below(160_000);
    const other = packState({} as Parameters<typeof packState>[0]);
    const text = Buffer.from(other).toString('latin1').replace('"\x013', '"\x019');
    expect(() => Forecaster.restore(Buffer.from(text, 'latin1'))).to.throw(RangeError, 'version 9');
  });
});
