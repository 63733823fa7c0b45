/** docs/settlement.md is what a reader checks by hand: its figures must be those of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { periodsOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { BL01_LIKE, baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import { expect } from 'chai';
import { meterDocument, ORDER } from '../fixtures/worked-example.ts';
import { totalsOf } from '../reports/report.ts';
import { settlementConfig } from './config.ts';
import { settlementRows } from './rows.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/settlement.md'), 'utf8');

/** The cells of the table below a comment. */
function table(comment: string): string[][] {
  const lines = page
    .slice(page.indexOf(`<!-- ${comment}`))
    .split('\n')
    .slice(1);
  const end = lines.findIndex((line) => !line.startsWith('|'));
  const rows = lines.slice(2, end).map((line) => line.split('|').slice(1, -1));
  return rows.map((row) => row.map((cell) => cell.trim()));
}

function settled() {
  const document = meterDocument();
  const { history, rows } = document;
  const event = coveredPeriods(ORDER.window);
  return settlementRows({
    config: settlementConfig('dso-1'),
    order: ORDER,
    document,
    baselineOf: baselineFrom([...history, ...rows], event, () => new Set(), BL01_LIKE),
    baselineMethod: BL01_LIKE.method,
    revision: 1,
    restsOn: { seq: 1, hash: '0'.repeat(64) },
  });
}

describe('the worked example of docs/settlement.md', () => {
  it('has the figures that are computed', () => {
    const computed = settled().map((row) => [
      String(row.settlement_period),
      row.import_msid,
      row.baseline_mwh,
      row.metered_mwh,
      row.delivered_mwh,
      row.instructed_mwh,
      row.payable_mwh,
      row.performance_factor,
      row.utilisation_payment_gbp,
    ]);
    expect(computed).to.have.length(4);
    expect(table('worked example')).to.deep.equal(computed);
  });

  it('adds up to what the page says', () => {
    const { utilisation_payment_gbp: total } = totalsOf(settled());
    expect(page).to.contain(`The order is paid **£${total}**`);
  });

  /** With integers alone: watt-hours, ten-thousandths of a pound, millionths of a factor; half up. */
  it('is right by a second way of computing', () => {
    const wattHours: Record<string, { metered: number[]; usual: number; adjustment: number }> = {
      '1200000000001': { metered: [5_000, 9_000], usual: 20_000, adjustment: 1_000 },
      '1200000000002': { metered: [2_000, 8_000], usual: 14_000, adjustment: 0 },
    };
    const delivered = [0, 1].map((at) =>
      Object.values(wattHours).map(({ metered, usual, adjustment }) => usual + adjustment - metered[at]!),
    );
    expect(delivered).to.deep.equal([
      [16_000, 12_000],
      [12_000, 6_000],
    ]);
    const factor = Math.round(((28_000 / 30_000 - 0.5) / 0.5) * 1e6);
    const pennies = [16_000, 12_000].map((wh) => Math.round((wh * 25_000 * factor) / 1e12));
    const capped = [12_000, 6_000].map((wh) => Math.round(((wh * 15_000) / 18_000) * 0.025));
    expect([...pennies, ...capped]).to.deep.equal([347, 260, 250, 125]);
    expect(settled().map((row) => Math.round(Number(row.utilisation_payment_gbp) * 100))).to.deep.equal([
      ...pennies,
      ...capped,
    ]);
  });

  it('counts the periods of days on which the clocks change', () => {
    const rows = table('clock changes');
    expect(rows.map(([, count]) => count)).to.deep.equal(['46', '48', '50']);
    for (const [date = '', count, window = '', touched = ''] of rows) {
      expect(String(periodsOf(date).length), date).to.equal(count);
      const [start = '', end = ''] = window.split(' to ');
      const periods = coveredPeriods({ startMs: Date.parse(start), endMs: Date.parse(end) });
      expect(periods.map(({ date: of, period }) => `${of} ${period}`)).to.deep.equal(
        touched.split(', ').map((period) => `${date} ${period}`),
      );
    }
  });
});
