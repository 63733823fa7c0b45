import { expect } from 'chai';
import { readDemand, readWeather } from './input-file.ts';
import { PowerFlowError } from './power-flow-file.ts';

const bytes = (...lines: string[]) => new TextEncoder().encode(lines.join('\n'));
const at = (iso: string) => Date.parse(iso);

describe('inputs of a forecast from files', () => {
  it('draws a line between two temperatures, and none across a long gap or beyond the ends', () => {
    const rows = ['2026-01-12 01:00:00+00:00,6', '2026-01-12T00:00:00Z,4', '2026-01-12 05:00,9', '2026-01-12 03:00,'];
    const weather = readWeather(bytes('timestamp,temperature_c', ...rows));
    expect(weather).to.include({ name: 'temperature', known: 'ahead', kind: 'temperature' });
    expect(weather.at(at('2026-01-12T00:30:00Z'))).to.equal(5);
    expect(weather.at(at('2026-01-12T01:00:00Z'))).to.equal(6);
    expect(weather.at(at('2026-01-12T05:00:00Z'))).to.equal(9);
    expect(weather.at(at('2026-01-12T03:00:00Z'))).to.equal(undefined);
    expect(weather.at(at('2026-01-11T23:59:00Z'))).to.equal(undefined);
    expect(weather.at(at('2026-01-12T05:00:01Z'))).to.equal(undefined);
  });

  it('takes outturn rows of demand by settlement period, and only the columns that are there', () => {
    const inputs = readDemand(
      bytes(
        'SETTLEMENT_DATE,SETTLEMENT_PERIOD,FORECAST_ACTUAL_INDICATOR,ND,EMBEDDED_WIND_GENERATION',
        '2026-07-01,1,A,21000,900',
        '2026-07-01,2,F,0,800',
        '2026-07-01,3,A,,700',
      ),
    );
    expect(inputs.map(({ name, known }) => [name, known])).to.deep.equal([
      ['national demand', 'outturn'],
      ['embedded wind', 'outturn'],
    ]);
    const [demand, wind] = inputs;
    // The first period of a summer day begins at 23:00 UTC of the day before.
    expect(demand!.at(at('2026-06-30T23:10:00Z'))).to.equal(21_000);
    expect(demand!.at(at('2026-06-30T23:30:00Z'))).to.equal(undefined);
    expect(demand!.at(at('2026-07-01T00:00:00Z'))).to.equal(undefined);
    expect(wind!.at(at('2026-07-01T00:00:00Z'))).to.equal(700);
  });

  it('refuses what is no such file, by row and column', () => {
    expect(() => readWeather(bytes('time,temperature_c', 'x,1'))).to.throw(PowerFlowError, 'expected timestamp');
    expect(() => readWeather(bytes('timestamp,temperature_c', 'x,1'))).to.throw(PowerFlowError, 'row 1: "x" is no');
    expect(() => readWeather(bytes('timestamp,temperature_c', '2026-01-12 00:00,280'))).to.throw(PowerFlowError, '°C');
    expect(() => readWeather(bytes('timestamp,temperature_c', '2026-01-12 00:00,'))).to.throw(PowerFlowError, 'no row');
    expect(() => readDemand(bytes('SETTLEMENT_DATE,ND', 'x,1'))).to.throw(PowerFlowError, 'SETTLEMENT_PERIOD');
  });
});
