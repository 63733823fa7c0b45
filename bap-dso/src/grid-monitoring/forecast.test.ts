import { seededRandom } from '@flexder/runtime/random.ts';
import { expect } from 'chai';
import { isSummerTime, londonDay } from './calendar.ts';
import { ConformalBand } from './conformal.ts';
import { Forecaster } from './forecaster.ts';
import { fitDirect, predictLoad } from './model.ts';
import { fitRidge, predict } from './ridge.ts';
import { FeederSeries, HALF_HOUR_MS, type Reading } from './series.ts';

const DAY_MS = 48 * HALF_HOUR_MS;
const START_MS = Date.parse('2026-01-05T00:00:00Z');

/** A feeder with a morning and an evening peak, quieter weekends, a slow drift of the weather and noise. */
function syntheticLoad(days: number, seed = 'feeder'): Reading[] {
  const random = seededRandom(seed);
  let weather = 0;
  return Array.from({ length: days * 48 }, (_, i) => {
    const atMs = START_MS + i * HALF_HOUR_MS;
    const { share, weekend } = londonDay(atMs);
    const peak = (at: number, width: number) => Math.exp(-(((share - at) / width) ** 2));
    weather = 0.98 * weather + random.normal(0, 4);
    const shape = 400 + 150 * peak(0.34, 0.06) + 300 * peak(0.75, 0.08);
    return { atMs, powerKw: shape * (weekend ? 0.9 : 1) + weather + random.normal(0, 5) };
  });
}

/** Mean absolute percentage errors over a rolling origin: each target is forecast from what was known `step` slots before. */
function rollingErrors(readings: readonly Reading[], trainSlots: number, step: number) {
  const known = new Map(readings.map((reading) => [reading.atMs, reading.powerKw]));
  const load = (atMs: number) => known.get(atMs);
  const direct = fitDirect(load, readings.slice(0, trainSlots));
  const errors = { ridge: 0, profile: 0, persistence: 0 };
  const band = new ConformalBand();
  let [covered, banded] = [0, 0];
  const targets = readings.slice(trainSlots);
  for (const { atMs, powerKw } of targets) {
    const originMs = atMs - step * HALF_HOUR_MS;
    const ridge = predictLoad(direct, load, originMs, step)!.powerKw;
    const profile = predictLoad(undefined, load, originMs, step)!.powerKw;
    errors.ridge += Math.abs(ridge - powerKw) / powerKw;
    errors.profile += Math.abs(profile - powerKw) / powerKw;
    errors.persistence += Math.abs(load(originMs)! - powerKw) / powerKw;
    if (band.halfWidthKw !== undefined) {
      banded++;
      if (Math.abs(ridge - powerKw) <= band.halfWidthKw) covered++;
    }
    band.add(ridge - powerKw);
  }
  const mean = (sum: number) => (100 * sum) / targets.length;
  return {
    ridge: mean(errors.ridge),
    profile: mean(errors.profile),
    persistence: mean(errors.persistence),
    coverage: covered / banded,
  };
}

describe('forecast', () => {
  it('ridge finds the coefficients of a linear series and an exact intercept', () => {
    const random = seededRandom(1);
    const examples = Array.from({ length: 400 }, () => {
      const features = [random.normal(5, 2), random.normal(-3, 10), 7];
      return { features, target: 12 + 3 * features[0]! - 0.5 * features[1]! };
    });
    const model = fitRidge(examples, 1e-6);
    expect(predict(model, [1, 1, 7])).to.be.closeTo(14.5, 1e-4);
    expect(() => fitRidge([], 1)).to.throw(RangeError);
  });

  for (const step of [1, 2, 4]) {
    it(`${step * 30} minutes ahead ridge beats persistence by half and more, and the profile beats it too, over a rolling origin`, () => {
      const { ridge, profile, persistence } = rollingErrors(syntheticLoad(42), 28 * 48, step);
      expect(ridge).to.be.below(persistence / 2);
      expect(profile).to.be.below(persistence);
      expect(ridge).to.be.below(profile);
    });
  }

  it('rolling conformal bands cover about nine of ten', () => {
    const { coverage } = rollingErrors(syntheticLoad(42), 28 * 48, 2);
    expect(coverage).to.be.within(0.86, 0.94);
  });

  it('fits from history and forecasts two hours from the first live sample on, with bands', () => {
    const readings = syntheticLoad(28);
    const series = new FeederSeries(readings);
    const forecaster = new Forecaster(series);
    expect(forecaster.forecast()).to.equal(undefined);
    const nowMs = readings.at(-1)!.atMs + HALF_HOUR_MS;
    series.add({ atMs: nowMs, powerKw: readings.at(-1)!.powerKw });
    const forecast = forecaster.forecast()!;
    expect(forecast.model).to.equal('ridge');
    expect(forecast.points.map((point) => (point.atMs - nowMs) / 60_000)).to.deep.equal([30, 60, 90, 120]);
    for (const { powerKw, lowKw, highKw } of forecast.points) {
      expect(lowKw).to.be.below(powerKw);
      expect(highKw).to.be.above(powerKw);
      expect(powerKw).to.be.within(300, 500);
    }
  });

  it('without history it says persistence, with a day of it the profile of yesterday', () => {
    const bare = new FeederSeries();
    const forecaster = new Forecaster(bare);
    bare.add({ atMs: START_MS, powerKw: 123 });
    expect(forecaster.forecast()).to.deep.include({ model: 'persistence' });
    expect(forecaster.forecast()!.points[0]).to.include({ powerKw: 123, lowKw: 123, highKw: 123 });

    const yesterday = new FeederSeries(syntheticLoad(1));
    const second = new Forecaster(yesterday);
    yesterday.add({ atMs: START_MS + DAY_MS, powerKw: 400 });
    expect(second.forecast()).to.deep.include({ model: 'profile' });
  });

  it('a rising quarter of an hour is carried on by its slope', () => {
    const series = new FeederSeries();
    const forecaster = new Forecaster(series);
    for (let minute = 0; minute <= 15; minute++) {
      series.add({ atMs: START_MS + minute * 60_000, powerKw: 100 + 2 * minute });
    }
    const [short] = forecaster.forecast()!.points;
    expect((short!.atMs - START_MS) / 60_000).to.equal(30);
    expect(short!.powerKw).to.be.closeTo(160, 1e-6);
  });

  it('bands follow live residuals, and none is counted while dispatch changes the load', () => {
    const widthAfter = (relieved: boolean) => {
      const series = new FeederSeries(syntheticLoad(28));
      const forecaster = new Forecaster(series);
      const beginMs = START_MS + 28 * DAY_MS;
      const random = seededRandom('live');
      for (let minute = 0; minute < 3 * 24 * 60; minute += 5) {
        const sample = { atMs: beginMs + minute * 60_000, powerKw: 600 + random.normal(0, 150) };
        if (series.add(sample)) forecaster.learn(relieved);
      }
      const [point] = forecaster.forecast()!.points.slice(-1);
      return point!.highKw - point!.lowKw;
    };
    expect(widthAfter(false)).to.be.above(2 * widthAfter(true));
  });

  it('the conformal quantile is the ninth of nine sorted tenths and needs enough residuals', () => {
    const band = new ConformalBand();
    for (let i = 1; i <= 19; i++) band.add(i);
    expect(band.halfWidthKw).to.equal(undefined);
    band.add(-20);
    expect(band.halfWidthKw).to.equal(19);
  });

  it('knows London time and its weekends', () => {
    expect(isSummerTime(Date.parse('2026-03-29T00:59:59Z'))).to.equal(false);
    expect(isSummerTime(Date.parse('2026-03-29T01:00:00Z'))).to.equal(true);
    expect(isSummerTime(Date.parse('2026-10-25T00:59:59Z'))).to.equal(true);
    expect(isSummerTime(Date.parse('2026-10-25T01:00:00Z'))).to.equal(false);
    expect(londonDay(Date.parse('2026-07-03T23:30:00Z'))).to.deep.equal({ share: 0.5 / 24, weekend: true });
  });
});

describe('feeder series', () => {
  it('closes a half hour with its mean, keeps gaps as gaps and reads windows half-open', () => {
    const series = new FeederSeries();
    expect(series.add({ atMs: START_MS, powerKw: 10 })).to.equal(undefined);
    series.add({ atMs: START_MS + 60_000, powerKw: 20 });
    expect(series.add({ atMs: START_MS + 3 * HALF_HOUR_MS, powerKw: 99 })).to.deep.equal({
      atMs: START_MS,
      powerKw: 15,
    });
    expect(series.at(START_MS + HALF_HOUR_MS)).to.equal(undefined);
    expect(series.between(START_MS, START_MS + 60_000)).to.have.length(1);
    expect(series.last?.powerKw).to.equal(99);
  });

  it('holds a bounded number of samples and half hours', () => {
    const series = new FeederSeries();
    for (let i = 0; i < 20_000; i++) series.add({ atMs: START_MS + i * HALF_HOUR_MS, powerKw: 1 });
    expect(series.slots().length).to.equal(2_880);
    expect(series.between(0, Number.MAX_SAFE_INTEGER).length).to.be.below(8_193);
  });
});
