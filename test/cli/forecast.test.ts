import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { flexder } from './flexder.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-01-12T00:00:00Z');
const iso = (atMs: number) => new Date(atMs).toISOString().replace('T', ' ').replace('.000Z', '+00:00');

/**
 * Three days of half hours in amps of two transformers: 100, 110 and 120 A all day long. On the last day one transformer
 * is missing at 10:30 and both at 12:00, so 142 readings are left, 46 of them on the last day.
 */
function file(): string {
  const rows = ['timestamp,tx_id,active_power_mw,current_amps'];
  for (let slot = 0; slot < 144; slot++) {
    const day = Math.floor(slot / 48);
    const at = iso(START_MS + slot * (DAY_MS / 48));
    const amps = 100 + 10 * day;
    if (slot === 2 * 48 + 24) continue;
    rows.push(`${at},primary_t1,,${0.6 * amps}`);
    if (slot !== 2 * 48 + 21) rows.push(`${at},primary_t2,,${0.4 * amps}`);
  }
  return rows.join('\n');
}

describe('flexder forecast evaluate', function () {
  this.timeout(60_000);
  let dir: string;
  let data: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'flexder-cli-forecast-'));
    data = join(dir, 'primary.csv');
    writeFileSync(data, file());
  });
  after(() => rmSync(dir, { recursive: true }));

  const evaluated = (...args: string[]) =>
    flexder(['forecast', 'evaluate', '--data', data, '--test-share', '0.32', ...args]);

  it('prints one line of JSON in its documented shape, with figures that can be worked out by hand', () => {
    const { code, out, err } = evaluated('--json');
    expect(code, err).to.equal(0);
    const told = JSON.parse(out);
    expect(told).to.include({ file: 'primary.csv', column: 'current_amps', readings: 142, test: 46 });
    expect(told.transformers).to.deep.equal(['primary_t1', 'primary_t2']);
    expect(told.used).to.deep.equal(['load', 'London calendar']);
    expect(told.notes).to.deep.equal(['1 times lack a transformer and count as missing']);
    expect(told.horizons.map(({ minutes }: { minutes: number }) => minutes)).to.deep.equal([30, 60, 120, 240]);
    for (const { minutes, forecasts, model, persistence, dayNaive, dayLastError, ...more } of told.horizons) {
      expect(more).to.deep.equal({});
      // Of 46 readings two have an origin that was not read.
      expect(forecasts).to.equal(44);
      expect(Object.keys(model)).to.deep.equal(['mape', 'mae', 'pinball', 'coverage90', 'halfWidth']);
      // The load is another one across midnight alone: 110 for 120 A, as often as the horizon has half hours.
      expect(persistence.mape).to.be.closeTo((100 * (10 / 120) * (minutes / 30)) / 44, 1e-9);
      expect(Object.keys(persistence)).to.deep.equal(['mape']);
      expect(dayNaive.mape).to.be.closeTo((100 * 10) / 120, 1e-9);
      expect(dayLastError.mape).to.be.closeTo(0, 1e-9);
    }
  });

  it('says what it used of weather and demand, and what not', () => {
    const weather = join(dir, 'weather.csv');
    const demand = join(dir, 'demand.csv');
    const hours = Array.from({ length: 80 }, (_, hour) => `${iso(START_MS + hour * 3_600_000)},${5 + (hour % 24) / 4}`);
    writeFileSync(weather, ['timestamp,temperature_c', ...hours].join('\n'));
    writeFileSync(demand, 'SETTLEMENT_DATE,SETTLEMENT_PERIOD,FORECAST_ACTUAL_INDICATOR,ND\n2026-01-12,1,A,31000\n');
    const { code, out, err } = evaluated('--json', '--weather', weather, '--demand', demand);
    expect(code, err).to.equal(0);
    const told = JSON.parse(out);
    expect(told.used, 'three days are too few to learn from').to.deep.equal(['load', 'London calendar']);
    expect(told.notes).to.include('temperature is not known over enough of the readings: not used');
    expect(told.notes).to.include('national demand is not known over enough of the readings: not used');
    expect(told.horizons).to.deep.equal(JSON.parse(evaluated('--json').out).horizons);
  });

  it('asked wrongly it exits 2 and says what is wrong where', () => {
    const bad = join(dir, 'bad.csv');
    writeFileSync(bad, 'timestamp,temperature_c\n2026-01-12 00:00:00+00:00,warm\n');
    expect(evaluated('--weather', bad)).to.deep.include({ code: 2, out: '' });
    expect(evaluated('--weather', bad).err).to.include('bad.csv: row 1: temperature_c "warm" is no temperature');
    expect(evaluated('--demand', bad).err).to.include(
      'bad.csv: line 1: no column SETTLEMENT_DATE, SETTLEMENT_PERIOD, ND',
    );
    expect(evaluated('--column', 'volts').err).to.include('--column must be current_amps or active_power_mw');
  });
});
