import { expect } from 'chai';
import { json } from '../testing/portal.ts';
import { useSources } from './sources.fixture.ts';

describe('Elexon and carbon intensity', () => {
  const asking = useSources();

  it('are asked in UTC, and their words of refusal are passed on', async () => {
    asking.portal.answer = (_request, response) => json(response, 200, { data: [] });
    await asking.sources.elexon.marketIndex(Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-21T00:00:00Z'));
    await asking.sources.carbon.intensity(Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-21T00:00:00Z'));
    expect(asking.portal.asked).to.deep.equal([
      '/balancing/pricing/market-index?from=2026-11-20T00:00Z&to=2026-11-20T23:59Z&format=json',
      '/intensity/2026-11-20T00:00Z/2026-11-21T00:00Z',
    ]);
    const elexon = await asking.failure(
      (_request, response) => json(response, 400, { title: 'One or more validation errors occurred.', status: 400 }),
      () => asking.sources.elexon.systemPrices('2026-13-01') as never,
    );
    expect(elexon.message).to.equal('Elexon Insights answered 400: One or more validation errors occurred.');
    const carbon = await asking.failure(
      (_request, response) => json(response, 400, { error: { code: '400 Bad Request', message: 'bad from' } }),
      () => asking.sources.carbon.intensity(0, 1) as never,
    );
    expect([carbon.kind, carbon.message]).to.deep.equal(['bad-query', 'Carbon Intensity API answered 400: bad from']);
  });
});
