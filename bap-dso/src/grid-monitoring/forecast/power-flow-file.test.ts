import { expect } from 'chai';
import { PowerFlowError, readPowerFlow } from './power-flow-file.ts';

const HEAD = 'timestamp,tx_id,active_power_mw,current_amps';
const iso = (slot: number, minutes = 30) =>
  new Date(Date.parse('2024-01-01T00:00:00Z') + slot * minutes * 60_000).toISOString();
const written = (slot: number) => iso(slot).replace('T', ' ').replace('.000Z', '+00:00');
const bytes = (text: string) => new TextEncoder().encode(text);
const file = (...rows: string[]) => bytes([HEAD, ...rows].join('\n'));
/** Two transformers at 100 and 50 A, the first rising by an ampere a slot. */
const rows = (slots: number) =>
  Array.from({ length: slots }, (_, i) => [`${written(i)},t1,,${100 + i}`, `${written(i)},t2,,50`]).flat();
const loads = (...args: Parameters<typeof readPowerFlow>) => readPowerFlow(...args).readings.map(({ load }) => load);

describe('power flow file', () => {
  it('sums the transformers of a time, half hour by half hour', () => {
    const flow = readPowerFlow(file(...rows(4)));
    expect(flow).to.deep.include({ column: 'current_amps', transformers: ['t1', 't2'], stepMs: 1_800_000, notes: [] });
    expect(flow.readings[1]).to.deep.equal({ atMs: Date.parse(iso(1)), load: 151 });
  });

  it('takes a time that lacks a transformer as missing, not as a smaller sum', () => {
    const lacking = rows(6).filter((row) => row !== `${written(2)},t2,,50`);
    const flow = readPowerFlow(file(...lacking, `${written(6)},t1,,106`, `${written(6)},t2,,`));
    expect(flow.readings.map(({ load }) => load)).to.deep.equal([150, 151, 153, 154, 155]);
    expect(flow.notes).to.deep.equal(['2 times lack a transformer and count as missing']);
  });

  it('reads whatever order, line ends, marks, quotes, separators and zones the rows come in', () => {
    const expected = [150, 151, 152, 153];
    expect(loads(file(...rows(4).reverse()))).to.deep.equal(expected);
    expect(loads(bytes(`\uFEFF${[HEAD, ...rows(4)].join('\r\n')}\r\n\r\n`))).to.deep.equal(expected);
    expect(loads(file(...rows(4).map((row) => `"${row.split(',').join('","')}"`)))).to.deep.equal(expected);
    expect(loads(bytes([HEAD, ...rows(4)].join('\n').replaceAll(',', ';')))).to.deep.equal(expected);
    expect(loads(file(...rows(4).map((row) => row.replace(' ', 'T').replace('+00:00', 'Z'))))).to.deep.equal(expected);
    expect(loads(file(...rows(4).map((row) => row.replace('+00:00', ''))))).to.deep.equal(expected);
    expect(loads(bytes([' Timestamp , TX_ID,Active_Power_MW,Current_Amps', ...rows(4)].join('\n')))).to.deep.equal(
      expected,
    );
    const summer = readPowerFlow(file(...rows(4).map((row) => row.replace('+00:00', '+01:00'))));
    expect(summer.readings[0]!.atMs).to.equal(Date.parse('2023-12-31T23:00:00Z'));
  });

  it('needs no tx_id, and other columns do no harm', () => {
    const flow = bytes(['licence,timestamp,current_amps', ...[0, 1, 2].map((i) => `SPN,${iso(i)},${i}`)].join('\n'));
    expect(loads(flow)).to.deep.equal([0, 1, 2]);
  });

  it('lets the later of two rows for one transformer and time count, and says so', () => {
    const flow = readPowerFlow(file(...rows(4), `${written(3)},t2,,50`, `${written(3)},t1,,999`));
    expect(flow.readings.at(-1)!.load).to.equal(1_049);
    expect(flow.notes[0]).to.contain('2 rows repeat a transformer and time, 1 with another value');
  });

  it('reads the column that has values, or the one that is asked for', () => {
    const power = rows(4).map((row) => row.replace(/,,(\d+)$/, ',-$1.5,'));
    const flow = readPowerFlow(file(...power));
    expect(flow.column).to.equal('active_power_mw');
    expect(flow.readings[0]!.load).to.equal(-151);
    expect(() => readPowerFlow(file(...power), 'current_amps')).to.throw(
      PowerFlowError,
      'no row has a value of current_amps',
    );
  });

  it('leaves a transformer out that has no value at all', () => {
    const flow = readPowerFlow(file(...rows(4), `${written(0)},t3,,`));
    expect(flow.transformers).to.deep.equal(['t1', 't2']);
    expect(flow.notes).to.deep.equal(['without any value and left out: t3']);
  });

  for (const minutes of [1, 5, 10, 15, 60]) {
    it(`finds out that it was read every ${minutes} minutes, gaps or not`, () => {
      const every = Array.from({ length: 40 }, (_, i) => i).filter((i) => i % 7 !== 3);
      const flow = readPowerFlow(file(...every.map((i) => `${iso(i, minutes)},t1,,${i}`)));
      expect(flow.stepMs).to.equal(minutes * 60_000);
      expect(flow.readings).to.have.length(34);
    });
  }

  it('puts readings a few seconds off at their slot', () => {
    const flow = readPowerFlow(file(...[0, 1, 2, 3].map((i) => `${iso(i).replace(':00.000Z', ':07Z')},t1,,${i}`)));
    expect(flow.readings[2]).to.deep.equal({ atMs: Date.parse(iso(2)), load: 2 });
    expect(flow.notes[0]).to.contain('4 readings were seconds off');
  });

  const refused: [what: string, bytes: Uint8Array, message: string][] = [
    ['nothing', bytes(''), 'no column timestamp'],
    ['a header alone', bytes(`${HEAD}\n`), 'a header and no row'],
    ['another header', bytes('time,amps\n1,2\n'), 'line 1: no column timestamp; expected timestamp, tx_id'],
    ['no values', bytes('timestamp,tx_id\n2024-01-01,t1\n'), 'line 1: no column of values'],
    ['a column twice', bytes(`timestamp,timestamp,current_amps\n1,1,1\n`), 'the column timestamp is there twice'],
    [
      'a date of another shape',
      file(...rows(2), '01/02/2024 00:00,t1,,1'),
      'line 6: "01/02/2024 00:00" is no timestamp',
    ],
    ['a day that is none', file(...rows(1), '2024-13-01 00:00:00+00:00,t1,,1'), 'line 4: "2024-13-01'],
    ['a word for a number', file(...rows(1), `${written(1)},t1,,many`), 'line 4: current_amps "many" is not a number'],
    ['infinity', file(...rows(1), `${written(1)},t1,,Infinity`), 'line 4: current_amps "Infinity" is not a number'],
    ['a short row', file(...rows(1), `${written(1)},t1`), 'line 4: not CSV'],
    ['an open quote', file(...rows(1), `"${written(1)},t1,,1`), 'line 4: not CSV'],
    ['one reading', file(`${written(0)},t1,,1`), 'cannot tell how often it was read'],
    ['a reading a day', file(...[0, 48, 96].map((i) => `${written(i)},t1,,1`)), 'cannot tell how often it was read'],
  ];
  for (const [what, content, message] of refused) {
    it(`refuses ${what}, and says where`, () => {
      expect(() => readPowerFlow(content)).to.throw(PowerFlowError, message);
    });
  }

  it('refuses a file where a tenth and more lies off the raster', () => {
    const times = Array.from({ length: 30 }, (_, i) => new Date(Date.parse(iso(i)) + (i > 24 ? 13 * 60_000 : 0)));
    const content = file(...times.map((at) => `${at.toISOString()},t1,,1`));
    expect(() => readPowerFlow(content)).to.throw(PowerFlowError, '5 of 30 readings do not lie on the usual raster');
  });
});
