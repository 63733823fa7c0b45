import type { DispatchReport } from '@flexder/protocol/flexibility/model.ts';
import { expect } from 'chai';
import type { OrderRow } from '../flex-orchestration/desk.ts';
import { latencies, mergeDispatch } from './report.ts';
import { rememberLosses } from './top-up.ts';
import { acknowledgedGapKw, judge } from './verification.ts';

const report = (changes: Partial<DispatchReport> = {}): DispatchReport => ({
  commands: 10,
  firstAtMs: 1_100,
  lastAtMs: 1_400,
  accepted: 0,
  rejected: 0,
  optedOut: 0,
  expired: 0,
  silent: 10,
  acknowledgedKw: 0,
  closed: false,
  ...changes,
});

describe('verification', () => {
  const reading = { powerKw: 90, baselineKw: 104, committedKw: 12, limitKw: 100, releaseKw: 95 };

  it('a fall as promised to below the release level is relief', () => {
    expect(judge(reading)).to.deep.include({ verdict: 'relieved', measuredKw: 14, shortfallKw: 0, gapKw: 0 });
  });

  it('a shortfall while the load is above the release level is short, by what is above it', () => {
    expect(judge({ ...reading, powerKw: 98 })).to.deep.include({
      verdict: 'short',
      measuredKw: 6,
      shortfallKw: 6,
      gapKw: 3,
    });
  });

  it('a shortfall below the release level needs nothing, nor a kept promise above it', () => {
    expect(judge({ ...reading, powerKw: 94, committedKw: 40 }).verdict).to.equal('relieved');
    expect(judge({ ...reading, powerKw: 97.5, baselineKw: 111 }).verdict).to.equal('relieved');
  });

  it('near the limit it is short whatever was promised and kept', () => {
    expect(judge({ ...reading, powerKw: 98, baselineKw: 140 })).to.deep.include({
      verdict: 'short',
      gapKw: 3,
      shortfallKw: 0,
    });
    expect(judge({ ...reading, powerKw: 97.9, baselineKw: 140 }).verdict).to.equal('relieved');
  });

  it('a twentieth of the commitment is noise', () => {
    expect(judge({ ...reading, powerKw: 97, baselineKw: 192.1, committedKw: 100 }).verdict).to.equal('relieved');
    expect(judge({ ...reading, powerKw: 97, baselineKw: 191.9, committedKw: 100 }).verdict).to.equal('short');
  });
});

describe('acknowledged gap', () => {
  const order = (committedKw: number, acknowledgedKw: number, closed = true) => ({
    committedKw,
    acknowledgedKw,
    closed,
  });

  it('is what devices did not accept of what is promised and needed', () => {
    expect(acknowledgedGapKw(100, [order(60, 40), order(60, 50)])).to.equal(10);
    expect(acknowledgedGapKw(100, [order(50, 30)])).to.equal(20);
  });

  it('is unknown while an answer is awaited, and nothing when it is small', () => {
    expect(acknowledgedGapKw(100, [order(60, 40), order(60, 0, false)])).to.equal(undefined);
    expect(acknowledgedGapKw(100, [])).to.equal(undefined);
    expect(acknowledgedGapKw(100, [order(120, 96)])).to.equal(0);
  });
});

describe('losses of before a restart', () => {
  const order = (obpId: string, state: string, at: number, topUp = false) =>
    ({
      obp_id: obpId,
      state,
      is_top_up: topUp,
      created_wall_at: new Date(topUp ? at : 0),
      updated_wall_at: new Date(at),
    }) as unknown as OrderRow;
  const remembered = (...orders: OrderRow[]) => {
    const event = { handled: new Set<string>(), state: 'DISPATCHED' as const };
    rememberLosses(event, orders);
    return [...event.handled];
  };

  it('are made good when a top-up came after them, and open when none did', () => {
    const lost = order('a', 'CANCELLED', 100);
    expect(remembered(lost, order('b', 'IN_PROGRESS', 150, true))).to.deep.equal(['loss of a']);
    expect(remembered(lost)).to.deep.equal([]);
    expect(remembered(lost, order('b', 'IN_PROGRESS', 50, true))).to.deep.equal([]);
    expect(remembered(order('c', 'COMPLETED', 100), order('b', 'IN_PROGRESS', 150, true))).to.deep.equal([]);
  });
});

describe('dispatch reports', () => {
  it('of two the fuller stands, in any order', () => {
    const early = report();
    const later = report({ accepted: 4, silent: 6 });
    const closed = report({ accepted: 7, rejected: 1, silent: 2, closed: true });
    for (const [first, second] of [
      [early, later],
      [later, early],
    ] as const)
      expect(mergeDispatch(first, second)).to.equal(later);
    for (const [first, second] of [
      [later, closed],
      [closed, later],
    ] as const)
      expect(mergeDispatch(first, second)).to.equal(closed);
    expect(mergeDispatch(null, undefined)).to.equal(undefined);
    expect(mergeDispatch(undefined, early)).to.equal(early);
    expect(mergeDispatch(closed, undefined)).to.equal(closed);
  });

  it('both latencies run from the receipt of the sample, and an ack figure stays', () => {
    const order = { trigger_wall_at: new Date(1_000), detection_to_dispatch_ms: null, detection_to_ack_ms: null };
    expect(latencies(order, report(), 1_900)).to.deep.equal({
      detection_to_dispatch_ms: 400,
      detection_to_ack_ms: null,
    });
    const closed = report({ closed: true });
    expect(latencies(order, closed, 1_900)).to.deep.equal({ detection_to_dispatch_ms: 400, detection_to_ack_ms: 900 });
    const again = latencies({ ...order, detection_to_ack_ms: 900 }, closed, 60_000);
    expect(again.detection_to_ack_ms).to.equal(900);
    expect(latencies(order, report({ lastAtMs: null }), 1_900).detection_to_dispatch_ms).to.equal(null);
  });
});
