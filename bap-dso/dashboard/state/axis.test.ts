import { expect } from 'chai';
import type { MessageView, Step } from '../../src/operator-api/events/steps.ts';
import { clusters, lanesOf, moved, offsetText, ticksOf, whole, zoomed } from './axis.ts';

const T0 = Date.parse('2026-11-20T10:00:00Z');
const record = (seq: number, ms: number, event_type: string, more: object = {}) =>
  ({ seq, ts_utc: new Date(T0 + ms).toISOString(), event_type, actor_role: 'BAP', ...more }) as Step['record'];
const decision = (seq: number, ms: number, role = 'BAP'): Step => ({
  ...{ kind: 'decision', message: null, answers: null },
  record: record(seq, ms, 'plan.chosen', { actor_role: role }),
});
const message = (seq: number, ms: number, eventType: string, direction: 'in' | 'out', party: string | null): Step => ({
  ...{ kind: 'message', answers: null, record: record(seq, ms, eventType) },
  message: {
    ...{ seq, atMs: T0 + ms, direction, action: 'on_status', counterpartyId: party },
    signature: { state: 'verified', keyId: 'k', algorithm: 'ed25519', why: null },
  } as MessageView,
});
const report = (seq: number, ms: number, accepted: number, obpId = 'obp-1'): Step => ({
  ...{ kind: 'devices', message: null, record: record(seq, ms, 'order.changed', { obp_id: obpId }) },
  answers: {
    ...{ commands: 10, firstAtMs: T0 + 100, lastAtMs: T0 + 140, accepted, rejected: 1, optedOut: 0, expired: 0 },
    ...{ silent: 9 - accepted, acknowledgedKw: 1, closed: false },
  },
});

describe('the axis of an event', () => {
  const steps = [
    decision(1, 0),
    message(2, 10, 'beckn.sent', 'out', 'a'),
    message(3, 60, 'beckn.received', 'in', 'a'),
    message(4, 70, 'beckn.rejected', 'in', null),
    message(5, 75, 'beckn.received', 'in', 'b'),
    report(6, 200, 2),
    report(7, 300, 6),
    decision(8, 5_000, 'OPERATOR'),
  ];

  it('has a lane for the DSO, each counterparty and the devices', () => {
    const lanes = lanesOf(steps, T0);
    expect(lanes.map(({ name }) => name)).to.deep.equal(['DSO', 'a', 'b', 'unknown sender', 'Devices']);
    const kinds = lanes.map(({ marks }) => marks.map(({ kind, atMs }) => [kind, atMs]));
    expect(kinds).to.deep.equal([
      [
        ['decision', 0],
        ['operator', 5_000],
      ],
      [
        ['sent', 10],
        ['received', 60],
      ],
      [['received', 75]],
      [['failed', 70]],
      [
        ['commands', 100],
        ['answers', 200],
        ['answers', 300],
      ],
    ]);
    const devices = lanes.at(-1)!.marks;
    // Three answers with the first report, four more with the second.
    expect(devices.map(({ count, untilMs }) => [count, untilMs])).to.deep.equal([
      [10, 140],
      [3, 200],
      [4, 300],
    ]);
  });

  it('draws marks of a kind as one where they would lie on each other, and each where there is room', () => {
    const lanes = lanesOf(steps, T0);
    const answers = (stretch: { fromMs: number; toMs: number }) =>
      clusters(lanes.at(-1)!.marks, stretch)
        .filter(({ kind }) => kind === 'answers')
        .map(({ count }) => count);
    expect(answers(whole(lanes))).to.deep.equal([3, 4]);
    expect(answers({ fromMs: 0, toMs: 3_600_000 })).to.deep.equal([7]);
    expect(answers({ fromMs: 250, toMs: 350 })).to.deep.equal([4]);
    const [bar] = clusters(lanes.at(-1)!.marks, { fromMs: 120, toMs: 160 });
    expect([bar?.at, bar?.until]).to.deep.equal([0, 0.5]);
  });

  it('is looked at closer and elsewhere, but never beyond its ends', () => {
    const all = { fromMs: 0, toMs: 1_000 };
    expect(zoomed(all, 0.5, 500, all)).to.deep.equal({ fromMs: 250, toMs: 750 });
    expect(zoomed({ fromMs: 0, toMs: 100 }, 100, 50, all)).to.deep.equal(all);
    expect(zoomed({ fromMs: 0, toMs: 10 }, 0.1, 5, all)).to.deep.equal({ fromMs: 0, toMs: 10 });
    expect(moved({ fromMs: 700, toMs: 900 }, 1, all)).to.deep.equal({ fromMs: 800, toMs: 1_000 });
    expect(moved({ fromMs: 100, toMs: 300 }, -1, all)).to.deep.equal({ fromMs: 0, toMs: 200 });
  });

  it('has round ticks, and tells instants to the millisecond', () => {
    expect(ticksOf({ fromMs: -20, toMs: 1_020 })).to.deep.equal([0, 200, 400, 600, 800, 1_000]);
    expect(ticksOf({ fromMs: 0, toMs: 3_600_000 })).to.have.lengthOf(7);
    expect([0, 12, -12, 1_234.4, 123_456, 3_723_004].map(offsetText)).to.deep.equal([
      ...['+0.000 s', '+0.012 s', '−0.012 s', '+1.234 s', '+2:03.456', '+1:02:03.004'],
    ]);
  });
});
