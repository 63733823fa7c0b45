/**
 * The load of one feeder some slots ahead, from its readings and, where there are any, inputs from outside: near and
 * wide regressions and the usual load, weighted by how they did lately. Learns with every reading.
 */
import { Experts, type Opinions } from './experts.ts';
import {
  between,
  expected,
  type FeatureSource,
  featureNames,
  type Origin,
  originAt,
  usual,
  WIDE_WIDTH,
  writeFeatures,
} from './features.ts';
import { Fits, type FitsState } from './fits.ts';
import { type HistoryState, LoadHistory } from './history.ts';
import { type ForecastInput, widthOf } from './inputs.ts';
import { predict, type RidgeModel } from './ridge.ts';

/** Changes with every change of features, inputs or method. */
export const MODEL_VERSION = '3';

/** `ridge` blends both regressions with the usual load; `profile` is the usual load alone, without enough history. */
export type ModelKind = 'ridge' | 'profile' | 'persistence';

export interface Prediction {
  readonly value: number;
  readonly model: ModelKind;
  /** How far off such a forecast usually is, by time of day, in the unit of the readings: the unit of the interval. */
  readonly spread: number;
  readonly opinions: Opinions;
}

/** What a forecast was made from. */
export interface Basis {
  readonly version: string;
  readonly features: readonly string[];
  readonly inputs: readonly string[];
  /** Until when the readings reach that the regressions were fitted on: null before the first fit. */
  readonly fittedAtMs: { readonly near: number | null; readonly wide: number | null };
  readonly readings: number;
}

/** How much of the present deviation from the usual load is left after half an hour. */
const DEVIATION_KEPT = 0.9;
const HALF_HOUR_MS = 1_800_000;
/** Without a fit the spread is a share of the level; the interval's quantile makes it right. */
const SPREAD_UNKNOWN = 0.02;

/** Everything learnt, as plain values; the near regressions follow from the history. */
export interface LoadModelState extends FitsState {
  readonly history: HistoryState;
  readonly losses: readonly Float64Array[];
}

export interface LoadModelOptions {
  /** Time between readings, milliseconds; divides an hour. */
  readonly stepMs: number;
  /** Slots ahead that are forecast, ascending. */
  readonly aheads: readonly number[];
  readonly inputs?: readonly ForecastInput[];
  /** Delays the daily fits by this many slots, so that many feeders do not fit at once. */
  readonly phase?: number;
  /** Nothing is fitted on the way: what is due is fitted by `refit`, and until then the fits of before count. */
  readonly deferred?: boolean;
}

export class LoadModel {
  readonly history: LoadHistory;
  readonly aheads: readonly number[];
  readonly version = MODEL_VERSION;
  readonly #fits: Fits;
  readonly #experts: Experts;
  readonly #row: Float64Array;
  /** Off while a history is read in: it is fitted at its end. */
  fitsDaily = true;

  constructor({ stepMs, aheads, inputs = [], phase = 0, deferred = false }: LoadModelOptions) {
    this.history = new LoadHistory(stepMs);
    this.aheads = aheads;
    this.#fits = new Fits({ history: this.history, inputs: [] }, { aheads, inputs, phase, deferred });
    this.#experts = new Experts(aheads.length);
    this.#row = new Float64Array(WIDE_WIDTH + widthOf(inputs));
  }

  /** Fits are left to `refit`. */
  get deferred(): boolean {
    return this.#fits.deferred;
  }

  set deferred(deferred: boolean) {
    this.#fits.deferred = deferred;
  }

  set phase(phase: number) {
    this.#fits.phase = phase;
  }

  /** The reading of `slot`, later than any before. Throws RangeError otherwise. */
  observe(slot: number, load: number): void {
    const before = this.history.last;
    this.history.observe(slot, load);
    this.#fits.outdateNear();
    if (before >= 0 && this.fitsDaily) this.#fits.daily(before, slot);
  }

  /** Fits every horizon now: at the end of a history that is read in. */
  fit(): void {
    this.#fits.all();
  }

  /** One fit of those that are due, some milliseconds; false when none is. */
  refit(): boolean {
    return this.#fits.refit();
  }

  /** The load at horizon number `i` after `origin`, by default the last reading; undefined before the first. */
  predict(i: number, origin?: Origin): Prediction | undefined {
    if (this.history.last < 0) return undefined;
    const from = origin ?? originAt(this.history, this.history.last);
    const ahead = this.aheads[i]!;
    const plain = this.#usual(from, ahead);
    const fits = this.#fits;
    const near = fits.near(i, Math.round(from.position) + ahead);
    const say = (source: FeatureSource | undefined, model: RidgeModel | undefined, wide: boolean) =>
      source && model && this.#say(source, model, from, ahead, wide);
    const opinions = [
      say(fits.plain, near?.fit?.model, false),
      say(fits.plain, fits.wide[i], true),
      plain,
      say(fits.informed, near?.informed?.model, false),
      say(fits.informed, fits.informedWide[i], true),
    ];
    const spread = (near?.fit?.spread ?? SPREAD_UNKNOWN) * from.level;
    if (opinions[0] === undefined && opinions[1] === undefined) {
      const model = plain === undefined ? 'persistence' : 'profile';
      return { value: plain ?? from.recent[0], model, spread, opinions };
    }
    return { value: this.#experts.blend(i, opinions), model: 'ridge', spread, opinions };
  }

  /** What came of a forecast: the experts' weights follow it. */
  judge(i: number, opinions: Opinions, actual: number): void {
    this.#experts.judge(i, opinions, actual);
  }

  describe(): Basis {
    const { history } = this;
    return {
      version: MODEL_VERSION,
      features: featureNames(this.#fits.informed?.inputs ?? []),
      inputs: this.used,
      fittedAtMs: {
        near: this.#fits.hasNear ? (history.last + 1) * history.stepMs : null,
        wide: this.fittedAtMs,
      },
      readings: history.count(),
    };
  }

  /** What is looked at; inputs from outside once they are known well enough. */
  get used(): readonly string[] {
    return ['load', 'London calendar', ...(this.#fits.informed?.inputs ?? []).map(({ name }) => name)];
  }

  /** Until when the daily fits have read; null before the first. */
  get fittedAtMs(): number | null {
    const { wideFittedSlot } = this.#fits;
    return wideFittedSlot === null ? null : (wideFittedSlot + 1) * this.history.stepMs;
  }

  state(): LoadModelState {
    return { ...this.#fits.state(), history: this.history.state(), losses: this.#experts.state() };
  }

  /** Into a model of the same horizons and readings. */
  restore({ history, losses, ...fits }: LoadModelState): void {
    this.history.restore(history);
    this.#fits.restore(fits);
    this.#experts.restore(losses);
  }

  #say(source: FeatureSource, model: RidgeModel, origin: Origin, ahead: number, wide: boolean): number | undefined {
    if (!writeFeatures(source, origin, ahead, wide, this.#row, 0)) return undefined;
    const value = expected(this.history, origin, ahead) + origin.level * predict(model, this.#row);
    const [low, high] = this.#fits.range;
    return Math.min(high, Math.max(low, value));
  }

  #usual(origin: Origin, ahead: number): number | undefined {
    const here = origin.ratio * between(usual, this.history, origin.position);
    const there = expected(this.history, origin, ahead);
    const kept = DEVIATION_KEPT ** ((ahead * this.history.stepMs) / HALF_HOUR_MS);
    const value = there + (origin.recent[0] - here) * kept;
    return Number.isFinite(value) ? value : undefined;
  }
}
