import { expect } from 'chai';
import fc from 'fast-check';
import { startPhysics } from '../physics/physics.ts';
import { seededWeather } from '../physics/weather.ts';
import { halfHourOf, halfHoursBetween, londonMidnight } from './half-hour.ts';
import { meterRows, simulateHistory } from './history.ts';
import { apportion, DEFAULT_BEHAVIOURS, type FleetPlan, makeFleet } from './manifest.ts';
import { checkDigit, pseudonymousMsid } from './msid.ts';

const AT = Date.parse('2026-01-15T15:30:00Z');
const plan = (over: Partial<FleetPlan> = {}): FleetPlan => ({
  seed: 1,
  ders: 330,
  feeders: ['f1', 'f2', 'f3'],
  aggregators: [
    { id: 'a', mix: { battery: 0.5, 'ev-charger': 0.3, 'heat-pump': 0.2 } },
    { id: 'b', mix: { battery: 0.3, 'ev-charger': 0.5, 'heat-pump': 0.2 } },
  ],
  atMs: AT,
  ...over,
});

describe('a portfolio', () => {
  it('is the same for the same seed and another for another', () => {
    expect(makeFleet(plan())).to.deep.equal(makeFleet(plan()));
    expect(makeFleet(plan())).to.not.deep.equal(makeFleet(plan({ seed: 2 })));
  });

  it('shares devices out over feeders, aggregators and types', () => {
    const fleet = makeFleet(plan());
    const count = (key: 'feederId' | 'aggregatorId' | 'type', value: string) =>
      fleet.filter((der) => der[key] === value).length;
    expect(['f1', 'f2', 'f3'].map((id) => count('feederId', id))).to.deep.equal([110, 110, 110]);
    expect(['a', 'b'].map((id) => count('aggregatorId', id))).to.deep.equal([165, 165]);
    expect(count('type', 'battery')).to.be.within(125, 140);
  });

  it('deals every behaviour on every feeder in its share, some essential, some without consent', () => {
    const fleet = makeFleet(plan());
    for (const feederId of ['f1', 'f2', 'f3']) {
      const here = fleet.filter((der) => der.feederId === feederId);
      for (const [behaviour, share] of Object.entries(DEFAULT_BEHAVIOURS)) {
        expect(here.filter((der) => der.behaviour === behaviour).length, behaviour).to.equal(Math.round(110 * share));
      }
    }
    expect(fleet.filter((der) => der.essential).length).to.be.within(1, 20);
    expect(fleet.filter((der) => der.consent.validUntilMs <= AT).length).to.be.within(1, 20);
  });

  it('gives each meter a 13-digit MSID of its own with a right check digit', () => {
    const msids = makeFleet(plan()).flatMap((der) => [der.importMsid, ...(der.exportMsid ? [der.exportMsid] : [])]);
    expect(new Set(msids).size).to.equal(msids.length);
    for (const msid of msids) {
      expect(msid).to.match(/^99\d{11}$/);
      expect(checkDigit(msid.slice(0, 12))).to.equal(Number(msid[12]));
    }
    expect(pseudonymousMsid(7)).to.have.length(13);
  });

  it('names what is wrong with a plan', () => {
    expect(() => makeFleet(plan({ ders: -1 }))).to.throw(RangeError, 'ders must be a whole number');
    expect(() => makeFleet(plan({ feeders: [] }))).to.throw(RangeError, 'at least one feeder');
    expect(() => makeFleet(plan({ aggregators: [] }))).to.throw(RangeError, 'at least one aggregator');
    expect(makeFleet(plan({ ders: 0, aggregators: [] }))).to.deep.equal([]);
  });

  it('apportions to exactly the total, each within one of its exact share', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), weights, (total, parts) => {
        fc.pre(parts.some((part) => part > 0));
        const sum = parts.reduce((a, b) => a + b);
        const counts = apportion(total, parts);
        expect(counts.reduce((a, b) => a + b)).to.equal(total);
        for (const [i, count] of counts.entries()) expect(Math.abs(count - (total * parts[i]!) / sum)).to.be.below(1);
      }),
    );
  });
});

describe('settlement half hours', () => {
  it('count 48 from London midnight, 46 and 50 when the clocks change', () => {
    const day = (date: string) => {
      const noon = Date.parse(`${date}T12:00:00Z`);
      const from = londonMidnight(noon);
      return halfHoursBetween(from, londonMidnight(noon + 86_400_000)).map((one) => one.settlementPeriod);
    };
    for (const [date, periods] of [
      ['2026-01-15', 48],
      ['2026-07-15', 48],
      ['2026-03-29', 46],
      ['2026-10-25', 50],
    ] as const) {
      expect(day(date), date).to.deep.equal(Array.from({ length: periods }, (_, i) => i + 1));
    }
  });

  it('belong to the London date', () => {
    expect(halfHourOf(Date.parse('2026-07-14T23:10:00Z'))).to.deep.equal({
      startMs: Date.parse('2026-07-14T23:00:00Z'),
      settlementDate: '2026-07-15',
      settlementPeriod: 1,
    });
    expect(halfHourOf(Date.parse('2026-01-14T23:10:00Z')).settlementPeriod).to.equal(47);
  });
});

describe('simulated history', () => {
  const ders = makeFleet(plan({ ders: 24 }));

  it('has one row per meter and half hour, from London midnight, whole days first', () => {
    const rows = meterRows(simulateHistory({ seed: 1, ders, untilMs: AT, days: 12 }));
    expect(rows).to.have.length(24 * (12 * 48 + 31));
    const first = rows.filter((row) => row.import_msid === ders[0]!.importMsid);
    expect([first[0]!.settlement_date, first[0]!.settlement_period]).to.deep.equal(['2026-01-03', 1]);
    expect([first.at(-1)!.settlement_date, first.at(-1)!.settlement_period]).to.deep.equal(['2026-01-15', 31]);
  });

  it('is what the same device consumes in minute steps', () => {
    const { perDer, halfHours } = simulateHistory({ seed: 1, ders, untilMs: AT, days: 2 });
    for (const { der, kwh } of perDer) {
      const physics = startPhysics(der, {
        seed: 1,
        atMs: halfHours[0]!.startMs - 86_400_000,
        weather: seededWeather(1),
      });
      physics.advance(halfHours[0]!.startMs, null);
      const before = physics.importKwh - physics.exportKwh;
      physics.advance(AT, null);
      const fine = physics.importKwh - physics.exportKwh - before;
      const coarse = kwh.reduce((a, b) => a + b, 0);
      expect(Math.abs(coarse - fine), der.derId).to.be.at.most(0.35 + 0.03 * Math.abs(fine));
    }
  });

  it('shows imports positive and battery discharge negative', () => {
    const rows = meterRows(simulateHistory({ seed: 1, ders, untilMs: AT, days: 3 }));
    const battery = new Set(ders.filter((der) => der.type === 'battery').map((der) => der.importMsid));
    const evening = rows.filter((row) => row.settlement_period === 38 && battery.has(row.import_msid));
    expect(evening.length).to.be.greaterThan(0);
    for (const row of evening) expect(row.metered_kwh).to.be.at.most(0);
    for (const row of rows.filter((one) => !battery.has(one.import_msid))) expect(row.metered_kwh).to.be.at.least(0);
  });

  it('refuses more days than its bound', () => {
    expect(() => simulateHistory({ seed: 1, ders, untilMs: AT, days: 63 })).to.throw(RangeError, 'between 0 and 62');
    expect(() => simulateHistory({ seed: 1, ders: [], untilMs: AT, days: 62 })).to.not.throw();
  });
});
