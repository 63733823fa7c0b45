/**
 * The regressions of one feeder, by horizon: near ones anew with every reading, wide ones once a day, each at once or, where
 * many feeders share a process, when its turn comes; until then the fit of before counts.
 */
import { FIT_MINIMUM_ROWS } from '../../limits.ts';
import type { FeatureSource } from './features.ts';
import { type ForecastInput, usableOf } from './inputs.ts';
import { fitNear, fitWide, type NearFit, type WideOptions } from './learners.ts';
import type { RidgeModel } from './ridge.ts';

type Wide = RidgeModel | undefined;

/** A regression may go beyond all it has seen by half its range, not further. */
const BEYOND_RANGE = 0.5;

/** Everything fitted, as plain values; the near regressions follow from the history. */
export interface FitsState {
  readonly wide: readonly Wide[];
  readonly informed: { readonly inputs: string; readonly wide: readonly Wide[] };
  readonly wideFittedSlot: number | null;
  readonly range: readonly [low: number, high: number];
}

export interface FitsOptions {
  /** Slots ahead that are forecast, ascending. */
  readonly aheads: readonly number[];
  readonly inputs: readonly ForecastInput[];
  /** Delays the daily fits by this many slots. */
  readonly phase: number;
  readonly deferred: boolean;
}

export interface Near {
  readonly target: number;
  readonly fit: NearFit | undefined;
  readonly informed: NearFit | undefined;
  /** Whether it has read all that was. */
  readonly current: boolean;
}

export class Fits {
  readonly plain: FeatureSource;
  readonly wide: Wide[];
  readonly informedWide: Wide[];
  readonly #aheads: readonly number[];
  readonly #inputs: readonly ForecastInput[];
  /** By horizon, with the target slot it was fitted for; out of date with every reading. */
  readonly #near: (Near | undefined)[];
  /** Deferred fits: targets of near ones, and whether the wide one is due, by horizon. */
  readonly #nearDue: (number | undefined)[];
  readonly #wideDue: boolean[];
  #informed: FeatureSource | undefined;
  #wideFittedSlot: number | null = null;
  #range: FitsState['range'] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  phase: number;
  deferred: boolean;

  constructor(plain: FeatureSource, { aheads, inputs, phase, deferred }: FitsOptions) {
    this.plain = plain;
    this.#aheads = aheads;
    this.#inputs = inputs;
    this.phase = phase;
    this.deferred = deferred;
    this.wide = aheads.map(() => undefined);
    this.informedWide = aheads.map(() => undefined);
    this.#near = aheads.map(() => undefined);
    this.#nearDue = aheads.map(() => undefined);
    this.#wideDue = aheads.map(() => false);
  }

  /** With those of the inputs that are known well enough; undefined without any. */
  get informed(): FeatureSource | undefined {
    return this.#informed;
  }

  /** The latest slot that a daily fit has read; null before the first. */
  get wideFittedSlot(): number | null {
    return this.#wideFittedSlot;
  }

  /** What a regression may say: all that was read until the last daily fit, and half of that beyond. */
  get range(): FitsState['range'] {
    return this.#range;
  }

  /** Whether one near regression stands. */
  get hasNear(): boolean {
    return this.#near.some((known) => known?.fit);
  }

  outdateNear(): void {
    this.#near.forEach((near, i) => {
      this.#near[i] = this.deferred && near ? { ...near, current: false } : undefined;
    });
  }

  /** The daily fits whose turn came between two readings. */
  daily(before: number, slot: number): void {
    const { perDay } = this.plain.history.calendar;
    const spacing = perDay / this.#aheads.length;
    this.#aheads.forEach((_, i) => {
      // The first slot of the day, in this horizon's turn, that is not yet behind.
      const turn = (at: number) => Math.floor((at + this.phase - Math.floor(i * spacing)) / perDay);
      if (turn(slot) > turn(before)) this.#wideIsDue(i);
    });
  }

  /** Every horizon. */
  all(): void {
    this.#aheads.forEach((_, i) => {
      this.#wideIsDue(i);
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

  /** For horizon number `i`; where fits are deferred that of before, until its turn. */
  near(i: number, target: number): Near | undefined {
    const known = this.#near[i];
    if (known?.current && known.target === target) return known;
    if (!this.deferred) return this.#fitNear(i, target);
    this.#nearDue[i] = target;
    return known;
  }

  state(): FitsState {
    return {
      wide: this.wide,
      informed: { inputs: namesOf(this.#informed?.inputs ?? []), wide: this.informedWide },
      wideFittedSlot: this.#wideFittedSlot,
      range: this.#range,
    };
  }

  restore({ wide, informed, wideFittedSlot, range }: FitsState): void {
    const known = this.#inputs.filter(({ name }) => informed.inputs.split('|').includes(name));
    if (known.length > 0 && namesOf(known) === informed.inputs) {
      this.#informed = { history: this.plain.history, inputs: known };
      informed.wide.forEach((model, i) => {
        this.informedWide[i] = model;
      });
    }
    this.#aheads.forEach((_, i) => {
      this.wide[i] = wide[i];
    });
    this.#near.fill(undefined);
    this.#wideFittedSlot = wideFittedSlot;
    this.#range = range;
  }

  #wideIsDue(i: number): void {
    if (this.deferred) this.#wideDue[i] = true;
    else this.#fitWide(i);
  }

  #fitWide(i: number): void {
    const options = (before: Wide): WideOptions => ({ before, quick: this.deferred });
    this.wide[i] = fitWide(this.plain, this.#aheads[i]!, options(this.wide[i]));
    this.#useInputs();
    if (this.#informed) {
      this.informedWide[i] = fitWide(this.#informed, this.#aheads[i]!, options(this.informedWide[i]));
    }
    this.#wideFittedSlot = this.plain.history.last;
    const { low, high } = this.plain.history.range();
    const beyond = BEYOND_RANGE * (high - low);
    this.#range = [low - beyond, high + beyond];
  }

  /** A model of other inputs than before begins anew. */
  #useInputs(): void {
    if (this.#inputs.length === 0) return;
    const { history } = this.plain;
    const usable = usableOf(this.#inputs, history, FIT_MINIMUM_ROWS);
    if (namesOf(usable) === namesOf(this.#informed?.inputs ?? [])) return;
    this.#informed = usable.length === 0 ? undefined : { history, inputs: usable };
    this.informedWide.fill(undefined);
    this.#near.fill(undefined);
  }

  #fitNear(i: number, target: number): Near {
    const ahead = this.#aheads[i]!;
    const fit = fitNear(this.plain, ahead, target);
    const informed = this.#informed && fitNear(this.#informed, ahead, target);
    const near = { target, fit, informed, current: true };
    this.#near[i] = near;
    return near;
  }
}

function namesOf(inputs: readonly ForecastInput[]): string {
  return inputs.map(({ name }) => name).join('|');
}
