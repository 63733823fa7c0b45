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
 * not bend it: the weight of each example is divided by its residual, from a plain fit or from `before`, the model of
 * the day before. `spread`: the mean absolute residual.
 */
export function fitRobust(
  examples: Examples,
  penalty: number,
  before?: RidgeModel,
): { readonly model: RidgeModel; readonly spread: number } {
  const { count, weights } = examples;
  const standard = standardised(examples);
  const first = before
    ? errorsOf(before, examples)
    : residuals(solve(standard, examples, weights, penalty), standard, examples);
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

function standardised({ width, count, features, weights }: Examples): Standard {
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
  const size = (count + FOUR - 1) * (width + 1);
  if (scratch.length < size) scratch = new Float64Array(size);
  let at = 0;
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < width; i++) scratch[at++] = (features[r * width + i]! - means[i]!) / scales[i]!;
    scratch[at++] = 1;
  }
  return { width: width + 1, rows: scratch, means, scales };
}

/** Coefficients of the standardised rows, the intercept last and free of the penalty. */
function solve(
  { width, rows }: Standard,
  { count, targets }: Examples,
  weights: Float64Array,
  penalty: number,
): Float64Array {
  const { lower, moment } = normal(rows, width, count, targets, weights);
  const gram = Matrix.zeros(width, width);
  let at = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      const value = lower[at++]! + (i === j && i < width - 1 ? penalty : 0);
      gram.set(i, j, value);
      gram.set(j, i, value);
    }
  }
  return Float64Array.from(new CholeskyDecomposition(gram).solve(Matrix.columnVector([...moment])).to1DArray());
}

/** Lower triangle, row after row, and right side of the normal equations; four rows at a time, since memory is the cost. */
function normal(rows: Float64Array, width: number, count: number, targets: Float64Array, weights: Float64Array) {
  const lower = new Float64Array((width * (width + 1)) / 2);
  const moment = new Float64Array(width);
  for (let r = 0; r < count; r += 4) {
    const a = r * width;
    const b = a + width;
    const c = b + width;
    const d = c + width;
    const has = count - r;
    const wa = weights[r]!;
    const wb = has > 1 ? weights[r + 1]! : 0;
    const wc = has > 2 ? weights[r + 2]! : 0;
    const wd = has > 3 ? weights[r + 3]! : 0;
    let at = 0;
    for (let i = 0; i < width; i++) {
      const pa = wa * rows[a + i]!;
      const pb = wb * rows[b + i]!;
      const pc = wc * rows[c + i]!;
      const pd = wd * rows[d + i]!;
      moment[i]! += pa * targets[r]! + pb * targets[r + 1]! + pc * targets[r + 2]! + pd * targets[r + 3]!;
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
