import { expect } from 'chai';
import { rowsOf, slotText, stepOf, stepped } from './heat.ts';

describe('heat map on the page', () => {
  const cell = (date: string, slot: number, meanKw = 50) =>
    ({ date, slot, startMs: 0, meanKw, limitKw: 100, readings: 1 }) as const;

  it('has the newest day first, every slot of it, and gaps where nothing was read', () => {
    const rows = rowsOf({ dates: ['2026-01-14', '2026-01-15'], minutes: 60, cells: [cell('2026-01-14', 23)] });
    expect(rows.map(({ date, cells }) => [date, cells.length])).to.deep.equal([
      ['2026-01-15', 24],
      ['2026-01-14', 24],
    ]);
    expect(rows[0]!.cells.every((one) => one === undefined)).to.equal(true);
    expect(rows[1]!.cells[23]).to.deep.equal(cell('2026-01-14', 23));
    expect(rowsOf({ dates: ['2026-01-14'], minutes: 30, cells: [] })[0]!.cells).to.have.length(48);
  });

  it('steps begin at their share of the limit', () => {
    const step = (meanKw: number) => stepOf(cell('', 0, meanKw));
    expect([0, 39.9, 40, 60, 80, 94.9, 95, 99.9, 100, 180].map(step)).to.deep.equal([0, 0, 1, 2, 3, 3, 4, 4, 5, 5]);
    expect(step(-20), 'an exporting feeder is far from its limit').to.equal(0);
  });

  it('says times, and keys stay within', () => {
    expect([slotText(7, 60), slotText(47, 30)]).to.deep.equal(['07:00', '23:30']);
    expect(stepped('ArrowDown', [0, 0], 14, 24)).to.deep.equal([1, 0]);
    expect(stepped('ArrowLeft', [0, 0], 14, 24)).to.deep.equal([0, 0]);
    expect(stepped('ArrowRight', [13, 23], 14, 24)).to.deep.equal([13, 23]);
    expect(stepped('Enter', [0, 0], 14, 24)).to.equal(undefined);
  });
});
