import { expect } from 'chai';
import { createMetrics } from '../metrics.ts';
import { breakerHealth, createBreakers } from './breaker.ts';
import { breakerLimits } from './limits.ts';

const { failures, pauseMs, longestPauseMs, idleMs, counterparties } = breakerLimits;
const AT_ONCE = 8;

function setup() {
  const clock = { nowMs: 1_000 };
  const metrics = createMetrics('test');
  const breakers = createBreakers({ atOnce: AT_ONCE, monotonicMs: () => clock.nowMs, metrics });
  const open = (id: string) => {
    for (let i = 0; i < failures; i++) breakers.failed(id);
  };
  const pass = () => {
    clock.nowMs += breakers.waitMs('a');
  };
  return { clock, metrics, breakers, open, pass };
}

describe('the breaker of a counterparty', () => {
  it('opens after failures in a row and holds nobody else', () => {
    const { breakers } = setup();
    for (let i = 1; i < failures; i++) {
      breakers.failed('a');
      expect([breakers.waitMs('a'), breakers.atOnce('a')]).to.deep.equal([0, AT_ONCE]);
    }
    breakers.failed('a');
    expect(breakers.waitMs('a')).to.equal(pauseMs);
    expect([breakers.waitMs('b'), breakers.atOnce('b')]).to.deep.equal([0, AT_ONCE]);
    expect(breakers.away()).to.deep.equal(['a']);
  });

  it('stays closed when an answer comes between failures', () => {
    const { breakers } = setup();
    for (let i = 0; i < 10 * failures; i++) {
      if (i % failures === 0) breakers.answered('a');
      else breakers.failed('a');
    }
    expect(breakers.waitMs('a')).to.equal(0);
  });

  it('lets one call probe after the pause, and pauses twice as long when that fails, up to the longest', () => {
    const { breakers, open, pass } = setup();
    open('a');
    const pauses: number[] = [];
    for (let i = 0; i < 6; i++) {
      pauses.push(breakers.waitMs('a'));
      pass();
      expect(breakers.atOnce('a'), 'a probe').to.equal(1);
      breakers.failed('a');
    }
    expect(pauses.slice(0, 3)).to.deep.equal([pauseMs, 2 * pauseMs, 4 * pauseMs]);
    expect(Math.max(...pauses)).to.equal(longestPauseMs);
  });

  it('lets more and more through after a probe that was answered, until it is closed', () => {
    const { breakers, open, pass, metrics } = setup();
    open('a');
    pass();
    const shares: number[] = [];
    for (let i = 0; i < 4; i++) {
      shares.push(breakers.atOnce('a'));
      breakers.answered('a');
    }
    expect(shares).to.deep.equal([1, 2, 4, AT_ONCE]);
    expect(breakers.away()).to.deep.equal([]);
    for (const to of ['open', 'recovering', 'closed'])
      expect(metrics.total('breaker_transitions', { to }), to).to.equal(1);
  });

  it('opens again at the first failure while it recovers', () => {
    const { breakers, open, pass } = setup();
    open('a');
    pass();
    breakers.answered('a');
    expect(breakers.away()).to.deep.equal([]);
    breakers.failed('a');
    expect(breakers.waitMs('a')).to.equal(2 * pauseMs);
    expect(breakers.away()).to.deep.equal(['a']);
  });

  it('learns nothing from failures of calls that were under way when it opened', () => {
    const { breakers, open } = setup();
    open('a');
    for (let i = 0; i < 10; i++) breakers.failed('a');
    expect(breakers.waitMs('a')).to.equal(pauseMs);
  });

  it('forgets a counterparty that nobody called for long', () => {
    const { breakers, open, clock } = setup();
    open('a');
    clock.nowMs += idleMs;
    expect(breakers.away()).to.deep.equal(['a']);
    clock.nowMs += 1;
    expect(breakers.away()).to.deep.equal([]);
    expect(breakers.atOnce('a')).to.equal(AT_ONCE);
    breakers.failed('a');
    expect(breakers.waitMs('a'), 'counted anew').to.equal(0);
  });

  it('knows so many counterparties and no more', () => {
    const { breakers, open } = setup();
    for (let i = 0; i < counterparties + 100; i++) open(`c-${i}`);
    expect(breakers.away()).to.have.length(counterparties);
  });

  it('is shown in metrics and health, by a few names', async () => {
    const { breakers, open, metrics } = setup();
    expect(breakerHealth(breakers.away())).to.deep.equal({
      ok: true,
      detail: 'all that were called answer',
      needed: false,
    });
    for (let i = 0; i < 7; i++) open(`c-${i}`);
    expect(await metrics.text()).to.match(/^flexder_breakers_open\{.*\} 7$/m);
    const { ok, detail, needed } = breakerHealth(breakers.away());
    expect([ok, needed]).to.deep.equal([false, false]);
    expect(detail).to.equal('no answer from c-0, c-1, c-2, c-3, c-4 and 2 more');
  });
});
