import { seededRandom } from '@flexder/runtime/random.ts';
import { expect } from 'chai';
import { type Examples, fitRidge, fitRobust, predict } from './ridge.ts';

function examplesOf(count: number, targetOf: (x: number[], n: number) => number, weightOf = () => 1): Examples {
  const random = seededRandom(1);
  const features = new Float64Array(count * 3);
  const targets = new Float64Array(count + 3);
  const weights = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    const row = [random.normal(5, 2), random.normal(-3, 10), 7];
    features.set(row, n * 3);
    targets[n] = targetOf(row, n);
    weights[n] = weightOf();
  }
  return { width: 3, count, features, targets, weights };
}

const linear = (x: number[]) => 12 + 3 * x[0]! - 0.5 * x[1]!;
const at = (...x: number[]) => Float64Array.from(x);

describe('ridge regression', () => {
  for (const count of [397, 398, 399, 400]) {
    it(`finds coefficients and intercept of ${count} examples, a column that never varies among them`, () => {
      const model = fitRidge(examplesOf(count, linear), 1e-6);
      expect(predict(model, at(1, 1, 7))).to.be.closeTo(14.5, 1e-4);
    });
  }

  it('shrinks what it is not sure of, and leaves the mean alone', () => {
    const examples = examplesOf(400, linear);
    const model = fitRidge(examples, 1e9);
    expect(Math.max(...model.weights.map(Math.abs))).to.be.below(1e-3);
    const mean = examples.targets.slice(0, 400).reduce((sum, target) => sum + target / 400, 0);
    expect(predict(model, at(5, -3, 7))).to.be.closeTo(mean, 1e-3);
  });

  it('bends less to a twentieth of broken readings when it is robust', () => {
    const broken = examplesOf(400, (x, n) => linear(x) + (n % 20 === 0 ? 500 : 0));
    const plainError = Math.abs(predict(fitRidge(broken, 1e-6), at(1, 1, 7)) - 14.5);
    const { model, spread } = fitRobust(broken, 1e-6);
    const again = fitRobust(broken, 1e-6, { before: model }).model;
    expect(plainError).to.be.above(10);
    expect(Math.abs(predict(model, at(1, 1, 7)) - 14.5)).to.be.below(plainError / 3);
    expect(Math.abs(predict(again, at(1, 1, 7)) - 14.5)).to.be.below(plainError / 10);
    expect(spread).to.be.within(20, 30);
  });

  it('bends as little when it starts from a part of the examples', () => {
    const broken = examplesOf(400, (x, n) => linear(x) + (n % 20 === 0 ? 500 : 0));
    const plainError = Math.abs(predict(fitRidge(broken, 1e-6), at(1, 1, 7)) - 14.5);
    const { model } = fitRobust(broken, 1e-6, { every: 3 });
    expect(plainError).to.be.above(10);
    expect(Math.abs(predict(model, at(1, 1, 7)) - 14.5)).to.be.below(plainError / 3);
  });

  it('needs an example', () => {
    expect(() => fitRidge(examplesOf(0, linear), 1)).to.throw(RangeError, 'at least one example');
  });
});
