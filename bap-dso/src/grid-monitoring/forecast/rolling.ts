/** Forecasts on a rolling origin: each is remembered until its target is read, and what came of it is learnt. */
import { type BandState, ConformalBands, type Interval } from './conformal.ts';
import type { Origin } from './features.ts';
import { LoadModel, type LoadModelOptions, type LoadModelState, type Prediction } from './load-model.ts';

export interface Issued {
  /** Number of the horizon. */
  readonly i: number;
  readonly targetMs: number;
  readonly prediction: Prediction;
  readonly interval: Interval;
}

/** Everything learnt and pending, as plain values. */
export interface RollingState {
  readonly model: LoadModelState;
  readonly bands: readonly BandState[];
  readonly pending: readonly Issued[];
}

export class RollingForecast {
  readonly model: LoadModel;
  #bands: ConformalBands;
  #pending: Issued[] = [];

  constructor(options: LoadModelOptions) {
    this.model = new LoadModel(options);
    this.#bands = new ConformalBands(options.aheads.length);
  }

  state(): RollingState {
    return { model: this.model.state(), bands: this.#bands.states, pending: this.#pending };
  }

  restore({ model, bands, pending }: RollingState): void {
    this.model.restore(model);
    this.#bands = new ConformalBands(this.model.aheads.length, bands);
    this.#pending = [...pending];
  }

  /** What is known now of every horizon; nothing before the first reading. */
  forecast(originMs: number, origin?: Origin): Issued[] {
    const issued: Issued[] = [];
    this.model.aheads.forEach((ahead, i) => {
      const prediction = this.model.predict(i, origin);
      if (!prediction) return;
      const targetMs = originMs + ahead * this.model.history.stepMs;
      issued.push({ i, targetMs, prediction, interval: this.#bands.interval(i, prediction.spread) });
    });
    return issued;
  }

  /** The same, to be judged when its targets are read. */
  issue(originMs: number, origin?: Origin): Issued[] {
    const issued = this.forecast(originMs, origin);
    this.#pending.push(...issued);
    // One a slot and horizon is all that can wait, however often this is called.
    const { aheads } = this.model;
    const most = aheads.length * (aheads.at(-1) ?? 0);
    if (this.#pending.length > most) this.#pending = this.#pending.slice(-most);
    return issued;
  }

  /** Learns from a reading what came of the forecasts for it; one older than `toleranceMs` had another target. */
  resolve(atMs: number, actual: number, toleranceMs: number): Issued[] {
    const due = this.#pending.filter(({ targetMs }) => targetMs <= atMs);
    if (due.length === 0) return due;
    this.#pending = this.#pending.filter(({ targetMs }) => targetMs > atMs);
    const met = due.filter(({ targetMs }) => atMs - targetMs <= toleranceMs);
    for (const { i, prediction, interval } of met) {
      this.#bands.add(i, actual - prediction.value, prediction.spread, interval);
      this.model.judge(i, prediction.opinions, actual);
    }
    return met;
  }

  /** The load is being changed by dispatch: no forecast of before is judged by it. */
  forget(): void {
    this.#pending = [];
  }
}
