import type { MeterRow } from '@flexder/protocol/flexibility/model.ts';
import { LINEAR_CURVE } from '@flexder/protocol/settlement/performance.ts';
import { expect } from 'chai';
import type { Reward } from './document.ts';
import { statementCsv, statementFrom } from './statement.ts';
import { type Holder, linesOf, moneyOf } from './statement-lines.ts';

const METERS = ['1000000000001', '1000000000002', '1000000000003'] as const;
/** Half past four in London, in winter: settlement periods 34 and 35. */
const START_MS = Date.UTC(2026, 0, 31, 16, 30);
const HOUR_MS = 3_600_000;

/** Each meter took 3 kWh in every half hour of the Saturday before, with six half hours ahead of the event. */
const history: MeterRow[] = METERS.flatMap((import_msid) =>
  Array.from({ length: 8 }, (_, index) => row(import_msid, '2026-01-24', 28 + index, 3)),
);

function row(import_msid: string, settlement_date: string, settlement_period: number, metered_kwh: number): MeterRow {
  return { import_msid, export_msid: null, settlement_date, settlement_period, metered_kwh, quality: 'GOOD' };
}

/** 10 kW for an hour at 36 p/kWh: 0.005 MWh in each half hour. The third meter does nothing. */
const order = {
  orderId: 'order-1',
  obpId: 'obp-1',
  window: { startMs: START_MS, endMs: START_MS + HOUR_MS },
  committedKw: 10,
  priceGbpPerKwh: '0.36',
  document: {
    version: 1 as const,
    order_id: 'order-1',
    obp_id: 'obp-1',
    history,
    rows: METERS.flatMap((msid, index) => [34, 35].map((period) => row(msid, '2026-01-31', period, [1, 0, 3][index]!))),
  },
};

const holder = (reward: Reward, consumerId = 'consumer-1'): Holder => ({
  ...{ derId: 'ev-1', consumerId, programmeId: 'evening', reward },
});
const SHARE: Reward = { kind: 'share', share: '0.8' };
const lines = (holderOf: (msid: string) => Holder, month = '2026-01') => linesOf(order, month, LINEAR_CURVE, holderOf);

describe('what consumers earned', () => {
  it('is worked out by hand: 2 and 3 kWh in each half hour, all of the instruction, so 72 p and £1.08', () => {
    const [first, second, third] = lines(() => holder(SHARE));
    const money = (line = first!) => [line.payable_mwh, line.paid_gbp, line.earned_gbp, line.kept_gbp];
    expect(money(first)).to.deep.equal(['0.004000', '1.44', '1.15', '0.29']);
    expect(money(second)).to.deep.equal(['0.006000', '2.16', '1.73', '0.43']);
    expect(money(third)).to.deep.equal(['0.000000', '0.00', '0.00', '0.00']);
    const { totals } = statementFrom(
      'agg-1',
      '2026-01',
      lines(() => holder(SHARE)),
    );
    expect(totals).to.deep.equal({
      ...{ orders: 1, payable_mwh: '0.010000', paid_gbp: '3.60', earned_gbp: '2.88', kept_gbp: '0.72' },
    });
  });

  it('of an order that was changed is by what was agreed at each time', () => {
    const { window, committedKw, priceGbpPerKwh } = order;
    const confirmed = { revision: 0, fromMs: START_MS, committedKw, window, priceGbpPerKwh };
    const less = { ...confirmed, revision: 1, fromMs: START_MS + HOUR_MS / 2, committedKw: 4 };
    const changed = { ...order, committedKw: 4, revisions: [confirmed, less] };
    const earned = linesOf(changed, '2026-01', LINEAR_CURVE, () => holder(SHARE));
    // 5 kWh in the first half hour, 2 of 5 in the second: £1.80 and 72 p.
    expect(earned.map(({ payable_mwh, paid_gbp }) => [payable_mwh, paid_gbp])).to.deep.equal([
      ['0.002800', '1.01'],
      ['0.004200', '1.51'],
      ['0.000000', '0.00'],
    ]);
    expect(moneyOf(earned)).to.include({ payable_mwh: '0.007000', paid_gbp: '2.52' });
  });

  it('is by the kWh where the programme says so, also above what the DSO pays', () => {
    const [first] = lines(() => holder({ kind: 'price', gbpPerKwh: '0.375' }));
    expect([first!.paid_gbp, first!.earned_gbp, first!.kept_gbp]).to.deep.equal(['1.44', '1.50', '-0.06']);
  });

  it('is of the month of the settlement date, and adds up by consumer and programme', () => {
    expect(lines(() => holder(SHARE), '2026-02')).to.deep.equal([]);
    const all = lines((msid) => holder(SHARE, msid === METERS[0] ? 'consumer-1' : 'consumer-2'));
    const { consumers } = statementFrom('agg-1', '2026-01', all);
    expect(consumers.map((one) => [one.consumer_id, one.earned_gbp])).to.deep.equal([
      ['consumer-1', '1.15'],
      ['consumer-2', '1.73'],
    ]);
    expect(consumers[1]!.programmes).to.deep.equal([
      {
        ...{ programme_id: 'evening', orders: 1, payable_mwh: '0.006000' },
        ...{ paid_gbp: '2.16', earned_gbp: '1.73', kept_gbp: '0.43' },
      },
    ]);
  });

  it('opens in a spreadsheet as text, and runs nothing', () => {
    const [line] = lines(() => holder({ kind: 'price', gbpPerKwh: '0.375' }, '-1+cmd'));
    const [head, first] = statementCsv([line!]).split('\r\n');
    expect(head).to.match(/^consumer_id,programme_id,der_id,.*,paid_gbp,earned_gbp,kept_gbp$/);
    expect(first).to.match(/^'-1\+cmd,evening,.*,0\.004000,1\.44,1\.50,-0\.06$/);
  });
});
