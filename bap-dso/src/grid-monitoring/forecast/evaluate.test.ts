import { seededRandom } from '@flexder/runtime/random.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Load, syntheticLoad } from '../../testing/load.ts';
import {
  EVALUATED_MINUTES,
  type Evaluation,
  type EvaluationOptions,
  evaluateForecast,
  type MadeForecast,
} from './evaluate.ts';

const HALF_HOUR_MS = 1_800_000;
const DAY_MS = 86_400_000;

const DAYS = 28;

/** The shortest and the longest horizon, unless all are asked for. */
function evaluated(readings: readonly Load[], options: Partial<EvaluationOptions> = {}) {
  const made: MadeForecast[] = [];
  const result = evaluateForecast(readings, {
    stepMs: HALF_HOUR_MS,
    testShare: 0.3,
    horizonMinutes: [30, 240],
    onForecast: (forecast) => made.push(forecast),
    ...options,
  });
  return { result, made };
}

function expectBetter({ horizons }: Evaluation, share = 0.9): void {
  for (const { minutes, model, persistence, dayNaive, dayLastError } of horizons) {
    const best = Math.min(persistence.mape!, dayNaive.mape!, dayLastError.mape!);
    expect(model.mape, `${minutes} min`).to.be.below(share * best);
  }
}

function expectCovered({ horizons }: Evaluation, low = 86, high = 94): void {
  for (const { minutes, model } of horizons) expect(model.coverage90, `${minutes} min`).to.be.within(low, high);
}

describe('evaluation of the forecast', function () {
  before(thorough);
  this.timeout(60_000);
  const plain = syntheticLoad({ days: DAYS });
  const known = evaluated(plain);
  const originMs = plain[Math.floor(0.85 * plain.length)]!.atMs;

  it('beats every rule at every horizon, covers nine of ten and says from what', () => {
    const { result } = evaluated(plain, { horizonMinutes: undefined });
    expectBetter(result);
    expectCovered(result);
    expect(result).to.include({ readings: DAYS * 48, test: 404 });
    expect(result.horizons.map(({ minutes, forecasts }) => [minutes, forecasts])).to.deep.equal(
      EVALUATED_MINUTES.map((minutes) => [minutes, 404]),
    );
    expect(result.model.features).to.include('deviation from the usual load');
    expect(result.model.fittedAtMs.wide).to.be.above(plain.at(-1)!.atMs - DAY_MS);
  });

  it('knows nothing of what comes: other readings after an origin change no forecast made at it', () => {
    const other = plain.map(({ atMs, load }) => ({ atMs, load: atMs > originMs ? 2 * load + 300 : load }));
    const before = (made: readonly MadeForecast[]) => made.filter((forecast) => forecast.originMs <= originMs);
    expect(before(known.made).length).to.be.above(1_000);
    expect(before(evaluated(other).made)).to.deep.equal(before(known.made));
  });

  it('the reading at the origin does count: the test of look-ahead can fail', () => {
    const other = plain.map(({ atMs, load }) => ({ atMs, load: atMs === originMs ? 2 * load : load }));
    const at = (made: readonly MadeForecast[]) => made.find((forecast) => forecast.originMs === originMs)!;
    expect(at(evaluated(other).made).value).to.be.above(1.3 * at(known.made).value);
  });

  it('holds with a tenth of the readings gone, and with whole runs of them gone', () => {
    const random = seededRandom('gaps');
    const thinned = plain.filter(() => !random.chance(0.1));
    let gap = 0;
    const broken = plain.filter(() => {
      gap = gap > 0 ? gap - 1 : random.chance(0.01) ? 20 : 0;
      return gap === 0;
    });
    for (const readings of [thinned, broken]) {
      const { result } = evaluated(readings);
      expectBetter(result, 1);
      expectCovered(result, 85, 95);
      expect(result.horizons[0]!.forecasts).to.be.within(0.8 * result.test, result.test);
    }
  });

  it('follows a transfer of load to a neighbour', () => {
    const startMs = plain[0]!.atMs;
    const factor = (atMs: number) => (Math.floor((atMs - startMs) / DAY_MS / 4) % 3 === 2 ? 0.7 : 1);
    const { result } = evaluated(syntheticLoad({ days: DAYS, factor }));
    expectBetter(result);
    expectCovered(result);
  });

  it('keeps its bands where the noise grows threefold in the middle of the test', () => {
    const noiseKw = (atMs: number) => (atMs < originMs ? 5 : 15);
    const { result } = evaluated(syntheticLoad({ days: DAYS, noiseKw }));
    expectCovered(result);
  });

  it('does not blow up where photovoltaics turn the sign', () => {
    const { result } = evaluated(syntheticLoad({ days: DAYS, solarKw: 700 }));
    for (const { model, persistence } of result.horizons) {
      expect(model.mape).to.be.below(persistence.mape!);
      expect(model.mape).to.be.below(60);
      expect(model.mae).to.be.below(60);
    }
    expectCovered(result, 84, 95);
  });

  it('treats bank holidays as the quiet days they are', () => {
    const startMs = Date.parse('2026-03-02T00:00:00Z');
    const load = syntheticLoad({ days: 34, startMs, quietShare: 0.6, noiseKw: () => 2 });
    const { made } = evaluated(load, { testShare: 0.1 });
    const goodFriday = made.filter(
      ({ minutes, targetMs }) => minutes === 240 && new Date(targetMs).toISOString().startsWith('2026-04-03T1'),
    );
    expect(goodFriday).to.have.length(20);
    for (const { value } of goodFriday) expect(value).to.be.below(480);
  });

  it('takes other samplings, and leaves out horizons that are no multiple', () => {
    for (const minutes of [5, 15]) {
      const stepMs = minutes * 60_000;
      const { result } = evaluated(syntheticLoad({ days: 16, stepMs }), { testShare: 0.1, stepMs });
      expect(result.leftOutMinutes).to.deep.equal([]);
      for (const { model, dayLastError } of result.horizons) expect(model.mape).to.be.below(dayLastError.mape!);
    }
    const stepMs = 2 * HALF_HOUR_MS;
    const hourly = evaluated(syntheticLoad({ days: 42, stepMs }), { stepMs, horizonMinutes: undefined }).result;
    expect(hourly.leftOutMinutes).to.deep.equal([30]);
    expectBetter(hourly);
  });

  it('manages on less than the lags reach back, and on a load that never changes', () => {
    const short = evaluated(plain.slice(0, 96)).result;
    expect(short.horizons.every(({ model }) => Number.isFinite(model.mape))).to.equal(true);
    const flat = evaluated(plain.slice(0, 1_000).map(({ atMs }) => ({ atMs, load: 250 }))).result;
    for (const { model } of flat.horizons) expect(model.mae).to.be.below(0.01);
    const zero = evaluated(plain.slice(0, 500).map(({ atMs }) => ({ atMs, load: 0 }))).result;
    for (const { model } of zero.horizons) expect([model.mape, model.coverage90]).to.deep.equal([null, 100]);
  });

  it('is better for a temperature forecast where the load is heating', () => {
    const random = seededRandom('cold');
    const temperatures = new Map<number, number>();
    let celsius = 5;
    const heated = plain.map(({ atMs, load }) => {
      celsius += 0.08 * (5 - celsius) + random.normal(0, 1.2);
      temperatures.set(atMs, celsius);
      return { atMs, load: load + 12 * Math.max(0, 15.5 - celsius) };
    });
    const options = { horizonMinutes: [240] };
    const without = evaluated(heated, options).result;
    const at = (atMs: number) => temperatures.get(atMs);
    const weather = { name: 'temperature forecast', known: 'ahead', kind: 'temperature', at } as const;
    const informed = evaluated(heated, { ...options, inputs: [weather] }).result;
    expect(informed.horizons[0]!.model.mae).to.be.below(0.8 * without.horizons[0]!.model.mae!);
    expect(informed.model.inputs).to.deep.equal(['load', 'London calendar', 'temperature forecast']);
  });

  it('an input that is not known changes no forecast to the last digit, and is not said to be used', () => {
    const short = plain.slice(0, 22 * 48);
    const nowhere = { name: 'national demand', known: 'outturn', kind: 'plain', at: () => undefined } as const;
    const without = evaluated(short, { horizonMinutes: [240] });
    const absent = evaluated(short, { horizonMinutes: [240], inputs: [nowhere] });
    expect(absent.made).to.deep.equal(without.made);
    expect(absent.result.model.inputs).to.deep.equal(['load', 'London calendar']);
  });

  it('of an outturn nothing later than an hour and a half before the origin counts', () => {
    const short = plain.slice(0, 22 * 48);
    const random = seededRandom('demand');
    const demand = new Map(short.map(({ atMs }) => [atMs, random.normal(30_000, 3_000)]));
    const input = (at: (atMs: number) => number | undefined) =>
      ({ name: 'national demand', known: 'outturn', kind: 'plain', at }) as const;
    const until = short.at(-100)!.atMs;
    const options = { horizonMinutes: [240] };
    const first = evaluated(short, { ...options, inputs: [input((atMs) => demand.get(atMs))] });
    const other = evaluated(short, {
      ...options,
      inputs: [input((atMs) => (atMs <= until - 90 * 60_000 ? demand.get(atMs) : 99_000))],
    });
    const upTo = (made: readonly MadeForecast[]) => made.filter(({ originMs }) => originMs <= until);
    expect(upTo(other.made)).to.deep.equal(upTo(first.made));
    expect(other.made).to.not.deep.equal(first.made);
    expect(first.result.model.inputs).to.deep.equal(['load', 'London calendar', 'national demand']);
  });

  it('refuses a share that leaves no reading, and a reading off the raster', () => {
    expect(() => evaluated(plain.slice(0, 1))).to.throw(RangeError, 'leave none');
    expect(() => evaluated(plain, { testShare: 0 })).to.throw(RangeError, 'leave none');
    const off = plain.map(({ atMs, load }) => ({ atMs: atMs + 1, load }));
    expect(() => evaluated(off)).to.throw(RangeError, 'off the raster');
  });
});
