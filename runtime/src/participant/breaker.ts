import { LRUCache } from 'lru-cache';
import { BREAKER_FAILURES, BREAKER_IDLE_MS, BREAKER_OPEN_LONGEST_MS, BREAKER_OPEN_MS, BREAKERS } from './limits.ts';

interface BreakerState {
  failures: number;
  openForMs: number;
  openUntilMs: number;
  probing: boolean;
}

/**
 * One breaker a counterparty: after some failures in a row nothing is sent for a while, then one delivery probes.
 * A NACK is an answer, so it counts as success here.
 */
export interface Breakers {
  /** 0: go ahead. Otherwise how long to wait, milliseconds. */
  ask(counterparty: string): number;
  succeeded(counterparty: string): void;
  failed(counterparty: string): void;
  isOpen(counterparty: string): boolean;
}

export function createBreakers(monotonicMs: () => number): Breakers {
  const states = new LRUCache<string, BreakerState>({ max: BREAKERS, ttl: BREAKER_IDLE_MS });
  return {
    ask(counterparty) {
      const state = states.get(counterparty);
      if (!state || state.failures < BREAKER_FAILURES) return 0;
      const waitMs = state.openUntilMs - monotonicMs();
      if (waitMs > 0) return waitMs;
      if (state.probing) return BREAKER_OPEN_MS;
      state.probing = true;
      return 0;
    },
    succeeded(counterparty) {
      states.delete(counterparty);
    },
    failed(counterparty) {
      const state = states.get(counterparty) ?? {
        failures: 0,
        openForMs: BREAKER_OPEN_MS,
        openUntilMs: 0,
        probing: false,
      };
      state.failures++;
      // Deliveries that were under way when it opened say nothing new.
      const open = state.openUntilMs > monotonicMs();
      if (state.failures >= BREAKER_FAILURES && !open) {
        state.openUntilMs = monotonicMs() + state.openForMs;
        state.openForMs = Math.min(state.openForMs * 2, BREAKER_OPEN_LONGEST_MS);
      }
      state.probing = false;
      states.set(counterparty, state);
    },
    isOpen(counterparty) {
      const state = states.get(counterparty);
      return state !== undefined && state.failures >= BREAKER_FAILURES && state.openUntilMs > monotonicMs();
    },
  };
}
