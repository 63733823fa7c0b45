import type { FeederSeries } from '@flexder/der-simulators/counterfactual.ts';
import type { Behaviour, DerManifest, DerType } from '@flexder/der-simulators/model.ts';
import type { MeterHistoryRow } from '@flexder/der-simulators/portfolio/history.ts';

/** Mean load of a feeder in one half hour that began at `atMs` (grid time). */
export interface FeederHistoryRow {
  readonly atMs: number;
  readonly kw: number;
}

export interface ScenarioFeeder {
  readonly feederId: string;
  readonly name: string;
  readonly limitKw: number;
  /** What the story has in store for it. */
  readonly role: 'forecast-overload' | 'measured-overload' | 'quiet' | 'bench';
  /** Load of the other customers, kW at a grid instant. */
  readonly base: (atMs: number) => number;
  /** Half hours before the start, oldest first; simulated. */
  readonly history: readonly FeederHistoryRow[];
}

export interface ScenarioAggregator {
  readonly subscriberId: string;
  readonly name: string;
  readonly providerId: string;
  readonly priceGbpPerKwh: Readonly<Record<DerType, number>>;
  /** Share of what it offered that it stands by when asked for a firm quote. */
  readonly quoteShare: number;
  /** 0 to 1, with the number of past events it rests on. */
  readonly reliability: number;
  readonly eventsCompleted: number;
  readonly maxEventsPerDay: number;
}

export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly feeders: readonly ScenarioFeeder[];
  readonly aggregators: readonly ScenarioAggregator[];
  readonly ders: readonly DerManifest[];
  /** What the same seed does with nobody dispatched, minute by minute: where `peakWithoutKw` comes from. */
  undispatched(): FeederSeries[];
  /** Half-hour meter rows of every device on the days before the start; simulated, made when asked for. */
  meterHistory(): MeterHistoryRow[];
}

export interface ScenarioOptions {
  readonly seed?: number;
  /** Grid time at which the story is joined; its beginning when absent. */
  readonly startMs?: number;
  readonly ders?: number;
  readonly feeders?: number;
  /** 0 waits for aggregators from outside: the scenario then has no devices. */
  readonly bpps?: number;
  /** Days of history before the start. */
  readonly historyDays?: number;
  readonly behaviours?: Partial<Record<Behaviour, number>>;
}
