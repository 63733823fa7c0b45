import { expect } from 'chai';
import { parserOf, toWire } from './values.ts';

describe('values of the database', () => {
  it('go in as PostgreSQL reads them', () => {
    const bytes = new Uint8Array([1, 2]);
    const cases: [unknown, unknown][] = [
      [undefined, null],
      [null, null],
      ['', ''],
      [0, '0'],
      [true, 'true'],
      [10n, '10'],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [bytes, bytes],
      [[1, null, 'a"b', ['x']], '{1,NULL,"a\\"b",{"x"}}'],
      [[-0.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY], '{-0.5,1e+21,NaN,Infinity}'],
      [{ a: [1] }, '{"a":[1]}'],
    ];
    for (const [value, wire] of cases) expect(toWire(value)).to.deep.equal(wire);
  });

  it('come out by their type', () => {
    const [int8, numeric, float8, timestamptz, timestamp, date, jsonb, bool, bytea, int8s] = [
      20, 1700, 701, 1184, 1114, 1082, 3802, 16, 17, 1016,
    ];
    const cases: [number, string, unknown][] = [
      [int8, '9007199254740991', 9007199254740991],
      [int8, '9007199254740993', '9007199254740993'],
      [numeric, '1.10', '1.10'],
      [float8, '-0.1', -0.1],
      [float8, 'NaN', Number.NaN],
      [timestamptz, '2026-01-02 03:04:05.678+00', new Date('2026-01-02T03:04:05.678Z')],
      [timestamptz, '2026-01-02 03:04:05.678+05:30', new Date('2026-01-01T21:34:05.678Z')],
      [timestamptz, '2026-01-02 03:04:05+01', new Date('2026-01-02T02:04:05Z')],
      [timestamptz, 'infinity', 'infinity'],
      [timestamp, '2026-01-02 03:04:05', new Date('2026-01-02T03:04:05Z')],
      [timestamp, '-infinity', '-infinity'],
      [date, '2026-01-02', '2026-01-02'],
      [jsonb, '{"a": 1}', { a: 1 }],
      [bool, 'f', false],
      [bytea, '\\x0102', Buffer.from([1, 2])],
      [int8s, '{1,NULL}', [1, null]],
    ];
    for (const [oid, text, value] of cases) expect(parserOf(oid)(text), `${oid} ${text}`).to.deep.equal(value);
  });
});
