import { LRUCache } from 'lru-cache';
import type { Metrics } from '../metrics.ts';
import { breakerLimits } from './limits.ts';

/**
 * A breaker a counterparty. Own code because the libraries of this kind read the system clock and set timers of their
 * own, and here both come from the context. An answer is an answer, also one that says no.
 *
 * closed → open after failures in a row, for a pause that doubles → half open: one call probes → recovering: each answer
 * doubles the calls that may be under way, so that what has gathered meanwhile does not fall on a peer that just came
 * back → closed. A failure on that way opens it again. What is known of a counterparty is forgotten after a while.
 */
export interface Breakers {
  /** How long no call should be made, milliseconds; 0 to go ahead. */
  waitMs(counterparty: string): number;
  /** Calls that may be under way to it at once: the caller keeps to it. At least 1. */
  atOnce(counterparty: string): number;
  answered(counterparty: string): void;
  /** No answer: no connection, a bound passed, a fault of the counterparty's own. */
  failed(counterparty: string): void;
  /** Counterparties that are not called, or only to probe whether they are back; sorted. */
  away(): string[];
}

interface State {
  failures: number;
  /** 0 while it has never opened, else the calls it may have under way once the pause is over. */
  permits: number;
  pauseMs: number;
  openUntilMs: number;
}

export interface BreakerOptions {
  /** Calls to one counterparty that may be under way at once when all is well. */
  readonly atOnce: number;
  readonly monotonicMs: () => number;
  readonly metrics?: Pick<Metrics, 'count' | 'gauge'>;
}

export function createBreakers({ atOnce, monotonicMs, metrics }: BreakerOptions): Breakers {
  const { failures: mostFailures, counterparties, idleMs, pauseMs, longestPauseMs } = breakerLimits;
  // With a resolution of 0 the cache asks the clock each time, and sets no timer.
  const clock = { perf: { now: monotonicMs }, ttl: idleMs, ttlResolution: 0 };
  const states = new LRUCache<string, State>({ max: counterparties, ...clock });

  const away = () => [...states.entries()].flatMap(([id, { permits }]) => (permits === 1 ? [id] : [])).sort();

  function tell(to: 'open' | 'recovering' | 'closed'): void {
    metrics?.count('breaker_transitions', { to });
    let open = 0;
    for (const { permits } of states.values()) if (permits === 1) open++;
    metrics?.gauge('breakers_open', open);
  }

  function put(counterparty: string, state: State): void {
    states.set(counterparty, state);
  }

  function close(counterparty: string, told: boolean): void {
    states.delete(counterparty);
    if (told) tell('closed');
  }

  return {
    waitMs(counterparty) {
      const state = states.get(counterparty);
      return state ? Math.max(0, state.openUntilMs - monotonicMs()) : 0;
    },
    atOnce(counterparty) {
      const state = states.get(counterparty);
      // While it is open all who come are told to wait; that takes no place from anybody.
      const free = !state || state.permits === 0 || state.openUntilMs > monotonicMs();
      return free ? atOnce : Math.min(state.permits, atOnce);
    },
    answered(counterparty) {
      const state = states.get(counterparty);
      if (!state) return;
      const permits = state.permits * 2;
      if (permits === 0 || permits >= atOnce) return close(counterparty, permits > 0);
      put(counterparty, { ...state, permits, failures: 0, openUntilMs: 0 });
      if (permits === 2) tell('recovering');
    },
    failed(counterparty) {
      const known = states.get(counterparty);
      const nowMs = monotonicMs();
      // Calls that were under way when it opened say nothing new.
      if (known && known.openUntilMs > nowMs) return;
      const state = known ?? { failures: 0, permits: 0, pauseMs, openUntilMs: 0 };
      const failures = state.failures + 1;
      if (state.permits === 0 && failures < mostFailures) return put(counterparty, { ...state, failures });
      const nextPauseMs = Math.min(state.pauseMs * 2, longestPauseMs);
      put(counterparty, { failures, permits: 1, pauseMs: nextPauseMs, openUntilMs: nowMs + state.pauseMs });
      tell('open');
    },
    away,
  };
}

/** For a service's health: a counterparty that is away makes nobody unready, and somebody should know. */
export function breakerHealth(away: readonly string[]): { ok: boolean; detail: string; needed: false } {
  const shown = away.slice(0, breakerLimits.shown).join(', ');
  const more = away.length > breakerLimits.shown ? ` and ${away.length - breakerLimits.shown} more` : '';
  const detail = away.length === 0 ? 'all that were called answer' : `no answer from ${shown}${more}`;
  return { ok: away.length === 0, detail, needed: false };
}
