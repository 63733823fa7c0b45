import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { planBlows } from './plan.ts';
import { runChaos } from './run.ts';

const OPTIONS = { seed: 3, seconds: 20, orders: 30, engines: false };

describe('chaos', function () {
  this.timeout(400_000);

  it('is the same for the same seed, and another for another', () => {
    const services = ['registry', 'bap', 'bpp-1', 'bpp-2', 'broker'];
    const plan = planBlows(OPTIONS, services);
    expect(plan).to.deep.equal(planBlows(OPTIONS, services));
    expect(plan).to.not.deep.equal(planBlows({ ...OPTIONS, seed: 4 }, services));
    expect(new Set(plan.map(({ kind }) => kind)).size).to.equal(2);
  });

  it('leaves a trading network whole', async function () {
    thorough.call(this);
    const verdict = await runChaos(OPTIONS);
    expect(verdict.violations, verdict.repeat).to.deep.equal([]);
    expect(verdict.orders.placed).to.equal(OPTIONS.orders);
    expect(verdict.orders.confirmed ?? 0).to.be.above(0);
    expect(Object.keys(verdict.blows)).to.not.deep.equal([]);
  });
});
