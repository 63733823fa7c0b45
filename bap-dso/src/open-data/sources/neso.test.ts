import { expect } from 'chai';
import { NESO_DATASTORE_GAP_MS } from '../limits.ts';
import { type Answer, json } from '../testing/portal.ts';
import * as replies from '../testing/replies.ts';
import { DEMAND, useSources } from './sources.fixture.ts';

describe('NESO', () => {
  const asking = useSources();

  const serving =
    (ids: { current: string }): Answer =>
    (_request, response, url) => {
      if (url.pathname === '/package_show') return json(response, 200, replies.packaged(ids.current));
      const asked = url.searchParams.get('resource_id') ?? url.searchParams.get('sql') ?? '';
      if (!asked.includes(ids.current)) return json(response, 404, replies.CKAN_NOT_FOUND);
      return json(response, 200, replies.datastore([replies.DEMAND]));
    };

  it('finds a resource by the slug of its package, once', async () => {
    asking.portal.answer = serving({ current: replies.RESOURCE_ID });
    for (let i = 0; i < 2; i++) expect((await asking.sources.neso.search(DEMAND, {}, 10)).rows).to.have.length(1);
    expect(asking.portal.asked).to.deep.equal([
      '/package_show?id=daily-demand-update',
      `/datastore_search?resource_id=${replies.RESOURCE_ID}&limit=10&offset=0`,
      `/datastore_search?resource_id=${replies.RESOURCE_ID}&limit=10&offset=0`,
    ]);
  });

  it('looks up an id that was rotated away, and gives up when it is the same', async () => {
    const ids = { current: replies.RESOURCE_ID };
    asking.portal.answer = serving(ids);
    await asking.sources.neso.search(DEMAND, {}, 10);
    ids.current = replies.ROTATED_ID;
    expect((await asking.sources.neso.sql(DEMAND, (table) => `SELECT * FROM ${table}`)).rows).to.have.length(1);
    expect(asking.portal.asked.at(-1)).to.equal(`/datastore_search_sql?sql=SELECT * FROM "${replies.ROTATED_ID}"`);
    const gone: Answer = (_request, response, url) =>
      url.pathname === '/package_show'
        ? json(response, 200, replies.packaged(replies.ROTATED_ID))
        : json(response, 404, replies.CKAN_NOT_FOUND);
    const error = await asking.failure(gone, () => asking.sources.neso.search(DEMAND, {}, 10) as never);
    expect([error.kind, error.message]).to.deep.equal([
      'not-found',
      'NESO data portal answered 404: Not Found Error: Not found: Resource was not found.',
    ]);
  });

  it('says what the package holds when it is not the resource', async () => {
    const renamed = replies.packaged(replies.RESOURCE_ID, 'Something else');
    renamed.result.resources[1]!.datastore_active = true;
    const error = await asking.failure(
      (_request, response) => json(response, 200, renamed),
      () => asking.sources.neso.search(DEMAND, {}, 10) as never,
    );
    expect(error.kind).to.equal('not-found');
    expect(error.message).to.include('no single resource "Demand Data Update"').and.include('Something else, Notes');
  });

  it('pages by the total, two requests a minute', async () => {
    const all = Array.from({ length: 11_000 }, (_, i) => ({ _id: i }));
    const startedMs: number[] = [];
    asking.portal.answer = (_request, response, url) => {
      if (url.pathname === '/package_show') return json(response, 200, replies.packaged(replies.RESOURCE_ID));
      startedMs.push(asking.wall.nowMs());
      const [offset, limit] = ['offset', 'limit'].map((name) => Number(url.searchParams.get(name)));
      json(response, 200, replies.datastore(all.slice(offset, offset! + limit!), all.length));
    };
    expect((await asking.sources.neso.search(DEMAND, {}, 20_000)).rows).to.have.length(11_000);
    expect(asking.portal.asked).to.have.length(4);
    const gaps = startedMs.slice(1).map((ms, i) => ms - startedMs[i]!);
    expect(gaps).to.deep.equal([NESO_DATASTORE_GAP_MS, NESO_DATASTORE_GAP_MS]);
  });

  it('success false is an error, and so is a query that CKAN refuses', async () => {
    const refused = {
      success: false,
      error: { query: ['(ProgrammingError) no such column'], __type: 'Validation Error' },
    };
    const error = await asking.failure(
      (_request, response, url) =>
        url.pathname === '/package_show'
          ? json(response, 200, replies.packaged(replies.RESOURCE_ID))
          : json(response, 409, refused),
      () => asking.sources.neso.sql(DEMAND, () => 'x') as never,
    );
    expect([error.kind, error.message]).to.deep.equal([
      'bad-query',
      'NESO data portal answered 409: (ProgrammingError) no such column: Validation Error',
    ]);
    const untrue = await asking.failure(
      (_request, response) => json(response, 200, refused),
      () => asking.sources.neso.search({ ...DEMAND, slug: 'other' }, {}, 1) as never,
    );
    expect(untrue.kind).to.equal('shape');
  });
});
