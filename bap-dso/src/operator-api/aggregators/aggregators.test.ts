import { expect } from 'chai';
import { type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { aggregatorViews } from './aggregators.ts';
import { scoreViews } from './scores.ts';

const viewsOf = (away: string[], subscribers: () => Promise<object[]>) =>
  aggregatorViews({ participant: { awayCounterparties: () => away, subscribers } } as unknown as OperatorApiDeps);

describe('aggregators of the DSO', () => {
  let dso: Opened;
  before(async () => {
    dso = await opened();
  });
  after(() => dso.close());

  it('are those that the registry names, each with whether it answers', async () => {
    const views = await viewsOf(['b', 'registry'], async () => [{ subscriberId: 'a' }, { subscriberId: 'b' }]);
    expect(views.aggregators).to.deep.equal([
      { bppId: 'a', away: false },
      { bppId: 'b', away: true },
    ]);
    expect(views.registryAnswers).to.equal(true);
  });

  it('are scored by the orders of thirty days, what is older left out', async () => {
    const window = { startMs: 0, endMs: 1_800_000 };
    const selection = JSON.stringify({ window }) as never;
    const done = (obpId: string, deliveredKwh: number, ms: number) =>
      seedOrder(dso.db, { obpId, state: 'COMPLETED' }).then(() =>
        dso.db
          .updateTable('flex_order')
          .set({ committed_kw: 10, selection, performance: JSON.stringify({ deliveredKwh }) as never })
          .set({ dispatch: JSON.stringify({ commands: 4, accepted: 3 }) as never, detection_to_ack_ms: ms, rating: 4 })
          .where('obp_id', '=', obpId)
          .execute(),
      );
    await done('obp-1', 5, 100);
    await done('obp-2', 2.5, 300);
    await seedOrder(dso.db, { obpId: 'obp-3', state: 'DECLINED' });
    const never = { dispatch: null, detection_to_ack_ms: null };
    await dso.db.updateTable('flex_order').set(never).where('obp_id', '=', 'obp-3').execute();
    const [{ latest }] = (await dso.db
      .selectFrom('flex_order')
      .select((of) => of.fn.max('created_wall_at').as('latest'))
      .execute()) as [{ latest: Date }];
    const [score] = await scoreViews(dso.db as never, latest.getTime());
    expect(score).to.include({ orders: 3, completed: 2, failed: 1, cancelled: 0, deliveredShare: 0.75 });
    expect(score).to.include({ acceptedShare: 0.75, ackMedianMs: 200, rating: 4 });
    expect(await scoreViews(dso.db as never, latest.getTime() + 31 * 86_400_000)).to.deep.equal([]);
  });

  it('are known only as far as they are away when the registry does not say', async () => {
    const views = await viewsOf(['b'], () => Promise.reject(new Error('away')));
    expect(views).to.deep.equal({ aggregators: [{ bppId: 'b', away: true }], registryAnswers: false });
  });
});
