/**
 * The load of one feeder some slots ahead, from its readings alone (and a temperature forecast where there is one):
 * near and wide regression and the usual load, weighted by how they did lately. Learns with every reading.
 */
import {
  between,
  expected,
  type FeatureSource,
  featureNames,
  type Origin,
  originAt,
  TEMPERATURE_WIDTH,
  type TemperatureAt,
  usual,
  WIDE_WIDTH,
  writeFeatures,
} from './features.ts';
import { type HistoryState, LoadHistory } from './history.ts';
import { fitNear, fitWide, type NearFit } from './learners.ts';
import { predict, type RidgeModel } from './ridge.ts';

/** Changes with every change of features, inputs or method. */
export const MODEL_VERSION = '2';

/** `ridge` blends both regressions with the usual load; `profile` is the usual load alone, without enough history. */
export type ModelKind = 'ridge' | 'profile' | 'persistence';

export const EXPERTS = ['near', 'wide', 'usual'] as const;
/** What each expert says, in the unit of the readings; undefined where it cannot. */
export type Opinions = readonly (number | undefined)[];

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
/** Of a fit's rows this much of the loss is remembered: about the last hundred forecasts count. */
const LOSS_KEPT = 0.98;
/** Twice the loss is a 256th of the weight: an expert that is much worse than another has no say. */
const LOSS_POWER = 8;
/** A regression may go beyond all it has seen by half its range, not further. */
const BEYOND_RANGE = 0.5;
/** Without a fit the spread is a share of the level; the interval's quantile makes it right. */
const SPREAD_UNKNOWN = 0.02;

/** Everything learnt, as plain values; the near regressions follow from the history. */
export interface LoadModelState {
  readonly history: HistoryState;
  readonly wide: readonly (RidgeModel | undefined)[];
  readonly losses: readonly Float64Array[];
  readonly range: readonly [low: number, high: number];
  readonly wideFittedSlot: number | null;
}

export interface LoadModelOptions {
  /** Time between readings, milliseconds; divides an hour. */
  readonly stepMs: number;
  /** Slots ahead that are forecast, ascending. */
  readonly aheads: readonly number[];
  readonly temperature?: TemperatureAt;
  /** Delays the daily fits by this many slots, so that many feeders do not fit at once. */
  readonly phase?: number;
  /** Nothing is fitted on the way: what is due is fitted by `refit`, and until then the fits of before count. */
  readonly deferred?: boolean;
}

interface Near {
  readonly target: number;
  readonly fit: NearFit | undefined;
  /** Whether it has read all that was. */
  readonly current: boolean;
}

export class LoadModel {
  readonly history: LoadHistory;
  readonly aheads: readonly number[];
  readonly version = MODEL_VERSION;
  readonly #source: FeatureSource;
  phase: number;
  readonly #wide: (RidgeModel | undefined)[];
  /** By horizon, with the target slot it was fitted for; out of date with every reading. */
  readonly #near: (Near | undefined)[];
  /** Deferred fits: targets of near ones, and whether the wide one is due, by horizon. */
  readonly #nearDue: (number | undefined)[];
  readonly #wideDue: boolean[];
  /** Recent absolute errors by horizon and expert; 0 while unknown. */
  readonly #losses: Float64Array[];
  #range: readonly [low: number, high: number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  #wideFittedSlot: number | null = null;
  readonly #row: Float64Array;
  /** Off while a history is read in: it is fitted at its end. */
  fitsDaily = true;
  deferred: boolean;

  constructor({ stepMs, aheads, temperature, phase = 0, deferred = false }: LoadModelOptions) {
    this.deferred = deferred;
    this.#nearDue = aheads.map(() => undefined);
    this.#wideDue = aheads.map(() => false);
    this.history = new LoadHistory(stepMs);
    this.aheads = aheads;
    this.#source = { history: this.history, temperature };
    this.phase = phase;
    this.#wide = aheads.map(() => undefined);
    this.#near = aheads.map(() => undefined);
    this.#losses = aheads.map(() => new Float64Array(EXPERTS.length));
    this.#row = new Float64Array(WIDE_WIDTH + TEMPERATURE_WIDTH);
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
    this.#wide[i] = fitWide(this.#source, this.aheads[i]!, this.#wide[i]);
    this.#wideFittedSlot = this.history.last;
    const { low, high } = this.history.range();
    const beyond = BEYOND_RANGE * (high - low);
    this.#range = [low - beyond, high + beyond];
  }

  /** The load at horizon number `i` after `origin`, by default the last reading; undefined before the first. */
  predict(i: number, origin?: Origin): Prediction | undefined {
    if (this.history.last < 0) return undefined;
    const from = origin ?? originAt(this.history, this.history.last);
    const ahead = this.aheads[i]!;
    const plain = this.#usual(from, ahead);
    const near = this.#nearFit(i, Math.round(from.position) + ahead);
    const opinions = [this.#near1(near, from, ahead), this.#wide1(this.#wide[i], from, ahead), plain];
    const spread = (near?.spread ?? SPREAD_UNKNOWN) * from.level;
    if (opinions[0] === undefined && opinions[1] === undefined) {
      const model = plain === undefined ? 'persistence' : 'profile';
      return { value: plain ?? from.recent[0], model, spread, opinions };
    }
    return { value: this.#blend(opinions, this.#losses[i]!), model: 'ridge', spread, opinions };
  }

  /** What came of a forecast: the experts' weights follow it. */
  judge(i: number, opinions: Opinions, actual: number): void {
    const losses = this.#losses[i]!;
    opinions.forEach((opinion, k) => {
      if (opinion === undefined) return;
      const loss = Math.abs(opinion - actual);
      losses[k] = losses[k] === 0 ? loss : LOSS_KEPT * losses[k]! + (1 - LOSS_KEPT) * loss;
    });
  }

  describe(): Basis {
    const { history } = this;
    return {
      version: MODEL_VERSION,
      features: featureNames(this.#source.temperature !== undefined),
      inputs: ['load', 'London calendar', ...(this.#source.temperature ? ['temperature forecast'] : [])],
      fittedAtMs: {
        near: this.#near.some((known) => known?.fit) ? (history.last + 1) * history.stepMs : null,
        wide: this.fittedAtMs,
      },
      readings: history.count(),
    };
  }

  /** Until when the daily fits have read; null before the first. */
  get fittedAtMs(): number | null {
    return this.#wideFittedSlot === null ? null : (this.#wideFittedSlot + 1) * this.history.stepMs;
  }

  state(): LoadModelState {
    return {
      history: this.history.state(),
      wide: this.#wide,
      losses: this.#losses,
      range: this.#range,
      wideFittedSlot: this.#wideFittedSlot,
    };
  }

  /** Into a model of the same horizons and readings. */
  restore({ history, wide, losses, range, wideFittedSlot }: LoadModelState): void {
    this.history.restore(history);
    this.aheads.forEach((_, i) => {
      this.#wide[i] = wide[i];
      this.#losses[i]!.set(losses[i]!);
    });
    this.#near.fill(undefined);
    this.#range = range;
    this.#wideFittedSlot = wideFittedSlot;
  }

  #nearFit(i: number, target: number): NearFit | undefined {
    const known = this.#near[i];
    if (known?.current && known.target === target) return known.fit;
    if (!this.deferred) return this.#fitNear(i, target);
    this.#nearDue[i] = target;
    return known?.fit;
  }

  #fitNear(i: number, target: number): NearFit | undefined {
    const fit = fitNear(this.#source, this.aheads[i]!, target);
    this.#near[i] = { target, fit, current: true };
    return fit;
  }

  #near1(fit: NearFit | undefined, origin: Origin, ahead: number): number | undefined {
    return fit && this.#say(fit.model, origin, ahead, false);
  }

  #wide1(model: RidgeModel | undefined, origin: Origin, ahead: number): number | undefined {
    return model && this.#say(model, origin, ahead, true);
  }

  #say(model: RidgeModel, origin: Origin, ahead: number, wide: boolean): number | undefined {
    if (!writeFeatures(this.#source, origin, ahead, wide, this.#row, 0)) return undefined;
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

  /** Before any loss is known the regressions count alike and the usual load not at all. */
  #blend(opinions: Opinions, losses: Float64Array): number {
    const known = opinions.every((opinion, k) => opinion === undefined || losses[k]! > 0);
    const smallest = Math.min(...losses.filter((loss) => loss > 0));
    let sum = 0;
    let total = 0;
    opinions.forEach((opinion, k) => {
      if (opinion === undefined) return;
      const weight = known ? (smallest / losses[k]!) ** LOSS_POWER : k < 2 ? 1 : 0;
      sum += weight * opinion;
      total += weight;
    });
    return sum / total;
  }
}
