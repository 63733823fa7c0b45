/** Ridge regression: weighted least squares with a penalty on standardised coefficients; the intercept is free. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

export interface RidgeModel {
  readonly intercept: number;
  readonly weights: Float64Array;
}

/** Row after row of `width` features, with a target and a weight (above zero) each; `targets` has room for three more. */
export interface Examples {
  readonly width: number;
  readonly count: number;
  readonly features: Float64Array;
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

/** `penalty` is in units of standardised features. Throws RangeError on no examples. */
export function fitRidge(examples: Examples, penalty: number): RidgeModel {
  const standard = standardised(examples);
  return unscaled(solve(standard, examples, examples.weights, penalty), standard);
}

/**
 * A fit whose errors count by their size rather than its square, so that a day of broken telemetry or of switching does
 * not bend it: the weight of each example is divided by its residual, from `before`, the model of the day before, or from
 * a plain fit of one in `every` examples. `spread`: the mean absolute residual.
 */
export function fitRobust(
  examples: Examples,
  penalty: number,
  { before, every = 1 }: { readonly before?: RidgeModel | undefined; readonly every?: number } = {},
): { readonly model: RidgeModel; readonly spread: number } {
  const { count, weights } = examples;
  const standard = standardised(examples, every);
  const first = before
    ? errorsOf(before, examples)
    : residuals(solve(standard, examples, weights, penalty, every), standard, examples);
  const median = Float64Array.from(first).sort()[count >> 1] || 1;
  const again = weights.slice(0, count);
  for (let r = 0; r < count; r++) again[r]! /= Math.max(first[r]! / median, 0.5);
  const solved = solve(standard, examples, again, penalty);
  const last = residuals(solved, standard, examples);
  let sum = 0;
  let total = 0;
  for (let r = 0; r < count; r++) {
    sum += weights[r]! * last[r]!;
    total += weights[r]!;
  }
  return { model: unscaled(solved, standard), spread: sum / total };
}

export function predict(model: RidgeModel, features: Float64Array, from = 0): number {
  let sum = model.intercept;
  for (let i = 0; i < model.weights.length; i++) sum += model.weights[i]! * features[from + i]!;
  return sum;
}

function errorsOf(model: RidgeModel, { width, count, features, targets }: Examples): Float64Array {
  const found = new Float64Array(count);
  for (let r = 0; r < count; r++) found[r] = Math.abs(targets[r]! - predict(model, features, r * width));
  return found;
}

/** Rows of mean 0 and deviation 1, each with a constant 1 at its end for the intercept. */
interface Standard {
  readonly width: number;
  readonly rows: Float64Array;
  readonly means: Float64Array;
  readonly scales: Float64Array;
}

/** Reused by every fit: one runs at a time. */
let scratch = new Float64Array(0);
const FOUR = 4;

function standardised({ width, count, features, weights }: Examples, every = 1): Standard {
  if (count === 0) throw new RangeError('a ridge fit needs at least one example');
  const means = new Float64Array(width);
  const scales = new Float64Array(width);
  let total = 0;
  for (let r = 0; r < count; r++) {
    total += weights[r]!;
    for (let i = 0; i < width; i++) means[i]! += weights[r]! * features[r * width + i]!;
  }
  for (let i = 0; i < width; i++) means[i]! /= total;
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < width; i++) scales[i]! += weights[r]! * (features[r * width + i]! - means[i]!) ** 2;
  }
  // A column that never varies carries no information; any scale does.
  for (let i = 0; i < width; i++) scales[i] = Math.sqrt(scales[i]! / total) || 1;
  // Whole fours of rows; what lies beyond the last counts with weight 0 and must be numbers.
  const size = (count + (FOUR - 1) * every) * (width + 1);
  if (scratch.length < size) scratch = new Float64Array(size);
  let at = 0;
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < width; i++) scratch[at++] = (features[r * width + i]! - means[i]!) / scales[i]!;
    scratch[at++] = 1;
  }
  return { width: width + 1, rows: scratch, means, scales };
}

/** Coefficients of one in `every` standardised rows, the intercept last and free of the penalty. */
function solve(
  { width, rows }: Standard,
  { count, targets }: Examples,
  weights: Float64Array,
  penalty: number,
  every = 1,
): Float64Array {
  const { lower, moment } = normal(rows, width, { count, every, targets, weights });
  const gram = Matrix.zeros(width, width);
  let at = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      const value = lower[at++]! + (i === j && i < width - 1 ? penalty / every : 0);
      gram.set(i, j, value);
      gram.set(j, i, value);
    }
  }
  return Float64Array.from(new CholeskyDecomposition(gram).solve(Matrix.columnVector([...moment])).to1DArray());
}

interface Counted {
  readonly count: number;
  readonly every: number;
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

/**
 * Lower triangle, row after row, and right side of the normal equations: most of what a fit costs. Four examples and two
 * of its rows at a time, since memory is the cost: each value that is read counts eight times.
 */
function normal(rows: Float64Array, width: number, { count, every, targets, weights }: Counted) {
  const lower = new Float64Array((width * (width + 1)) / 2);
  const moment = new Float64Array(width);
  const apart = every * width;
  for (let r = 0; r < count; r += FOUR * every) {
    const a = r * width;
    const b = a + apart;
    const c = b + apart;
    const d = c + apart;
    const s = r + every;
    const t = s + every;
    const u = t + every;
    const wa = weights[r]!;
    const wb = s < count ? weights[s]! : 0;
    const wc = t < count ? weights[t]! : 0;
    const wd = u < count ? weights[u]! : 0;
    const ya = targets[r]!;
    const yb = s < count ? targets[s]! : 0;
    const yc = t < count ? targets[t]! : 0;
    const yd = u < count ? targets[u]! : 0;
    let i = 0;
    let at = 0;
    for (; i + 1 < width; i += 2) {
      const pa = wa * rows[a + i]!;
      const pb = wb * rows[b + i]!;
      const pc = wc * rows[c + i]!;
      const pd = wd * rows[d + i]!;
      const qa = wa * rows[a + i + 1]!;
      const qb = wb * rows[b + i + 1]!;
      const qc = wc * rows[c + i + 1]!;
      const qd = wd * rows[d + i + 1]!;
      moment[i]! += pa * ya + pb * yb + pc * yc + pd * yd;
      moment[i + 1]! += qa * ya + qb * yb + qc * yc + qd * yd;
      let below = at + i + 1;
      for (let j = 0; j <= i; j++) {
        const xa = rows[a + j]!;
        const xb = rows[b + j]!;
        const xc = rows[c + j]!;
        const xd = rows[d + j]!;
        lower[at++]! += pa * xa + pb * xb + pc * xc + pd * xd;
        lower[below++]! += qa * xa + qb * xb + qc * xc + qd * xd;
      }
      lower[below++]! += qa * rows[a + i + 1]! + qb * rows[b + i + 1]! + qc * rows[c + i + 1]! + qd * rows[d + i + 1]!;
      at = below;
    }
    for (; i < width; i++) {
      const pa = wa * rows[a + i]!;
      const pb = wb * rows[b + i]!;
      const pc = wc * rows[c + i]!;
      const pd = wd * rows[d + i]!;
      moment[i]! += pa * ya + pb * yb + pc * yc + pd * yd;
      for (let j = 0; j <= i; j++) {
        lower[at++]! += pa * rows[a + j]! + pb * rows[b + j]! + pc * rows[c + j]! + pd * rows[d + j]!;
      }
    }
  }
  return { lower, moment };
}

function residuals(solved: Float64Array, { width, rows }: Standard, { count, targets }: Examples): Float64Array {
  const found = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += solved[i]! * rows[r * width + i]!;
    found[r] = Math.abs(targets[r]! - sum);
  }
  return found;
}

function unscaled(solved: Float64Array, { means, scales }: Standard): RidgeModel {
  const weights = scales.map((scale, i) => solved[i]! / scale);
  const intercept = weights.reduce((sum, weight, i) => sum - weight * means[i]!, solved[means.length]!);
  return { intercept, weights };
}
