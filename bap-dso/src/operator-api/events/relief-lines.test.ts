import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { expect } from 'chai';
import { answersRecord } from '../../dispatch/report.ts';
import { acknowledgedLine, measuredLine, type OrderFacts, promisedLine } from './relief-lines.ts';

const T0 = Date.parse('2026-01-15T17:00:00Z');
const MIN = 60_000;
const at = (minutes: number) => T0 + minutes * MIN;
const window = { startMs: at(0), endMs: at(30) };

const move = (minutes: number, more: Partial<AuditRecord>): AuditRecord =>
  ({
    ts_utc: '2026-11-20T10:00:00Z',
    grid_ts_utc: new Date(at(minutes)).toISOString(),
    event_type: 'order.changed',
    ...more,
  }) as AuditRecord;
const confirmed = (minutes: number, kw: number) =>
  move(minutes, { decision: 'CONFIRMING → SCHEDULED', committed_kw: kw });
const reported = (minutes: number, acknowledgedKw: number) =>
  move(minutes, {
    decision: 'SCHEDULED → IN_PROGRESS',
    rule_inputs: answersRecord({
      ...{ commands: 4, firstAtMs: null, lastAtMs: null, accepted: 2, rejected: 0, optedOut: 0, expired: 0, silent: 2 },
      ...{ acknowledgedKw, closed: false },
    }),
  });
const order = (more: Partial<OrderFacts>): OrderFacts => ({
  share: 1,
  revisions: [{ fromMs: at(0), committedKw: 40, window }],
  records: [],
  acknowledgedKw: null,
  confirmed: true,
  ...more,
});
const minutesOf = (line: readonly { atMs: number; kw: number }[]) =>
  line.map(({ atMs, kw }) => [(atMs - T0) / MIN, kw]);

describe('the lines of an event', () => {
  it('a promise holds from its confirmation, within the window, until the order is cancelled', () => {
    const early = order({ records: [confirmed(-5, 40)] });
    const late = order({ records: [confirmed(4, 40), move(20, { decision: 'CANCELLING → CANCELLED: by hand' })] });
    expect(minutesOf(promisedLine([early, late], window, 300))).to.deep.equal([
      [0, 40],
      [4, 80],
      [20, 40],
      [30, 40],
    ]);
    const never = order({ confirmed: false, records: [move(1, { decision: 'SELECTING → DECLINED' })] });
    expect(minutesOf(promisedLine([never], window, 300))).to.deep.equal([
      [0, 0],
      [30, 0],
    ]);
  });

  it('an order that was changed promises what was agreed from then on, for as long as was agreed', () => {
    const longer = { startMs: at(0), endMs: at(40) };
    const changed = order({
      records: [confirmed(-1, 40)],
      revisions: [
        { fromMs: at(0), committedKw: 40, window },
        { fromMs: at(10), committedKw: 25, window: longer },
      ],
    });
    expect(minutesOf(promisedLine([changed], { startMs: at(0), endMs: at(45) }, 300))).to.deep.equal([
      [0, 40],
      [10, 25],
      [40, 0],
      [45, 0],
    ]);
  });

  it('counts an order elsewhere for what is felt of it', () => {
    expect(minutesOf(promisedLine([order({ share: 0.5 })], window, 300))[0]).to.deep.equal([0, 20]);
  });

  it('what devices accepted grows report by report, and ends with the order', () => {
    const line = acknowledgedLine(
      [
        order({ records: [confirmed(-1, 40), reported(1, 12), reported(2, 38)] }),
        order({ records: [reported(2, 10), move(15, { decision: 'IN_PROGRESS → CANCELLED' })] }),
      ],
      window,
      300,
    );
    expect(minutesOf(line)).to.deep.equal([
      [0, 0],
      [1, 12],
      [2, 48],
      [15, 38],
      [30, 38],
    ]);
  });

  it('of records that tell no answers the row does, from when the order ran', () => {
    const old = order({ acknowledgedKw: 30, records: [move(3, { decision: 'SCHEDULED → IN_PROGRESS' })] });
    expect(minutesOf(acknowledgedLine([old], window, 300))).to.deep.equal([
      [0, 0],
      [3, 30],
      [30, 30],
    ]);
  });

  it('has no more points than are drawn, and the last value of each', () => {
    const reports = Array.from({ length: 1_000 }, (_, index) => reported(index * 0.03, index));
    const line = acknowledgedLine([order({ records: reports })], window, 50);
    expect(line.length).to.be.at.most(52);
    expect(line.at(-1)?.kw).to.equal(999);
  });

  it('measures the fall against the baseline that the verification of that time used', () => {
    const readings = [1, 2, 3].map((minutes) => ({ atMs: at(minutes), powerKw: 90 }));
    const verified = [
      { atMs: at(1), baselineKw: 120 },
      { atMs: at(2), baselineKw: 130 },
    ];
    expect(minutesOf(measuredLine(readings, verified, 999))).to.deep.equal([
      [1, 30],
      [2, 40],
      [3, 40],
    ]);
    expect(minutesOf(measuredLine(readings, [], 100))[0]).to.deep.equal([1, 10]);
  });
});
