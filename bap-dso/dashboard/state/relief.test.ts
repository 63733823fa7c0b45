import { expect } from 'chai';
import type { ReliefView } from '../../src/operator-api/events/relief.ts';
import { rowsOf, valueAt } from './relief.ts';

describe('the lines of an event as a table', () => {
  const promised = [
    { atMs: 0, kw: 0 },
    { atMs: 10, kw: 40 },
  ];
  const of = {
    ...{ promised, acknowledged: [{ atMs: 20, kw: 30 }], untilMs: 25 },
    measured: [
      { atMs: 15, kw: 12 },
      { atMs: 30, kw: 99 },
    ],
  } as unknown as ReliefView;

  it('a step holds until the next, and there is none before the first', () => {
    expect([-1, 0, 9, 10, 99].map((atMs) => valueAt(promised, atMs))).to.deep.equal([null, 0, 0, 40, 40]);
  });

  it('has a row for each instant of a line, newest first, and no measured value between readings', () => {
    const rows = rowsOf(of).map((row) => [row.atMs, row.promisedKw, row.acknowledgedKw, row.measuredKw]);
    expect(rows).to.deep.equal([
      [20, 40, 30, null],
      [15, 40, null, 12],
      [10, 40, null, null],
      [0, 0, null, null],
    ]);
  });
});
