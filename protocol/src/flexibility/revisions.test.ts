import { expect } from 'chai';
import { agreedKwh, agreedParts } from './revisions.ts';

const T0 = Date.UTC(2026, 0, 15, 17);
const at = (minutes: number) => T0 + minutes * 60_000;
const span = (from: number, to: number) => ({ startMs: at(from), endMs: at(to) });
const revision = (no: number, from: number, committedKw: number, window = span(0, 60)) => ({
  ...{ revision: no, fromMs: at(from), committedKw, window },
});

describe('what was agreed of an order', () => {
  it('is what was confirmed until a revision, and the revision from then on', () => {
    const revisions = [revision(1, 15, 40), revision(0, 0, 100)];
    expect(agreedKwh(revisions, span(0, 30))).to.equal(25 + 10);
    expect(agreedKwh(revisions, span(30, 60))).to.equal(20);
  });

  it('ends where the window of its revision ends', () => {
    const revisions = [revision(0, 0, 60), revision(1, 20, 60, span(0, 45)), revision(2, 30, 60, span(0, 90))];
    expect(agreedParts(revisions, span(0, 120))).to.deep.equal([
      { ...span(0, 20), revision: 0, kw: 60 },
      { ...span(20, 30), revision: 1, kw: 60 },
      { ...span(30, 90), revision: 2, kw: 60 },
    ]);
    expect(agreedKwh(revisions.slice(0, 2), span(30, 60))).to.equal(15);
  });

  it('is nothing outside every window, and by the first revision from the beginning', () => {
    expect(agreedKwh([revision(0, 30, 10)], span(0, 60))).to.equal(10);
    expect(agreedKwh([revision(0, 0, 10)], span(60, 90))).to.equal(0);
  });
});
