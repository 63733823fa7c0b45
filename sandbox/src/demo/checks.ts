import type { DemoSummary } from './run.ts';

/** One thing that must hold at the end of the story, in words. */
export interface Check {
  readonly name: string;
  readonly holds: boolean;
  readonly detail: string;
}

const PROMISE_MS = 5_000;

type Facts = Omit<DemoSummary, 'checks' | 'ok'>;

/** What makes a demo a success. Each check can fail, and says with which figures. */
export function checksOf(facts: Facts): Check[] {
  const check = (name: string, holds: boolean, detail: string): Check => ({ name, holds, detail });
  const { overloads, acks, audit, settlement, feederPeaks } = facts;
  const overloaded = new Set(overloads.map(({ feederId }) => feederId));
  const expected = feederPeaks.filter(({ peakWithoutKw, limitKw }) => peakWithoutKw > limitKw);
  const missed = expected.filter(({ feederId }) => !overloaded.has(feederId));
  const needless = feederPeaks.filter(
    ({ feederId, peakWithoutKw, limitKw }) => overloaded.has(feederId) && peakWithoutKw <= limitKw,
  );
  const above = overloads.filter(({ peakDuringKw, limitKw }) => peakDuringKw === null || peakDuringKw > limitKw);
  const open = overloads.filter(({ state }) => state !== 'RELEASED');
  const answered = acks.accepted + acks.rejected + acks.optedOut + acks.silent;
  const slowest = facts.detectionToDispatchMs.max;
  return [
    check(
      'every feeder that would have been overloaded was seen',
      missed.length === 0,
      `${expected.length} would, missed ${missed.length}`,
    ),
    check('no event on a feeder that stays below its limit', needless.length === 0, `${needless.length} needless`),
    check(
      'the limit held once the relief was due',
      above.length === 0,
      `${overloads.length} events, ${above.length} above the limit`,
    ),
    check('every event ended and every device was released', open.length === 0, `${open.length} open`),
    check(
      'each command ended in exactly one answer',
      answered === facts.commands && facts.commands > 0,
      `${facts.commands} commands, ${answered} answers`,
    ),
    check(
      'detection to dispatch within the promise',
      slowest !== null && slowest < PROMISE_MS,
      `slowest ${slowest} ms, promised ${PROMISE_MS} ms`,
    ),
    check('the audit chain is whole', audit.verified && audit.records > 0, `${audit.records} records`),
    check(
      'the orders are settled',
      settlement.rows > 0,
      `${settlement.rows} rows, £${settlement.paymentGbp.toFixed(2)}`,
    ),
  ];
}
