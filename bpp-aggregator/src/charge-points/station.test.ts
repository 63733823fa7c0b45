import type { DeviceTelemetry } from '@flexder/schemas/types.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { OCPP_LIMITS } from './limits.ts';
import { sampleOf } from './samples.ts';
import { Station } from './station.ts';

const AT = Date.UTC(2026, 0, 15, 17);
const MINUTE = 60_000;
const timestamp = new Date(AT).toISOString();

describe('meter values', () => {
  it('are kW and kWh whatever unit, version and phases they come in', () => {
    expect(
      sampleOf({
        timestamp,
        sampledValue: [
          { value: '7360', measurand: 'Power.Active.Import', unit: 'W' },
          { value: '12.5', measurand: 'Energy.Active.Import.Register', unit: 'kWh' },
          { value: '41', measurand: 'SoC', unit: 'Percent', location: 'EV' },
          { value: '9', measurand: 'Energy.Active.Import.Register', location: 'Inlet' },
        ],
      }),
    ).to.deep.equal({ atMs: AT, powerKw: 7.36, importKwh: 12.5, soc: 0.41 });
    // The register is what a value without a measurand is, in Wh.
    expect(sampleOf({ timestamp, sampledValue: [{ value: '1500' }] })).to.deep.equal({ atMs: AT, importKwh: 1.5 });
    const phases = ['L1', 'L2', 'L3'].map((phase) => ({
      value: 2,
      phase,
      measurand: 'Power.Active.Import',
      unitOfMeasure: { unit: 'W', multiplier: 3 },
    }));
    expect(sampleOf({ timestamp, sampledValue: phases })).to.deep.equal({ atMs: AT, powerKw: 6 });
  });

  it('what is signed, no number or of another unit is none', () => {
    for (const odd of [
      { value: 'AAEC', format: 'SignedData' },
      { value: '0x10' },
      { value: '' },
      { value: '1', unit: 'A' },
    ])
      expect(sampleOf({ timestamp, sampledValue: [{ measurand: 'Power.Active.Import', ...odd }] }), odd.value).to.equal(
        undefined,
      );
    expect(sampleOf({ timestamp, sampledValue: [{ value: '230', measurand: 'Voltage' }] })).to.equal(undefined);
  });
});

describe('the station behind a connection', () => {
  const reading = (value: DeviceTelemetry | string) => {
    if (typeof value === 'string') throw new Error(value);
    expect(validateDevice('telemetry', value).valid).to.equal(true);
    return value;
  };
  const open = (meter?: ConstructorParameters<typeof Station>[2]) => new Station('ev-1', 7.36, meter);

  it('says what telemetry says', () => {
    const one = reading(open().take(1, { atMs: AT, powerKw: 7, importKwh: 1_000, soc: 0.5 }, false));
    expect(one).to.deep.equal({
      ...{ v: 1, der_id: 'ev-1', ts: timestamp, seq: 0, power_kw: 7, import_kwh: 1_000, export_kwh: 0 },
      ...{ available_down_kw: 7, mode: 'NORMAL', quality: 'GOOD', soc: 0.5 },
    });
  });

  it('adds connectors up, unless one meter measures all of them', () => {
    const station = open();
    station.take(1, { atMs: AT, powerKw: 3, importKwh: 10 }, false);
    expect(reading(station.take(2, { atMs: AT + 1, powerKw: 4, importKwh: 20 }, false)).power_kw).to.equal(7);
    const main = reading(station.take(0, { atMs: AT + 2, powerKw: 7.1, importKwh: 30 }, true));
    expect(main).to.include({ power_kw: 7.1, mode: 'DISPATCHED' });
    const counted = main.import_kwh;
    expect(reading(station.take(1, { atMs: AT + MINUTE, powerKw: 3, importKwh: 10.05 }, false))).to.include({
      power_kw: 7.1,
      import_kwh: counted,
    });
  });

  it('power without a register is energy over time, a register without power is power', () => {
    const power = open();
    power.take(1, { atMs: AT, powerKw: 6 }, false);
    expect(reading(power.take(1, { atMs: AT + 10 * MINUTE, powerKw: 6 }, false))).to.include({
      import_kwh: 1,
      quality: 'ESTIMATED',
    });
    const register = open();
    expect(register.take(1, { atMs: AT, importKwh: 5 }, false)).to.equal('incomplete');
    expect(reading(register.take(1, { atMs: AT + 10 * MINUTE, importKwh: 6 }, false))).to.include({
      power_kw: 6,
      import_kwh: 6,
    });
  });

  it('registers go on where the tables end; one that begins again, or jumps, does not take energy away or make it up', () => {
    const station = open({ atMs: AT - 10 * MINUTE, powerKw: 6, importKwh: 100, exportKwh: 0 });
    expect(reading(station.take(1, { atMs: AT, powerKw: 6, importKwh: 101 }, false)).import_kwh).to.equal(101);
    // A session's register: a new session begins at nought.
    expect(reading(station.take(1, { atMs: AT + MINUTE, powerKw: 6, importKwh: 0.1 }, false)).import_kwh).to.equal(
      101.1,
    );
    expect(reading(station.take(1, { atMs: AT + 2 * MINUTE, powerKw: 6, importKwh: 900 }, false)).import_kwh).to.equal(
      101.1,
    );
    expect(station.odd).to.equal(2);
    expect(
      reading(station.take(1, { atMs: AT + 3 * MINUTE, powerKw: 6, importKwh: 900.1 }, false)).import_kwh,
    ).to.equal(101.2);
  });

  it('an older reading is old, and a connector too many is none', () => {
    const station = open();
    reading(station.take(1, { atMs: AT, powerKw: 6, importKwh: 5 }, false));
    expect(station.take(1, { atMs: AT, powerKw: 6, importKwh: 5 }, false)).to.equal('old');
    for (let id = 2; id <= OCPP_LIMITS.connectors; id++) station.begin(id, id);
    expect(station.take(OCPP_LIMITS.connectors + 1, { atMs: AT + 1, powerKw: 1, importKwh: 1 }, false)).to.equal(
      'connectors',
    );
  });

  it('knows the transaction when there is one', () => {
    const station = open();
    expect(station.transaction).to.equal(undefined);
    station.begin(1, 12);
    expect(station.transaction).to.deep.equal({ connectorId: 1, transactionId: 12 });
    station.begin(2, 13);
    expect(station.transaction).to.equal(undefined);
    station.end(1);
    expect(station.transaction).to.deep.equal({ connectorId: 2, transactionId: 13 });
  });

  it('without a car nothing flows', () => {
    const station = open();
    expect(station.idle(1, AT, false)).to.equal('incomplete');
    reading(station.take(1, { atMs: AT + 1, powerKw: 6, importKwh: 5 }, false));
    expect(reading(station.idle(1, AT + 2, false))).to.include({ power_kw: 0, available_down_kw: 0, mode: 'IDLE' });
  });
});
