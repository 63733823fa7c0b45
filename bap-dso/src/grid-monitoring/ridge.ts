/** Ridge regression: least squares with a penalty on standardised coefficients; the intercept is free. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

export interface RidgeModel {
  readonly intercept: number;
  readonly weights: readonly number[];
}

export interface Example {
  readonly features: readonly number[];
  readonly target: number;
}

/** `penalty` is in units of standardised features. Throws RangeError on no examples. */
export function fitRidge(examples: readonly Example[], penalty: number): RidgeModel {
  const width = examples[0]?.features.length;
  if (width === undefined) throw new RangeError('a ridge fit needs at least one example');
  const { means, scales, targetMean } = moments(examples, width);
  const gram = new Float64Array(width * width);
  const moment = new Float64Array(width);
  const row = new Float64Array(width);
  for (const { features, target } of examples) {
    for (let i = 0; i < width; i++) row[i] = (features[i]! - means[i]!) / scales[i]!;
    for (let i = 0; i < width; i++) {
      moment[i]! += row[i]! * (target - targetMean);
      for (let j = 0; j <= i; j++) gram[i * width + j]! += row[i]! * row[j]!;
    }
  }
  const solved = solve(gram, moment, width, penalty);
  const weights = solved.map((weight, i) => weight / scales[i]!);
  const intercept = targetMean - weights.reduce((sum, weight, i) => sum + weight * means[i]!, 0);
  return { intercept, weights };
}

export function predict(model: RidgeModel, features: readonly number[]): number {
  let sum = model.intercept;
  for (let i = 0; i < features.length; i++) sum += model.weights[i]! * features[i]!;
  return sum;
}

/** `lower` holds the lower triangle, row after row. */
function solve(lower: Float64Array, moment: Float64Array, width: number, penalty: number): number[] {
  const gram = Matrix.zeros(width, width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      const value = lower[i * width + j]! + (i === j ? penalty : 0);
      gram.set(i, j, value);
      gram.set(j, i, value);
    }
  }
  return new CholeskyDecomposition(gram).solve(Matrix.columnVector([...moment])).to1DArray();
}

function moments(examples: readonly Example[], width: number) {
  const means = new Array<number>(width).fill(0);
  const scales = new Array<number>(width).fill(0);
  let targetMean = 0;
  for (const { features, target } of examples) {
    targetMean += target / examples.length;
    for (let i = 0; i < width; i++) means[i]! += features[i]! / examples.length;
  }
  for (const { features } of examples) {
    for (let i = 0; i < width; i++) scales[i]! += (features[i]! - means[i]!) ** 2 / examples.length;
  }
  // A column that never varies carries no information; any scale does.
  return { means, scales: scales.map((variance) => Math.sqrt(variance) || 1), targetMean };
}
