import { expect } from 'chai';
import { checksOf } from './checks.ts';
import { describeSummary } from './describe.ts';
import type { DemoSummary } from './run.ts';

type Facts = Parameters<typeof checksOf>[0];

const overload: Facts['overloads'][number] = {
  eventId: 'event-1',
  feederId: 'feeder-1',
  detectedBy: 'forecast',
  detectedAt: '2026-01-15T16:47:00.000Z',
  limitKw: 1_000,
  peakWithoutKw: 1_070,
  peakDuringKw: 990,
  requestedKw: 80,
  committedKw: 90,
  measuredKw: 85,
  toppedUp: false,
  state: 'RELEASED',
};

const facts: Facts = {
  scenario: 'evening-peak',
  simulated: true,
  seed: 7,
  ders: 30,
  feeders: 2,
  bpps: 2,
  overloads: [overload],
  orders: 2,
  ordersNotKept: 1,
  commands: 10,
  acks: { accepted: 7, rejected: 1, optedOut: 1, silent: 1 },
  requestedKw: 80,
  committedKw: 90,
  measuredKw: 85,
  detectionToDispatchMs: { count: 1, p50: 300, p95: 300, p99: 300, max: 300 },
  detectionToAckMs: { count: 1, p50: 350, p95: 350, p99: 350, max: 350 },
  audit: { records: 100, headHash: 'ab'.repeat(32), verified: true, firstBroken: null },
  settlement: { rows: 12, totalMwh: 0.05, paymentGbp: 17.5 },
  feederPeaks: [
    { feederId: 'feeder-1', limitKw: 1_000, peakKw: 990, peakWithoutKw: 1_070 },
    { feederId: 'feeder-2', limitKw: 1_000, peakKw: 850, peakWithoutKw: 850 },
  ],
  wallSeconds: 20,
  memoryMb: 400,
};

const failing = (changes: Partial<Facts>) =>
  checksOf({ ...facts, ...changes })
    .filter(({ holds }) => !holds)
    .map(({ name }) => name);

describe('checks of a demo', () => {
  it('all hold for an evening that went well', () => {
    expect(failing({})).to.deep.equal([]);
  });

  const feeders = facts.feederPeaks;
  const cases: [string, Partial<Facts>][] = [
    ['every feeder that would have been overloaded was seen', { overloads: [] }],
    [
      'no event on a feeder that stays below its limit',
      { overloads: [overload, { ...overload, feederId: 'feeder-2' }], feederPeaks: feeders },
    ],
    ['the limit held once the relief was due', { overloads: [{ ...overload, peakDuringKw: 1_000.1 }] }],
    ['the limit held once the relief was due', { overloads: [{ ...overload, peakDuringKw: null }] }],
    ['every event ended and every device was released', { overloads: [{ ...overload, state: 'SHORT' }] }],
    ['each command ended in exactly one answer', { commands: 11 }],
    [
      'each command ended in exactly one answer',
      { commands: 0, acks: { accepted: 0, rejected: 0, optedOut: 0, silent: 0 } },
    ],
    [
      'detection to dispatch within the promise',
      { detectionToDispatchMs: { count: 1, p50: 1, p95: 1, p99: 1, max: 5_000 } },
    ],
    [
      'detection to dispatch within the promise',
      { detectionToDispatchMs: { count: 0, p50: null, p95: null, p99: null, max: null } },
    ],
    ['the audit chain is whole', { audit: { records: 4, headHash: null, verified: false, firstBroken: 5 } }],
    ['the orders are settled', { settlement: { rows: 0, totalMwh: 0, paymentGbp: 0 } }],
  ];
  for (const [name, changes] of cases) {
    it(`"${name}" alone fails for ${JSON.stringify(Object.keys(changes))}`, () => {
      expect(failing(changes)).to.deep.equal([name]);
    });
  }
});

describe('a summary in sentences', () => {
  const told = (changes: Partial<Facts>) => {
    const all = { ...facts, ...changes };
    const checks = checksOf(all);
    const summary: DemoSummary = { ...all, checks, ok: checks.every(({ holds }) => holds) };
    return describeSummary(summary).join('\n');
  };

  it('says that the limit held, and what was quiet', () => {
    const text = told({});
    expect(text).to.contain('feeder-1: overload forecast at 2026-01-15T16:47:00.000Z');
    expect(text).to.contain('peak 990 kW: the limit held; released.');
    expect(text).to.contain('feeder-2: peak 850 kW of 1000 kW: nothing to do.');
    expect(text).to.contain('The overloads were bought off.').and.not.to.contain('FAIL');
  });

  it('says what did not hold', () => {
    const text = told({ overloads: [{ ...overload, peakDuringKw: 1_020 }] });
    expect(text).to.contain('the limit NOT held');
    expect(text).to.contain('FAIL the limit held once the relief was due (1 events, 1 above the limit)');
    expect(text).to.contain('Not everything held');
  });
});
