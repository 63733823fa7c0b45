import { expect } from 'chai';
import { constraintReadings, liveFaults } from '../datasets/ukpn.ts';
import { json, raw } from '../testing/portal.ts';
import * as replies from '../testing/replies.ts';
import { useSources } from './sources.fixture.ts';
import { odsqlText } from './ukpn.ts';

describe('UK Power Networks', () => {
  const asking = useSources();

  it('pages to the end, with the key in its header and nowhere else', async () => {
    const all = Array.from({ length: 250 }, (_, i) => ({ ...replies.FAULT, incidentreference: `INCD-${i}` }));
    asking.portal.answer = (_request, response, url) => {
      const [offset, limit] = ['offset', 'limit'].map((name) => Number(url.searchParams.get(name)));
      json(response, 200, { total_count: all.length, results: all.slice(offset, offset! + limit!) });
    };
    const { rows, total } = await asking.sources.ukpn.records(liveFaults.id, { orderBy: 'statusid' }, 1_000);
    expect([rows.length, total, asking.portal.asked.length]).to.deep.equal([250, 250, 3]);
    expect(asking.portal.asked[1]).to.equal(
      '/catalog/datasets/ukpn-live-faults/records?order_by=statusid&limit=100&offset=100',
    );
    expect(asking.portal.headers[0]!.authorization).to.equal('Apikey k-1');
    expect(asking.portal.asked.join()).to.not.include('k-1');
  });

  it('asks for no page past what is wanted, and never reaches row 10,000', async () => {
    asking.portal.answer = (_request, response, url) =>
      json(response, 200, { total_count: 1e6, results: Array(Number(url.searchParams.get('limit'))).fill({}) });
    expect((await asking.sources.ukpn.records('x', {}, 150)).rows).to.have.length(150);
    expect(asking.portal.asked[1]).to.match(/limit=50&offset=100$/);
    expect((await asking.sources.ukpn.records('x', {}, 9_999)).rows).to.have.length(9_999);
    expect(asking.portal.asked.at(-1)).to.match(/limit=99&offset=9900$/);
    const error = await asking.failure(asking.portal.answer, () => asking.sources.ukpn.records('x', {}, 10_000));
    expect([error.kind, error.message]).to.deep.equal([
      'bad-query',
      'paging ends before row 10000: use an export for x',
    ]);
  });

  it('an empty page ends it, whatever the total says', async () => {
    asking.portal.answer = (_request, response) => json(response, 200, { total_count: 7, results: [] });
    expect((await asking.sources.ukpn.records('x', {}, 100)).rows).to.deep.equal([]);
  });

  it('requests start a second apart', async () => {
    asking.portal.answer = (_request, response) => json(response, 200, []);
    for (let i = 0; i < 3; i++) await asking.sources.ukpn.export('x', {});
    expect(asking.wall.slept).to.deep.equal([1_000, 1_000]);
  });

  it('reads NaN as missing, and leaves the word in a text alone', async () => {
    const body = JSON.stringify({ total_count: 1, results: [{ ...replies.CONSTRAINT, der_name: 'NaN "x\\' }] });
    asking.portal.answer = (_request, response) =>
      raw(response, 200, body.replace('412.5', 'NaN').replace('103.1', '-Infinity'));
    const { rows } = await constraintReadings.latest(asking.sources, asking.wall.nowMs());
    expect(rows[0]).to.deep.include({ present_amps_value: null, utilisation_percentage: null, der_name: 'NaN "x\\' });
    expect(asking.portal.asked[0]).to.include(`where=timestamp >= date'2026-11-20T11:10:00Z'`);
  });

  it('takes additional members, and no row without what it needs', async () => {
    const results = [replies.FAULT, { ...replies.FAULT, brand_new: 1 }];
    asking.portal.answer = (_request, response) => json(response, 200, { total_count: 2, results });
    const { rows } = await liveFaults.latest(asking.sources, 0);
    expect(rows).to.have.length(2);
    expect(rows[1]).to.not.have.property('brand_new');
    const wrong = [replies.FAULT, { ...replies.FAULT, nocustomeraffected: 'many' }];
    const error = await asking.failure(
      (_request, response) => json(response, 200, { total_count: 2, results: wrong }),
      () => liveFaults.latest(asking.sources, 0) as never,
    );
    expect(error.kind).to.equal('shape');
    expect(error.message).to.match(/^ukpn-live-faults, row 2 is not as expected, nocustomeraffected: /);
  });

  it('a text cannot leave its quotes', () => {
    expect(odsqlText(`a' or '1'='1`)).to.equal(`'a\\' or \\'1\\'=\\'1'`);
    expect(odsqlText('a\\')).to.equal(`'a\\\\'`);
  });
});
