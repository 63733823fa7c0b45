/** Who is believed: each expert's say follows from how far off it was lately. */

const EXPERTS = ['near', 'wide', 'usual', 'informed near', 'informed wide'] as const;
const USUAL = 2;
/** Of a fit's rows this much of the loss is remembered: about the last hundred forecasts count. */
const LOSS_KEPT = 0.98;
/** Twice the loss is a 256th of the weight: an expert that is much worse than another has no say. */
const LOSS_POWER = 8;

/** What each expert says, in the unit of the readings; undefined where it cannot. */
export type Opinions = readonly (number | undefined)[];

export class Experts {
  /** Recent absolute errors by horizon and expert; 0 while unknown. */
  readonly #losses: readonly Float64Array[];

  constructor(horizons: number) {
    this.#losses = Array.from({ length: horizons }, () => new Float64Array(EXPERTS.length));
  }

  /** What came of a forecast for horizon number `i`. */
  judge(i: number, opinions: Opinions, actual: number): void {
    const losses = this.#losses[i]!;
    opinions.forEach((opinion, k) => {
      if (opinion === undefined) return;
      const loss = Math.abs(opinion - actual);
      // Who joins later is taken for no better than the others before it has shown to be.
      const first = k > USUAL ? Math.max(loss, Math.min(losses[0] || loss, losses[1] || loss)) : loss;
      losses[k] = losses[k] === 0 ? first : LOSS_KEPT * losses[k]! + (1 - LOSS_KEPT) * loss;
    });
  }

  /** Their mean; at least one has an opinion. Before any loss is known the regressions count alike, the usual load not at all. */
  blend(i: number, opinions: Opinions): number {
    const losses = this.#losses[i]!;
    const known = opinions.every((opinion, k) => k > USUAL || opinion === undefined || losses[k]! > 0);
    const smallest = Math.min(...losses.filter((loss) => loss > 0));
    let sum = 0;
    let total = 0;
    opinions.forEach((opinion, k) => {
      if (opinion === undefined) return;
      const judged = losses[k]! > 0 ? (smallest / losses[k]!) ** LOSS_POWER : 0;
      const weight = known ? judged : k < USUAL ? 1 : 0;
      sum += weight * opinion;
      total += weight;
    });
    return sum / total;
  }

  state(): readonly Float64Array[] {
    return this.#losses;
  }

  restore(losses: readonly Float64Array[]): void {
    this.#losses.forEach((own, i) => {
      own.set(losses[i]!);
    });
  }
}
