import { expect } from 'chai';
import { aggregatorViews } from './aggregators.ts';
import type { OperatorApiDeps } from './deps.ts';

const viewsOf = (away: string[], subscribers: () => Promise<object[]>) =>
  aggregatorViews({ participant: { awayCounterparties: () => away, subscribers } } as unknown as OperatorApiDeps);

describe('aggregators of the DSO', () => {
  it('are those that the registry names, each with whether it answers', async () => {
    const views = await viewsOf(['b', 'registry'], async () => [{ subscriberId: 'a' }, { subscriberId: 'b' }]);
    expect(views.aggregators).to.deep.equal([
      { bppId: 'a', away: false },
      { bppId: 'b', away: true },
    ]);
    expect(views.registryAnswers).to.equal(true);
  });

  it('are known only as far as they are away when the registry does not say', async () => {
    const views = await viewsOf(['b'], () => Promise.reject(new Error('away')));
    expect(views).to.deep.equal({ aggregators: [{ bppId: 'b', away: true }], registryAnswers: false });
  });
});
