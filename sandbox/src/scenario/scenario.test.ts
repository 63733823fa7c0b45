import { mayBeDispatched } from '@flexder/der-simulators/counterfactual.ts';
import { temperOf } from '@flexder/der-simulators/device/behaviour.ts';
import { createUnit } from '@flexder/der-simulators/device/unit.ts';
import { feederLoadKw } from '@flexder/der-simulators/feeder.ts';
import { startWarmPhysics } from '@flexder/der-simulators/physics/physics.ts';
import { seededWeather } from '@flexder/der-simulators/physics/weather.ts';
import { isThorough } from '@flexder/runtime/testing/thorough.ts';
import type { DeviceCommand } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { activationBench } from './activation-bench.ts';
import { eveningPeak } from './evening-peak.ts';
import type { Scenario, ScenarioFeeder } from './types.ts';
import { PROFILE_DAYS, PROFILE_PEAK_A, weybridgeShape } from './weybridge-profile.ts';

const MINUTE = 60_000;
const RELEASE_SHARE = 0.95;
const UNRELIABLE: ReadonlySet<string> = new Set(['silent', 'weak', 'refusing', 'opted-out', 'dropout']);
const iso = (ms: number) => new Date(ms).toISOString();

/** Checks the story of one seed: what happens undispatched, and that enough can be shed when it does. */
function checkStory(scenario: Scenario): void {
  for (const { feederId } of scenario.feeders.slice(0, 2)) {
    // The cheapest blocks hold devices that do not deliver: the fall stays short of the commitment.
    const lost = scenario.ders.filter(
      (der) => der.feederId === feederId && der.type === 'battery' && UNRELIABLE.has(der.behaviour),
    );
    expect(lost.length, `${feederId} unreliable batteries`).to.be.at.least(2);
  }
  const [ramp, step, quiet, ...copies] = scenario.undispatched();
  const limitKw = scenario.feeders[0]!.limitKw;
  for (const over of [ramp!, step!]) {
    const needKw = over.peakKw - RELEASE_SHARE * limitKw;
    expect(over.peakKw / limitKw).to.be.within(1.04, 1.1);
    const first = over.loadKw.findIndex((kw) => kw > limitKw);
    for (const at of [first, over.loadKw.indexOf(over.peakKw)]) {
      expect(over.sheddableKw[at]! / needKw, `${over.feederId} sheddable`).to.be.at.least(1.6);
    }
    expect(over.loadKw.filter((kw) => kw > limitKw).length).to.be.at.least(20);
    expect(over.loadKw.at(-1)! / limitKw).to.be.below(0.9);
  }
  for (const calm of [quiet!, ...copies]) expect(calm.peakKw / limitKw).to.be.below(0.88);
  // The ramp can be seen coming; the step cannot: a minute before it the feeder is well below.
  expect(ramp!.loadKw[0]! / limitKw).to.be.below(0.95);
  const jump = step!.loadKw.findIndex((kw, i) => kw - (step!.loadKw[i - 1] ?? kw) > 0.08 * limitKw);
  expect(step!.loadKw.slice(0, jump).every((kw) => kw < 0.93 * limitKw)).to.equal(true);
}

/** Load of a feeder when every device that may be dispatched is, from the first minute above the release level on. */
function loadsWithEverybody(scenario: Scenario, feeder: ScenarioFeeder): { fromMs: number; loads: number[] } {
  const undispatched = scenario.undispatched().find(({ feederId }) => feederId === feeder.feederId)!;
  const over = undispatched.loadKw.map((kw, i) => (kw > feeder.limitKw ? undispatched.atMs[i]! : 0)).filter(Boolean);
  const [fromMs, untilMs] = [over[0]!, over.at(-1)! + MINUTE];
  const weather = seededWeather(scenario.seed);
  const units = scenario.ders
    .filter(({ feederId }) => feederId === feeder.feederId)
    .map((der) => {
      const physics = startWarmPhysics(der, { seed: scenario.seed, atMs: scenario.startMs, weather });
      const unit = createUnit(der, physics, temperOf(der, scenario.seed));
      unit.advance(fromMs);
      const type = {
        battery: 'DISPATCH_SETPOINT',
        'ev-charger': 'IMPORT_CAPACITY_LIMIT',
        'heat-pump': 'CONTROL_SETPOINT',
      } as const;
      const command: DeviceCommand = {
        v: 1,
        command_id: 'c1',
        der_id: der.derId,
        sequence: 1,
        type: type[der.type],
        order_id: 'o1',
        obp_id: 'obp1',
        event_id: 'e1',
        target_kw: der.params.kind === 'battery' ? -0.75 * der.params.maxExportKw : 0,
        start_at: iso(fromMs),
        stop_at: iso(untilMs),
        valid_until: iso(fromMs + MINUTE),
        release_delay_s: 0,
        issued_at: iso(fromMs),
      };
      if (mayBeDispatched(der, fromMs) && physics.availableDownKw() > 0) unit.read(command, fromMs);
      return unit;
    });
  const loads: number[] = [];
  for (let atMs = fromMs + MINUTE; atMs <= untilMs; atMs += MINUTE) {
    for (const unit of units) unit.advance(atMs);
    const devicesKw = units.reduce((sum, { physics }) => sum + physics.powerKw, 0);
    loads.push(feederLoadKw(feeder, scenario.seed, atMs, devicesKw));
  }
  return { fromMs, loads };
}

describe('evening-peak', function () {
  this.timeout(60_000);

  it('tells its story for every seed', () => {
    for (let seed = 1; seed <= (isThorough() ? 20 : 6); seed++) checkStory(eveningPeak({ seed, historyDays: 1 }));
  });

  it('keeps its story with other numbers of devices, feeders and aggregators', () => {
    checkStory(eveningPeak({ seed: 3, ders: 60, historyDays: 1 }));
    checkStory(eveningPeak({ seed: 3, ders: 600, historyDays: 1 }));
    checkStory(eveningPeak({ seed: 3, ders: 500, feeders: 5, bpps: 4, historyDays: 1 }));
    checkStory(eveningPeak({ seed: 3, bpps: 1, historyDays: 1 }));
  });

  it('can be relieved for as long as it lasts, whatever behaviours its devices have', () => {
    for (const seed of [1, 7]) {
      const scenario = eveningPeak({ seed, historyDays: 1 });
      for (const feeder of scenario.feeders.slice(0, 2)) {
        const { loads } = loadsWithEverybody(scenario, feeder);
        expect(Math.max(...loads) / feeder.limitKw, `seed ${seed} ${feeder.feederId}`).to.be.below(1);
      }
    }
  });

  it('has a calm past: half hours of four weeks, the last right before the start, none above the limit', () => {
    for (const seed of [1, 10]) {
      const { feeders, startMs } = eveningPeak({ seed });
      for (const { history, limitKw } of feeders) {
        expect(history).to.have.length(28 * 48 + 31);
        expect(history.at(-1)!.atMs).to.equal(startMs - 1_800_000);
        expect(Math.max(...history.map(({ kw }) => kw))).to.be.below(limitKw);
        expect(Math.min(...history.map(({ kw }) => kw))).to.be.greaterThan(0.2 * limitKw);
      }
    }
  });

  it('is reproducible, and another seed is another evening', () => {
    const facts = (seed: number) => {
      const scenario = eveningPeak({ seed, historyDays: 1 });
      return { ders: scenario.ders, loads: scenario.undispatched().map(({ loadKw }) => loadKw) };
    };
    expect(facts(4)).to.deep.equal(facts(4));
    expect(facts(4)).to.not.deep.equal(facts(5));
  });

  it('brings meter history of all devices', () => {
    const scenario = eveningPeak({ seed: 1, ders: 30 });
    const rows = scenario.meterHistory();
    expect(new Set(rows.map((row) => row.import_msid)).size).to.equal(30);
    expect(rows[0]!.settlement_date).to.equal('2025-12-30');
  });

  it('has aggregators that differ: portfolios, prices, and one firm on less than it offers', () => {
    const { aggregators, ders } = eveningPeak({ historyDays: 1 });
    expect(aggregators.map(({ quoteShare }) => quoteShare)).to.deep.equal([1, 0.8]);
    const chargers = (id: string) => ders.filter((der) => der.aggregatorId === id && der.type === 'ev-charger').length;
    expect(chargers('aggregator-2')).to.be.greaterThan(chargers('aggregator-1'));
  });

  it('waits for aggregators from outside with bpps 0: the same story without devices', () => {
    const scenario = eveningPeak({ bpps: 0, historyDays: 1 });
    expect(scenario.ders).to.deep.equal([]);
    expect(scenario.undispatched().map(({ peakKw }) => peakKw > 1200)).to.deep.equal([true, true, false]);
  });

  it('names a bad option', () => {
    expect(() => eveningPeak({ feeders: 2 })).to.throw(RangeError, 'feeders must be a whole number from 3');
    expect(() => eveningPeak({ ders: 10 })).to.throw(RangeError, 'at least 18 ders');
    expect(() => eveningPeak({ bpps: -1 })).to.throw(RangeError, 'bpps must be');
  });
});

describe('activation-bench', () => {
  it('crosses the limit when pushed and is calm when relaxed, with devices that all can shed', () => {
    const bench = activationBench({ historyDays: 1 });
    const { scenario } = bench;
    const feeder = scenario.feeders[0]!;
    const weather = seededWeather(scenario.seed);
    const bodies = scenario.ders.map((der) => startWarmPhysics(der, { seed: 1, atMs: scenario.startMs, weather }));
    const load = () =>
      feederLoadKw(
        feeder,
        1,
        scenario.startMs,
        bodies.reduce((sum, { powerKw }) => sum + powerKw, 0),
      );
    expect(load() / feeder.limitKw).to.be.below(0.85);
    bench.push();
    expect(load() / feeder.limitKw).to.be.within(1.02, 1.15);
    const sheddable = bodies.reduce((sum, body) => sum + body.availableDownKw(), 0);
    expect(sheddable).to.be.greaterThan(1.6 * (load() - RELEASE_SHARE * feeder.limitKw));
    bench.relax();
    expect(load() / feeder.limitKw).to.be.below(0.85);
    expect(new Set(scenario.ders.map(({ behaviour }) => behaviour))).to.deep.equal(new Set(['normal']));
  });
});

describe('weybridge profile', () => {
  it('is a fortnight of half hours between its night low and its evening peak', () => {
    expect([PROFILE_DAYS, PROFILE_PEAK_A]).to.deep.equal([14, 844]);
    for (let half = 0; half < 14 * 48; half++) {
      expect(weybridgeShape(Date.parse('2026-01-05T00:00:00Z') + half * 1_800_000)).to.be.within(0.45, 1);
    }
  });

  it('has its value at the half hour, the mean between two, and repeats after a fortnight', () => {
    const at = Date.parse('2026-01-05T00:00:00Z');
    const [first, second] = [weybridgeShape(at), weybridgeShape(at + 1_800_000)];
    expect(weybridgeShape(at + 900_000)).to.be.closeTo((first + second) / 2, 1e-12);
    expect(weybridgeShape(at - 14 * 86_400_000)).to.equal(first);
  });
});
