import { periodStart, settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { eveningPeak, OVERLOADS_DUE_MS } from './evening-peak.ts';
import type { Scenario, ScenarioOptions } from './types.ts';

const HALF_HOUR_MS = 1_800_000;

/** The evening peak in real time, joined where the overloads are due: nobody waits an hour for the first search. */
export function eveningPeakNow(options: ScenarioOptions, nowMs: number): Scenario {
  return startingNow(eveningPeak({ ...options, startMs: OVERLOADS_DUE_MS }), nowMs);
}

/** The same scenario moved in time, by whole half hours, so that its start is the half hour `nowMs` lies in. */
function startingNow(scenario: Scenario, nowMs: number): Scenario {
  const shiftMs = Math.floor((nowMs - scenario.startMs) / HALF_HOUR_MS) * HALF_HOUR_MS;
  return {
    ...scenario,
    startMs: nowMs,
    endMs: scenario.endMs + shiftMs,
    feeders: scenario.feeders.map((feeder) => ({
      ...feeder,
      base: (atMs) => feeder.base(atMs - shiftMs),
      history: feeder.history.map(({ atMs, kw }) => ({ atMs: atMs + shiftMs, kw })),
    })),
    ders: scenario.ders.map((der) => ({
      ...der,
      consent: { validFromMs: der.consent.validFromMs + shiftMs, validUntilMs: der.consent.validUntilMs + shiftMs },
    })),
    meterHistory: () =>
      scenario.meterHistory().map((row) => {
        const moved = settlementPeriodOf(periodStart(row.settlement_date, row.settlement_period) + shiftMs);
        return { ...row, settlement_date: moved.date, settlement_period: moved.period };
      }),
  };
}
