import { expect } from 'chai';
import { ANOMALY_CLEAR_MS } from '../../limits.ts';
import { ANOMALY_RULES } from '../../rules.ts';
import { follow, NO_ANOMALIES, type Sign } from './anomalies.ts';
import type { Sample } from './detection.ts';
import { substationSign } from './substations.ts';
import { implausible, missingSign, refusedSign, type Seen, type Still, signsOf, stillOf } from './symptoms.ts';

const NOW_MS = Date.parse('2026-01-15T17:00:00Z');
const MINUTE_MS = 60_000;
const LIMITS = { limitKw: 1_000, releaseKw: 950 };

/** A sample after a minute each of `before`. */
function seen(
  powerKw: number,
  before: readonly number[] = [],
  changes: Partial<Seen> & { sample?: Sample } = {},
): Seen {
  return {
    feederId: 'feeder-1',
    sample: { atMs: NOW_MS, powerKw, quality: 'GOOD' },
    before: before.map((kw, i) => ({ atMs: NOW_MS - (before.length - i) * MINUTE_MS, powerKw: kw })),
    still: { powerKw, sinceMs: NOW_MS, samples: 1 },
    limits: LIMITS,
    relieved: false,
    ...changes,
  };
}

/** `true` and `false` for present and absent, undefined for not mentioned. */
function verdict(kind: Sign['kind'], of: Seen): boolean | undefined {
  return signsOf(of).find((sign) => sign.kind === kind)?.present;
}

function symptom(kind: Sign['kind'], of: Seen) {
  const sign = signsOf(of).find((one) => one.kind === kind);
  if (!sign?.present) throw new Error(`${kind} does not show`);
  return sign;
}

const silence = { lastMs: NOW_MS - 6 * MINUTE_MS, judgedSinceMs: NOW_MS - 60 * MINUTE_MS, allowedMs: 5 * MINUTE_MS };

describe('symptoms of a feeder', () => {
  it('a rise of 15 % of the limit within five minutes is one, of half of that none, and in between what was stays', () => {
    expect(verdict('rate-of-rise', seen(650, [500, 560]))).to.equal(true);
    expect(verdict('rate-of-rise', seen(649, [500, 560]))).to.equal(undefined);
    expect(verdict('rate-of-rise', seen(574, [500, 560]))).to.equal(false);
    expect(symptom('rate-of-rise', seen(700, [500])).inputs).to.deep.equal({
      ...{ power_kw: 700, observed_at: '2026-01-15T17:00:00.000Z', from_kw: 500, rise_kw: 200 },
      ...{ within_minutes: 5, threshold_kw: 150, limit_kw: 1_000 },
    });
  });

  it('a rise to the limit is an overload, and one while dispatch changes the load says nothing', () => {
    expect(verdict('rate-of-rise', seen(1_000, [500]))).to.equal(undefined);
    expect(verdict('rate-of-rise', seen(700, [500], { relieved: true }))).to.equal(undefined);
    expect(verdict('rate-of-rise', seen(700))).to.equal(undefined);
  });

  it('a load that falls from above a tenth of the limit to under a fifth of its mean collapsed', () => {
    expect(verdict('load-collapse', seen(79, [400, 400]))).to.equal(true);
    expect(verdict('load-collapse', seen(80, [400, 400]))).to.equal(undefined);
    expect(verdict('load-collapse', seen(0, [99, 99])), 'it was empty before').to.equal(undefined);
    expect(verdict('load-collapse', seen(100, [0, 0])), 'it carries load').to.equal(false);
    expect(verdict('load-collapse', seen(-300, [400, 400])), 'export is load too').to.equal(false);
    expect(verdict('load-collapse', seen(0, [400], { relieved: true }))).to.equal(undefined);
  });

  it('a value that stays for half an hour and ten readings is of a stuck sensor, another one ends it', () => {
    let still: Still | undefined;
    const verdicts = Array.from({ length: 32 }, (_, minute) => {
      const sample = { atMs: NOW_MS + minute * MINUTE_MS, powerKw: 612.4, quality: 'GOOD' } as const;
      still = stillOf(still, sample);
      return verdict('sensor-stuck', seen(612.4, [612.4], { sample, still }));
    });
    expect(verdicts.indexOf(true)).to.equal(30);
    const moved = { atMs: NOW_MS + 33 * MINUTE_MS, powerKw: 612.5, quality: 'GOOD' } as const;
    still = stillOf(still, moved);
    expect(verdict('sensor-stuck', seen(612.5, [612.4], { sample: moved, still }))).to.equal(false);
    const slow = { powerKw: 5, sinceMs: NOW_MS - 4 * 30 * MINUTE_MS, samples: 5 };
    expect(verdict('sensor-stuck', seen(5, [], { still: slow })), 'five half hours').to.equal(undefined);
  });

  it('N-1: from the firm rating on, until below its release share, where that is less than the limit', () => {
    const limits = { ...LIMITS, firmKw: 600, normalKw: 1_000, season: 'winter' };
    const at = (kw: number) => verdict('above-firm', seen(kw, [], { limits }));
    expect([at(600), at(599), at(570), at(569)]).to.deep.equal([true, undefined, undefined, false]);
    expect(verdict('above-firm', seen(600))).to.equal(undefined);
    expect(verdict('above-firm', seen(600, [], { limits: { ...limits, limitKw: 600 } }))).to.equal(undefined);
  });

  it('a transformer that is out is one as long as it is told', () => {
    const sample = { atMs: NOW_MS, powerKw: 500, quality: 'GOOD', transformersOut: ['t1'] } as const;
    expect(symptom('transformer-out', seen(500, [], { sample })).text).to.include('no firm rating is known');
    expect(verdict('transformer-out', seen(500))).to.equal(false);
  });

  it('a value is impossible above ten times the rating, and of another unit near a thousand times the last', () => {
    expect(implausible(10_001, 700, LIMITS)).to.equal('impossible');
    expect(implausible(-10_001, undefined, LIMITS)).to.equal('impossible');
    expect(implausible(10_000, 700, LIMITS)).to.equal(undefined);
    expect(implausible(703_000, 700, LIMITS)).to.equal('unit-confused');
    expect(implausible(0.69, 700, LIMITS)).to.equal('unit-confused');
    expect(implausible(0.3, 700, LIMITS), 'a collapse').to.equal(undefined);
    expect(implausible(0.05, 50, LIMITS), 'it was nearly empty').to.equal(undefined);
    expect(implausible(0, 700, LIMITS)).to.equal(undefined);
  });

  it('every symptom names a rule of the list, with its version', () => {
    const shown = [
      symptom('rate-of-rise', seen(700, [500])),
      symptom('load-collapse', seen(0, [500])),
      refusedSign('feeder-1', 'impossible', 20_000, 700, LIMITS),
      refusedSign('feeder-1', 'unit-confused', 700_000, 700, LIMITS),
      missingSign('feeder-1', silence, NOW_MS),
    ];
    for (const { kind, rule } of shown) {
      expect(rule.id).to.equal(kind);
      expect(ANOMALY_RULES).to.include(rule);
    }
    expect(missingSign('feeder-1', silence, NOW_MS).inputs).to.deep.equal({
      ...{ last_read_at: '2026-01-15T16:54:00.000Z', minutes: 6, allowed_minutes: 5 },
    });
  });
});

describe('anomalies', () => {
  const shown = symptom('load-collapse', seen(0, [500]));
  const gone: Sign = { kind: 'load-collapse', present: false };

  it('are raised once and cleared when absent for ten minutes, and what swings in between is one', () => {
    let open = NO_ANOMALIES;
    const told: string[] = [];
    const signs = [shown, gone, shown, gone, ...Array.from({ length: 9 }, () => gone), gone, gone, shown];
    signs.forEach((sign, minute) => {
      const followed = follow(open, [sign], NOW_MS + minute * MINUTE_MS);
      open = followed.open;
      told.push(...followed.raised.map(() => `${minute} raised`), ...followed.cleared.map(() => `${minute} cleared`));
    });
    expect(told).to.deep.equal(['0 raised', '13 cleared', '15 raised']);
    expect(ANOMALY_CLEAR_MS).to.equal(10 * MINUTE_MS);
  });

  it('what is not mentioned stays what it was, and nothing new is made', () => {
    const { open } = follow(NO_ANOMALIES, [shown], NOW_MS);
    expect(follow(open, [], NOW_MS + 3_600_000).open).to.equal(open);
    expect(follow(NO_ANOMALIES, [gone], NOW_MS).open).to.equal(NO_ANOMALIES);
  });

  it('several feeders of a substation that fail in one way at once are one more', () => {
    const fallen = follow(NO_ANOMALIES, [shown], NOW_MS).open;
    const missing = follow(NO_ANOMALIES, [missingSign('f', { ...silence, allowedMs: 1 }, NOW_MS)], NOW_MS).open;
    const member = (feederId: string, anomalies = NO_ANOMALIES, level: 'NORMAL' | 'TRIMMED' = 'NORMAL') => ({
      ...{ feederId, anomalies, level },
    });
    const both = substationSign('primary-1', [member('a', fallen), member('b', fallen), member('c')]);
    expect(both).to.deep.include({ kind: 'several-feeders', present: true });
    expect(both.present && both.inputs).to.deep.include({
      failure: 'load-collapse',
      feeders: 'a b',
      failing: 2,
      of: 3,
    });
    expect(substationSign('primary-1', [member('a', fallen), member('b', missing)]).present).to.equal(false);
    const trimmed = substationSign('primary-1', [member('a', NO_ANOMALIES, 'TRIMMED'), member('b', fallen, 'TRIMMED')]);
    expect(trimmed.present && trimmed.inputs.failure).to.equal('overload');
  });
});
