import { expect } from 'chai';
import { SETTLEMENT_COLUMNS } from '../settlement/columns.ts';
import type { SettlementValues } from '../settlement/rows.ts';
import { settlementCsv } from './csv.ts';

const plain = Object.fromEntries(
  SETTLEMENT_COLUMNS.map(([column, kind]) => [column, kind === 'text' ? 'x' : '1']),
) as SettlementValues;

function cells(row: Partial<SettlementValues>) {
  const [header = '', line = ''] = settlementCsv([{ ...plain, ...row }]).split('\r\n');
  const names = header.split(',');
  return (column: string) => line.split(',')[names.indexOf(column)];
}

describe('settlement CSV', () => {
  for (const text of ['=cmd()', '+1', '-1', '@SUM(A1)', '＝1', '\t=1']) {
    it(`shows the text ${JSON.stringify(text)} and does not run it`, () => {
      expect(cells({ lead_party_id: text })('lead_party_id')).to.equal(`'${text}`);
    });
  }

  it('keeps negative figures as figures', () => {
    expect(cells({ metered_mwh: '-0.005000' })('metered_mwh')).to.equal('-0.005000');
  });

  it('takes what is no figure in a column of figures for text', () => {
    expect(cells({ metered_mwh: '-1+cmd' })('metered_mwh')).to.equal("'-1+cmd");
  });

  it('quotes what would break a line and leaves ordinary text as it is', () => {
    expect(settlementCsv([{ ...plain, feeder_id: 'a"b\r\nc' }])).to.contain('"a""b\r\nc"');
    expect(cells({ feeder_id: 'feeder-1' })('feeder_id')).to.equal('feeder-1');
  });
});
