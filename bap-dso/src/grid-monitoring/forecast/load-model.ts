/**
 * The load of one feeder some slots ahead, from its readings and, where there are any, inputs from outside: near and
 * wide regressions and the usual load, weighted by how they did lately. Learns with every reading.
 */
import { FIT_MINIMUM_ROWS } from '../../limits.ts';
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
import { type HistoryState, LoadHistory } from './history.ts';
import { type ForecastInput, usableOf, widthOf } from './inputs.ts';
import { fitNear, fitWide, type NearFit, type WideOptions } from './learners.ts';
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
/** A regression may go beyond all it has seen by half its range, not further. */
const BEYOND_RANGE = 0.5;
/** Without a fit the spread is a share of the level; the interval's quantile makes it right. */
const SPREAD_UNKNOWN = 0.02;

/** Everything learnt, as plain values; the near regressions follow from the history. */
export interface LoadModelState {
  readonly history: HistoryState;
  readonly wide: readonly (RidgeModel | undefined)[];
  readonly informed: { readonly inputs: string; readonly wide: readonly (RidgeModel | undefined)[] };
  readonly losses: readonly Float64Array[];
  readonly range: readonly [low: number, high: number];
  readonly wideFittedSlot: number | null;
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

interface Near {
  readonly target: number;
  readonly fit: NearFit | undefined;
  readonly informed: NearFit | undefined;
  /** Whether it has read all that was. */
  readonly current: boolean;
}

export class LoadModel {
  readonly history: LoadHistory;
  readonly aheads: readonly number[];
  readonly version = MODEL_VERSION;
  readonly #plain: FeatureSource;
  /** With those of the inputs that are known well enough; undefined without any. */
  #informed: FeatureSource | undefined;
  readonly #inputs: readonly ForecastInput[];
  readonly #informedWide: (RidgeModel | undefined)[];
  phase: number;
  readonly #wide: (RidgeModel | undefined)[];
  /** By horizon, with the target slot it was fitted for; out of date with every reading. */
  readonly #near: (Near | undefined)[];
  /** Deferred fits: targets of near ones, and whether the wide one is due, by horizon. */
  readonly #nearDue: (number | undefined)[];
  readonly #wideDue: boolean[];
  readonly #experts: Experts;
  #range: readonly [low: number, high: number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  #wideFittedSlot: number | null = null;
  readonly #row: Float64Array;
  /** Off while a history is read in: it is fitted at its end. */
  fitsDaily = true;
  deferred: boolean;

  constructor({ stepMs, aheads, inputs = [], phase = 0, deferred = false }: LoadModelOptions) {
    this.deferred = deferred;
    this.#nearDue = aheads.map(() => undefined);
    this.#wideDue = aheads.map(() => false);
    this.history = new LoadHistory(stepMs);
    this.aheads = aheads;
    this.#plain = { history: this.history, inputs: [] };
    this.#inputs = inputs;
    this.#informedWide = aheads.map(() => undefined);
    this.phase = phase;
    this.#wide = aheads.map(() => undefined);
    this.#near = aheads.map(() => undefined);
    this.#experts = new Experts(aheads.length);
    this.#row = new Float64Array(WIDE_WIDTH + widthOf(inputs));
  }

  /** The reading of `slot`, later than any before. Throws RangeError otherwise. */
  observe(slot: number, load: number): void {
    const before = this.history.last;
    this.history.observe(slot, load);
    this.#outdateNear();
    if (before < 0 || !this.fitsDaily) return;
    const { perDay } = this.history.calendar;
    const spacing = perDay / this.aheads.length;
    this.aheads.forEach((_, i) => {
      // The first slot of the day, in this horizon's turn, that is not yet behind.
      const turn = (at: number) => Math.floor((at + this.phase - Math.floor(i * spacing)) / perDay);
      if (turn(slot) <= turn(before)) return;
      if (this.deferred) this.#wideDue[i] = true;
      else this.#fitWide(i);
    });
  }

  #outdateNear(): void {
    this.#near.forEach((near, i) => {
      this.#near[i] = this.deferred && near ? { ...near, current: false } : undefined;
    });
  }

  /** Fits every horizon now: at the end of a history that is read in. */
  fit(): void {
    this.aheads.forEach((_, i) => {
      if (this.deferred) this.#wideDue[i] = true;
      else this.#fitWide(i);
    });
  }

  /** One fit of those that are due, some milliseconds; false when none is. */
  refit(): boolean {
    const near = this.#nearDue.findIndex((target) => target !== undefined);
    if (near >= 0) {
      this.#fitNear(near, this.#nearDue[near]!);
      this.#nearDue[near] = undefined;
      return true;
    }
    const wide = this.#wideDue.indexOf(true);
    if (wide < 0) return false;
    this.#wideDue[wide] = false;
    this.#fitWide(wide);
    return true;
  }

  #fitWide(i: number): void {
    const options = (before: RidgeModel | undefined) => ({ before, quick: this.deferred });
    this.#wide[i] = fitWide(this.#plain, this.aheads[i]!, options(this.#wide[i]));
    this.#fitInformed(i, options);
    this.#wideFittedSlot = this.history.last;
    const { low, high } = this.history.range();
    const beyond = BEYOND_RANGE * (high - low);
    this.#range = [low - beyond, high + beyond];
  }

  /** A model of other inputs than before begins anew. */
  #fitInformed(i: number, options: (before: RidgeModel | undefined) => WideOptions): void {
    if (this.#inputs.length === 0) return;
    const usable = usableOf(this.#inputs, this.history, FIT_MINIMUM_ROWS);
    if (namesOf(usable) !== namesOf(this.#informed?.inputs ?? [])) {
      this.#informed = usable.length === 0 ? undefined : { history: this.history, inputs: usable };
      this.#informedWide.fill(undefined);
      this.#near.fill(undefined);
    }
    if (!this.#informed) return;
    this.#informedWide[i] = fitWide(this.#informed, this.aheads[i]!, options(this.#informedWide[i]));
  }

  /** The load at horizon number `i` after `origin`, by default the last reading; undefined before the first. */
  predict(i: number, origin?: Origin): Prediction | undefined {
    if (this.history.last < 0) return undefined;
    const from = origin ?? originAt(this.history, this.history.last);
    const ahead = this.aheads[i]!;
    const plain = this.#usual(from, ahead);
    const near = this.#nearFit(i, Math.round(from.position) + ahead);
    const say = (source: FeatureSource | undefined, model: RidgeModel | undefined, wide: boolean) =>
      source && model && this.#say(source, model, from, ahead, wide);
    const opinions = [
      say(this.#plain, near?.fit?.model, false),
      say(this.#plain, this.#wide[i], true),
      plain,
      say(this.#informed, near?.informed?.model, false),
      say(this.#informed, this.#informedWide[i], true),
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
      features: featureNames(this.#informed?.inputs ?? []),
      inputs: this.used,
      fittedAtMs: {
        near: this.#near.some((known) => known?.fit) ? (history.last + 1) * history.stepMs : null,
        wide: this.fittedAtMs,
      },
      readings: history.count(),
    };
  }

  /** What is looked at; inputs from outside once they are known well enough. */
  get used(): readonly string[] {
    return ['load', 'London calendar', ...(this.#informed?.inputs ?? []).map(({ name }) => name)];
  }

  /** Until when the daily fits have read; null before the first. */
  get fittedAtMs(): number | null {
    return this.#wideFittedSlot === null ? null : (this.#wideFittedSlot + 1) * this.history.stepMs;
  }

  state(): LoadModelState {
    return {
      history: this.history.state(),
      wide: this.#wide,
      informed: { inputs: namesOf(this.#informed?.inputs ?? []), wide: this.#informedWide },
      losses: this.#experts.state(),
      range: this.#range,
      wideFittedSlot: this.#wideFittedSlot,
    };
  }

  /** Into a model of the same horizons and readings. */
  restore({ history, wide, informed, losses, range, wideFittedSlot }: LoadModelState): void {
    this.history.restore(history);
    const known = this.#inputs.filter(({ name }) => informed.inputs.split('|').includes(name));
    if (known.length > 0 && namesOf(known) === informed.inputs) {
      this.#informed = { history: this.history, inputs: known };
      informed.wide.forEach((model, i) => {
        this.#informedWide[i] = model;
      });
    }
    this.aheads.forEach((_, i) => {
      this.#wide[i] = wide[i];
    });
    this.#experts.restore(losses);
    this.#near.fill(undefined);
    this.#range = range;
    this.#wideFittedSlot = wideFittedSlot;
  }

  #nearFit(i: number, target: number): Near | undefined {
    const known = this.#near[i];
    if (known?.current && known.target === target) return known;
    if (!this.deferred) return this.#fitNear(i, target);
    this.#nearDue[i] = target;
    return known;
  }

  #fitNear(i: number, target: number): Near {
    const ahead = this.aheads[i]!;
    const fit = fitNear(this.#plain, ahead, target);
    const informed = this.#informed && fitNear(this.#informed, ahead, target);
    const near = { target, fit, informed, current: true };
    this.#near[i] = near;
    return near;
  }

  #say(source: FeatureSource, model: RidgeModel, origin: Origin, ahead: number, wide: boolean): number | undefined {
    if (!writeFeatures(source, origin, ahead, wide, this.#row, 0)) return undefined;
    const value = expected(this.history, origin, ahead) + origin.level * predict(model, this.#row);
    return Math.min(this.#range[1], Math.max(this.#range[0], value));
  }

  #usual(origin: Origin, ahead: number): number | undefined {
    const here = origin.ratio * between(usual, this.history, origin.position);
    const there = expected(this.history, origin, ahead);
    const kept = DEVIATION_KEPT ** ((ahead * this.history.stepMs) / HALF_HOUR_MS);
    const value = there + (origin.recent[0] - here) * kept;
    return Number.isFinite(value) ? value : undefined;
  }
}

function namesOf(inputs: readonly ForecastInput[]): string {
  return inputs.map(({ name }) => name).join('|');
}
