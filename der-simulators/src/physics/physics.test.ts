import { seededRandom } from '@flexder/runtime/random.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import type { BatteryParams, EvParams, HeatPumpParams } from '../model.ts';
import { PARAMS_OF } from '../portfolio/manifest-params.ts';
import { batteryAvailableDownKw, stepBattery } from './battery.ts';
import { evAvailableDownKw, stepEvCharger } from './ev-charger.ts';
import { COMFORT_BAND_K, heatPumpAvailableDownKw, stepHeatPump } from './heat-pump.ts';
import { seededWeather } from './weather.ts';

const RUNS = { numRuns: 60 };
const NOON_MS = Date.parse('2026-01-15T12:00:00Z');
const seed = fc.integer({ min: 1, max: 1_000_000 });
/** A setpoint per minute, beyond the ratings too, or the device's own will. */
const setpoints = fc.array(fc.option(fc.double({ min: -12, max: 15, noNaN: true }), { nil: null }), {
  minLength: 5,
  maxLength: 120,
});

const battery = (n: number) => PARAMS_OF.battery(seededRandom(n)) as BatteryParams;
const ev = (n: number) => PARAMS_OF['ev-charger'](seededRandom(n)) as EvParams;
const heatPump = (n: number) => PARAMS_OF['heat-pump'](seededRandom(n)) as HeatPumpParams;

describe('battery', () => {
  it('keeps power within its ratings and charge between reserve and full, whatever is asked', () => {
    fc.assert(
      fc.property(seed, setpoints, fc.double({ min: 0.3, max: 1, noNaN: true }), (n, asked, soc) => {
        const params = battery(n);
        let state = { soc, powerKw: 0 };
        asked.forEach((setpointKw, minute) => {
          const stepped = stepBattery(state, params, { atMs: NOON_MS + minute * 60_000, seconds: 60, setpointKw });
          expect(stepped.powerKw).to.be.within(-params.maxExportKw - 1e-9, params.maxImportKw + 1e-9);
          expect(stepped.state.soc).to.be.within(params.reserve - 1e-9, 1);
          state = stepped.state;
        });
      }),
      RUNS,
    );
  });

  it('never exports above 3.68 kW per phase', () => {
    for (let n = 1; n < 50; n++) expect(battery(n).maxExportKw).to.be.at.most(3.68);
  });

  it('returns no more energy than the round trip leaves', () => {
    const params = battery(3);
    let state = { soc: 0.5, powerKw: 0 };
    let inKwh = 0;
    let outKwh = 0;
    for (let minute = 0; minute < 60; minute++) {
      const stepped = stepBattery(state, params, { atMs: NOON_MS, seconds: 60, setpointKw: 2 });
      inKwh += stepped.energyKwh;
      state = stepped.state;
    }
    while (state.soc > 0.5) {
      const stepped = stepBattery(state, params, { atMs: NOON_MS, seconds: 1, setpointKw: -2 });
      outKwh -= stepped.energyKwh;
      state = stepped.state;
    }
    expect(outKwh / inKwh).to.be.closeTo(params.roundTrip, 0.01);
  });

  it('is half way to full power half a ramp after the order, and there after the ramp', () => {
    const params = { ...battery(1), rampS: 2, maxExportKw: 3.68, maxImportKw: 3.68 };
    const step = { atMs: NOON_MS, setpointKw: -3.68 };
    const half = stepBattery({ soc: 0.9, powerKw: 0 }, params, { ...step, seconds: 1 });
    expect(half.powerKw).to.be.closeTo(-1.84, 1e-9);
    expect(stepBattery(half.state, params, { ...step, seconds: 1 }).powerKw).to.be.closeTo(-3.68, 1e-9);
  });

  it('stops at the reserve and says why; says nothing above it', () => {
    const params = battery(1);
    const step = { atMs: NOON_MS, seconds: 60, setpointKw: -3 };
    const empty = stepBattery({ soc: params.reserve, powerKw: 0 }, params, step);
    expect(empty.powerKw).to.equal(0);
    expect(empty.unable).to.equal('RESERVE_REACHED');
    expect(stepBattery({ soc: 0.8, powerKw: 0 }, params, step).unable).to.equal(undefined);
  });

  it('sustains for half an hour what it says it could shed', () => {
    fc.assert(
      fc.property(seed, fc.double({ min: 0.1, max: 1, noNaN: true }), (n, soc) => {
        const params = battery(n);
        let state = { soc: Math.max(soc, params.reserve), powerKw: 0 };
        const promised = batteryAvailableDownKw(state, params);
        for (let minute = 0; minute < 30; minute++) {
          // The half-hour promise includes the ramp of the last second.
          const step = { atMs: NOON_MS, seconds: minute === 29 ? 58 : 60, setpointKw: -promised };
          const stepped = stepBattery(state, params, step);
          expect(stepped.powerKw).to.be.closeTo(-promised, 1e-6);
          state = stepped.state;
        }
      }),
      RUNS,
    );
  });
});

describe('ev charger', () => {
  const session = { arriveMs: NOON_MS, departMs: NOON_MS + 18 * 3_600_000, neededKwh: 12 };

  it('draws nothing or at least 6 A per phase, at most its rating or limit, and never more energy than needed', () => {
    fc.assert(
      fc.property(seed, setpoints, (n, asked) => {
        const params = ev(n);
        let state = { arriveMs: 0, deliveredKwh: 0, powerKw: 0 };
        asked.forEach((setpointKw, minute) => {
          const step = { atMs: NOON_MS + minute * 60_000, seconds: 60, setpointKw, session };
          const stepped = stepEvCharger(state, params, step);
          if (stepped.powerKw !== 0) expect(stepped.powerKw).to.be.within(params.minimumKw, params.ratedKw);
          if (setpointKw !== null) expect(stepped.powerKw).to.be.at.most(Math.max(0, setpointKw));
          expect(stepped.state.deliveredKwh).to.be.at.most(session.neededKwh + 1e-9);
          state = stepped.state;
        });
      }),
      RUNS,
    );
  });

  it('pauses below 1.38 kW on one phase and 4.14 kW on three, and charges at them', () => {
    const idle = { arriveMs: 0, deliveredKwh: 0, powerKw: 0 };
    for (const [phases, ratedKw, minimumKw] of [
      [1, 7.36, 1.38],
      [3, 11.04, 4.14],
    ] as const) {
      const params = { ...ev(1), phases, ratedKw, minimumKw };
      const step = { atMs: NOON_MS, seconds: 60, session };
      expect(stepEvCharger(idle, params, { ...step, setpointKw: minimumKw - 0.01 }).powerKw).to.equal(0);
      expect(stepEvCharger(idle, params, { ...step, setpointKw: minimumKw }).powerKw).to.equal(minimumKw);
    }
  });

  it('charges in spite of a pause when the car would leave short, and says so', () => {
    const params = ev(2);
    const idle = { arriveMs: 0, deliveredKwh: 0, powerKw: 0 };
    const late = { atMs: session.departMs - 3_600_000, seconds: 60, setpointKw: 0, session };
    const forced = stepEvCharger(idle, params, late);
    expect(forced.powerKw).to.equal(params.ratedKw);
    expect(forced.unable).to.equal('DEPARTURE_NEAR');
    const early = stepEvCharger(idle, params, { ...late, atMs: NOON_MS });
    expect([early.powerKw, early.unable]).to.deep.equal([0, undefined]);
  });

  it('offers the average a pause sheds over half an hour, nothing without a car or without slack', () => {
    const params = ev(2);
    const nearlyFull = { arriveMs: session.arriveMs, deliveredKwh: 11, powerKw: params.ratedKw };
    expect(evAvailableDownKw(nearlyFull, params, session, NOON_MS)).to.be.closeTo(2, 1e-9);
    expect(evAvailableDownKw({ ...nearlyFull, deliveredKwh: 0 }, params, session, NOON_MS)).to.equal(params.ratedKw);
    expect(evAvailableDownKw(nearlyFull, params, undefined, NOON_MS)).to.equal(0);
    expect(evAvailableDownKw(nearlyFull, params, session, session.departMs - 3_000_000)).to.equal(0);
  });
});

describe('heat pump', () => {
  const begin = (params: HeatPumpParams) => ({
    roomC: params.comfortC,
    on: true,
    sinceS: 600,
    powerKw: params.minimumKw,
  });

  it('keeps a room within 1 K of comfort through winter days', () => {
    fc.assert(
      fc.property(seed, (n) => {
        const params = heatPump(n);
        const weather = seededWeather(n);
        let state = begin(params);
        for (let minute = 0; minute < 2 * 1440; minute += 5) {
          const atMs = NOON_MS + minute * 60_000;
          const step = { atMs, seconds: 300, setpointKw: null, outdoorC: weather(atMs) };
          state = stepHeatPump(state, params, step).state;
          expect(Math.abs(state.roomC - params.comfortC)).to.be.at.most(COMFORT_BAND_K);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('keeps its least on and off times and its power range, whatever is asked', () => {
    fc.assert(
      fc.property(seed, setpoints, (n, asked) => {
        const params = heatPump(n);
        let state = begin(params);
        asked.forEach((setpointKw, minute) => {
          const before = state;
          const step = { atMs: NOON_MS + minute * 60_000, seconds: 60, setpointKw, outdoorC: 2 };
          const stepped = stepHeatPump(state, params, step);
          state = stepped.state;
          if (state.on) expect(stepped.powerKw).to.be.within(params.minimumKw, params.ratedKw);
          else expect(stepped.powerKw).to.equal(0);
          if (state.on !== before.on) {
            expect(before.sinceS).to.be.at.least(before.on ? params.minimumOnS : params.minimumOffS);
          }
        });
      }),
      RUNS,
    );
  });

  it('draws more after a release than before the event', () => {
    const params = { ...heatPump(4), minimumOffS: 300 };
    let state = begin(params);
    const run = (minutes: number, setpointKw: number | null) => {
      let powerKw = 0;
      for (let minute = 0; minute < minutes; minute++) {
        const step = { atMs: NOON_MS, seconds: 60, setpointKw, outdoorC: 3 };
        const stepped = stepHeatPump(state, params, step);
        state = stepped.state;
        powerKw = stepped.powerKw;
      }
      return powerKw;
    };
    const before = run(600, null);
    expect(run(90, 0)).to.equal(0);
    expect(run(10, null)).to.be.greaterThan(before);
  });

  it('does not obey a limit below the comfort band, and says so', () => {
    const params = heatPump(5);
    const step = { atMs: NOON_MS, seconds: 60, setpointKw: 0, outdoorC: 0 };
    const off = { on: false, sinceS: 3_600, powerKw: 0 };
    const cold = stepHeatPump({ ...off, roomC: params.comfortC - 1.05 }, params, step);
    expect(cold.powerKw).to.be.greaterThan(0);
    expect(cold.unable).to.equal('COMFORT_LIMIT');
    const warm = stepHeatPump({ ...off, roomC: params.comfortC }, params, step);
    expect([warm.powerKw, warm.unable]).to.deep.equal([0, undefined]);
  });

  it('offers its power only when it may stop and the room can spare half an hour', () => {
    const params = heatPump(6);
    const on = { roomC: params.comfortC, on: true, sinceS: 900, powerKw: 1.2 };
    expect(heatPumpAvailableDownKw(on, params, 3)).to.equal(1.2);
    expect(heatPumpAvailableDownKw({ ...on, sinceS: 60 }, params, 3)).to.equal(0);
    expect(heatPumpAvailableDownKw({ ...on, roomC: params.comfortC - 0.95 }, params, 3)).to.equal(0);
  });
});
