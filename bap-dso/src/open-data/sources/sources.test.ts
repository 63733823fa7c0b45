import { expect } from 'chai';
import { DEFAULT_BASE_URLS } from '../config.ts';
import { constraintReadings, liveFaults } from '../datasets/ukpn.ts';
import { OpenDataError } from '../errors.ts';
import { NESO_DATASTORE_GAP_MS } from '../limits.ts';
import { type Answer, json, openPortal, type Portal, raw, type VirtualWall, virtualWall } from '../testing/portal.ts';
import * as replies from '../testing/replies.ts';
import { openSources, type Sources } from './open.ts';
import { odsqlText } from './ukpn.ts';

const DEMAND = { slug: 'daily-demand-update', name: 'Demand Data Update' };

describe('open data sources', () => {
  let portal: Portal;
  let wall: VirtualWall;
  let sources: Sources;
  before(async () => {
    portal = await openPortal();
  });
  after(() => portal.close());
  beforeEach(() => {
    portal.asked.length = 0;
    portal.headers.length = 0;
    wall = virtualWall();
    sources = openSources({ http: portal.http, wall }, { baseUrls: everywhere(portal.url), ukpnKey: 'k-1' });
  });
  const everywhere = (url: string) => ({ ukpn: url, neso: url, elexon: url, carbon: url });
  const failure = async (answer: Answer, ask = () => sources.ukpn.records(liveFaults.id, {}, 10)) => {
    portal.answer = answer;
    const error: unknown = await ask().then(
      () => new Error('it was taken'),
      (reason: unknown) => reason,
    );
    expect(error, String(error)).to.be.instanceOf(OpenDataError);
    return error as OpenDataError;
  };

  describe('UK Power Networks', () => {
    it('pages to the end, with the key in its header and nowhere else', async () => {
      const all = Array.from({ length: 250 }, (_, i) => ({ ...replies.FAULT, incidentreference: `INCD-${i}` }));
      portal.answer = (_request, response, url) => {
        const [offset, limit] = ['offset', 'limit'].map((name) => Number(url.searchParams.get(name)));
        json(response, 200, { total_count: all.length, results: all.slice(offset, offset! + limit!) });
      };
      const { rows, total } = await sources.ukpn.records(liveFaults.id, { orderBy: 'statusid' }, 1_000);
      expect([rows.length, total, portal.asked.length]).to.deep.equal([250, 250, 3]);
      expect(portal.asked[1]).to.equal(
        '/catalog/datasets/ukpn-live-faults/records?order_by=statusid&limit=100&offset=100',
      );
      expect(portal.headers[0]!.authorization).to.equal('Apikey k-1');
      expect(portal.asked.join()).to.not.include('k-1');
    });

    it('asks for no page past what is wanted, and never reaches row 10,000', async () => {
      portal.answer = (_request, response, url) =>
        json(response, 200, { total_count: 1e6, results: Array(Number(url.searchParams.get('limit'))).fill({}) });
      expect((await sources.ukpn.records('x', {}, 150)).rows).to.have.length(150);
      expect(portal.asked[1]).to.match(/limit=50&offset=100$/);
      expect((await sources.ukpn.records('x', {}, 9_999)).rows).to.have.length(9_999);
      expect(portal.asked.at(-1)).to.match(/limit=99&offset=9900$/);
      const error = await failure(portal.answer, () => sources.ukpn.records('x', {}, 10_000));
      expect([error.kind, error.message]).to.deep.equal([
        'bad-query',
        'paging ends before row 10000: use an export for x',
      ]);
    });

    it('an empty page ends it, whatever the total says', async () => {
      portal.answer = (_request, response) => json(response, 200, { total_count: 7, results: [] });
      expect((await sources.ukpn.records('x', {}, 100)).rows).to.deep.equal([]);
    });

    it('requests start a second apart', async () => {
      portal.answer = (_request, response) => json(response, 200, []);
      for (let i = 0; i < 3; i++) await sources.ukpn.export('x', {});
      expect(wall.slept).to.deep.equal([1_000, 1_000]);
    });

    it('reads NaN as missing, and leaves the word in a text alone', async () => {
      const body = JSON.stringify({ total_count: 1, results: [{ ...replies.CONSTRAINT, der_name: 'NaN "x\\' }] });
      portal.answer = (_request, response) =>
        raw(response, 200, body.replace('412.5', 'NaN').replace('103.1', '-Infinity'));
      const { rows } = await constraintReadings.latest(sources, wall.nowMs());
      expect(rows[0]).to.deep.include({ present_amps_value: null, utilisation_percentage: null, der_name: 'NaN "x\\' });
      expect(portal.asked[0]).to.include(`where=timestamp >= date'2026-11-20T11:10:00Z'`);
    });

    it('takes additional members, and no row without what it needs', async () => {
      const results = [replies.FAULT, { ...replies.FAULT, brand_new: 1 }];
      portal.answer = (_request, response) => json(response, 200, { total_count: 2, results });
      const { rows } = await liveFaults.latest(sources, 0);
      expect(rows).to.have.length(2);
      expect(rows[1]).to.not.have.property('brand_new');
      const wrong = [replies.FAULT, { ...replies.FAULT, nocustomeraffected: 'many' }];
      const error = await failure(
        (_request, response) => json(response, 200, { total_count: 2, results: wrong }),
        () => liveFaults.latest(sources, 0) as never,
      );
      expect(error.kind).to.equal('shape');
      expect(error.message).to.match(/^ukpn-live-faults, row 2 is not as expected, nocustomeraffected: /);
    });

    it('a text cannot leave its quotes', () => {
      expect(odsqlText(`a' or '1'='1`)).to.equal(`'a\\' or \\'1\\'=\\'1'`);
      expect(odsqlText('a\\')).to.equal(`'a\\\\'`);
    });
  });

  describe('what goes wrong', () => {
    it('429 says until when, and the next request waits for it', async () => {
      const error = await failure((_request, response) => json(response, 429, replies.QUOTA));
      expect(error.kind).to.equal('rate-limited');
      expect(error.retryAtMs).to.equal(Date.parse(replies.QUOTA.reset_time));
      expect(error.message).to.include('2026-11-20T12:11:00.000Z').and.include('exceeded the requests limit');
      portal.answer = (_request, response) => json(response, 200, []);
      await sources.ukpn.export('x', {});
      expect(wall.nowMs()).to.equal(error.retryAtMs);
    });

    it('429 until tomorrow is not waited for, nor asked again', async () => {
      const quota = { ...replies.QUOTA, reset_time: '2026-11-21T00:00:00Z' };
      await failure((_request, response) => json(response, 429, quota));
      const again = await failure((_request, response) => json(response, 200, []));
      expect([again.kind, again.retryAtMs]).to.deep.equal(['rate-limited', Date.parse(quota.reset_time)]);
      expect(portal.asked).to.have.length(1);
    });

    it('429 until next century is a day', async () => {
      const quota = { ...replies.QUOTA, reset_time: '2126-01-01T00:00:00Z' };
      const error = await failure((_request, response) => json(response, 429, quota));
      expect(error.retryAtMs).to.equal(wall.nowMs() + 24 * 3_600_000);
    });

    it('429 with Retry-After, and with nothing at all', async () => {
      const first = await failure((_request, response) => void response.writeHead(429, { 'retry-after': '20' }).end());
      expect(first.retryAtMs).to.equal(wall.nowMs() + 20_000);
      const unsaid = await failure((_request, response) => void response.writeHead(429).end());
      expect(unsaid.retryAtMs).to.equal(wall.nowMs() + 60_000);
    });

    const cases: readonly [string, Answer, string, RegExp][] = [
      [
        '403',
        (_q, response) => json(response, 403, { error_code: 'ForbiddenAccess', message: 'Unauthorized' }),
        'forbidden',
        /403: ForbiddenAccess: Unauthorized \(set the key/,
      ],
      [
        '404',
        (_q, response) => json(response, 404, { error_code: 'NotFoundResource', message: 'no such data set' }),
        'not-found',
        /404: NotFoundResource/,
      ],
      [
        'ODSQLError',
        (_q, response) => json(response, 400, { error_code: 'ODSQLError', message: 'ODSQL query is malformed' }),
        'bad-query',
        /400: ODSQLError: ODSQL query is malformed/,
      ],
      ['500 in HTML', (_q, response) => raw(response, 500, '<h1>no</h1>', 'text/html'), 'unavailable', /answered 500$/],
      [
        'truncated JSON',
        (_q, response) => raw(response, 200, '{"total_count":1,"results":["NaN'),
        'unreadable',
        /not JSON/,
      ],
      ['truncated JSON with NaN', (_q, response) => raw(response, 200, '{"a":NaN,'), 'unreadable', /not JSON/],
      [
        'HTML with 200',
        (_q, response) => raw(response, 200, '<p>hi</p>', 'text/html'),
        'unreadable',
        /text\/html, not JSON/,
      ],
      ['no content type', (_q, response) => void response.end('{}'), 'unreadable', /no content type/],
      [
        'not UTF-8',
        (_q, response) =>
          void response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x22, 0xff, 0x22])),
        'unreadable',
        /not UTF-8/,
      ],
      ['another shape', (_q, response) => json(response, 200, { rows: [] }), 'shape', /total_count/],
      [
        'a redirect',
        (_q, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
        'address',
        /redirects are not followed/,
      ],
      [
        'an endless body',
        (_q, response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          const more = () => {
            while (response.writable && response.write('x'.repeat(65_536)));
          };
          response.on('drain', more);
          more();
        },
        'too-large',
        /more than \d+ bytes/,
      ],
      ['a connection cut', (request) => void request.socket.destroy(), 'unavailable', /cannot be read/],
    ];
    for (const [what, answer, kind, text] of cases) {
      it(`${what}: ${kind}`, async () => {
        const error = await failure(answer);
        expect(error.kind).to.equal(kind);
        expect(error.message).to.match(text).and.not.include('k-1');
        expect(portal.asked).to.have.length(1);
      });
    }

    it('a body that drips slowly is given up', async () => {
      const hurried = {
        ...portal.http,
        request: (url: string, options: Parameters<typeof portal.http.request>[1]) =>
          portal.http.request(url, { ...options, timeoutMs: options.timeoutMs / 300 }),
      };
      sources = openSources({ http: hurried, wall }, { baseUrls: everywhere(portal.url), ukpnKey: undefined });
      const error = await failure((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 5);
        response.on('close', () => clearInterval(drip));
      });
      expect(error.kind).to.equal('timeout');
    });

    it('nobody there is offline, without the key in the text', async () => {
      const nowhere = openSources(
        { http: portal.http, wall },
        { baseUrls: everywhere('http://127.0.0.1:1'), ukpnKey: 'k-1' },
      );
      const error = await failure(
        () => {},
        () => nowhere.ukpn.export('x', {}) as never,
      );
      expect(error.kind).to.equal('offline');
      expect(error.message).to.not.include('k-1');
    });

    it('the real addresses go to public hosts over https alone', async () => {
      const urls: [string, string][] = [];
      const http = {
        ...portal.http,
        request: async (url: string, options: { allow: { profile: string } }) => {
          urls.push([new URL(url).origin, options.allow.profile]);
          return { status: 503, headers: {}, body: new Uint8Array() };
        },
      };
      const real = openSources({ http: http as never, wall }, { baseUrls: DEFAULT_BASE_URLS, ukpnKey: undefined });
      await real.ukpn.export('x', {}).catch(() => {});
      await real.neso.search(DEMAND, {}, 1).catch(() => {});
      await real.elexon.systemPrices('2026-11-20').catch(() => {});
      await real.carbon.intensity(0, 1).catch(() => {});
      expect(urls).to.deep.equal([
        ['https://ukpowernetworks.opendatasoft.com', 'strict'],
        ['https://api.neso.energy', 'strict'],
        ['https://data.elexon.co.uk', 'strict'],
        ['https://api.carbonintensity.org.uk', 'strict'],
      ]);
    });
  });

  describe('NESO', () => {
    const serving =
      (ids: { current: string }): Answer =>
      (_request, response, url) => {
        if (url.pathname === '/package_show') return json(response, 200, replies.packaged(ids.current));
        const asked = url.searchParams.get('resource_id') ?? url.searchParams.get('sql') ?? '';
        if (!asked.includes(ids.current)) return json(response, 404, replies.CKAN_NOT_FOUND);
        return json(response, 200, replies.datastore([replies.DEMAND]));
      };

    it('finds a resource by the slug of its package, once', async () => {
      portal.answer = serving({ current: replies.RESOURCE_ID });
      for (let i = 0; i < 2; i++) expect((await sources.neso.search(DEMAND, {}, 10)).rows).to.have.length(1);
      expect(portal.asked).to.deep.equal([
        '/package_show?id=daily-demand-update',
        `/datastore_search?resource_id=${replies.RESOURCE_ID}&limit=10&offset=0`,
        `/datastore_search?resource_id=${replies.RESOURCE_ID}&limit=10&offset=0`,
      ]);
    });

    it('looks up an id that was rotated away, and gives up when it is the same', async () => {
      const ids = { current: replies.RESOURCE_ID };
      portal.answer = serving(ids);
      await sources.neso.search(DEMAND, {}, 10);
      ids.current = replies.ROTATED_ID;
      expect((await sources.neso.sql(DEMAND, (table) => `SELECT * FROM ${table}`)).rows).to.have.length(1);
      expect(portal.asked.at(-1)).to.equal(`/datastore_search_sql?sql=SELECT * FROM "${replies.ROTATED_ID}"`);
      const gone: Answer = (_request, response, url) =>
        url.pathname === '/package_show'
          ? json(response, 200, replies.packaged(replies.ROTATED_ID))
          : json(response, 404, replies.CKAN_NOT_FOUND);
      const error = await failure(gone, () => sources.neso.search(DEMAND, {}, 10) as never);
      expect([error.kind, error.message]).to.deep.equal([
        'not-found',
        'NESO data portal answered 404: Not Found Error: Not found: Resource was not found.',
      ]);
    });

    it('says what the package holds when it is not the resource', async () => {
      const renamed = replies.packaged(replies.RESOURCE_ID, 'Something else');
      renamed.result.resources[1]!.datastore_active = true;
      const error = await failure(
        (_request, response) => json(response, 200, renamed),
        () => sources.neso.search(DEMAND, {}, 10) as never,
      );
      expect(error.kind).to.equal('not-found');
      expect(error.message).to.include('no single resource "Demand Data Update"').and.include('Something else, Notes');
    });

    it('pages by the total, two requests a minute', async () => {
      const all = Array.from({ length: 11_000 }, (_, i) => ({ _id: i }));
      const startedMs: number[] = [];
      portal.answer = (_request, response, url) => {
        if (url.pathname === '/package_show') return json(response, 200, replies.packaged(replies.RESOURCE_ID));
        startedMs.push(wall.nowMs());
        const [offset, limit] = ['offset', 'limit'].map((name) => Number(url.searchParams.get(name)));
        json(response, 200, replies.datastore(all.slice(offset, offset! + limit!), all.length));
      };
      expect((await sources.neso.search(DEMAND, {}, 20_000)).rows).to.have.length(11_000);
      expect(portal.asked).to.have.length(4);
      const gaps = startedMs.slice(1).map((ms, i) => ms - startedMs[i]!);
      expect(gaps).to.deep.equal([NESO_DATASTORE_GAP_MS, NESO_DATASTORE_GAP_MS]);
    });

    it('success false is an error, and so is a query that CKAN refuses', async () => {
      const refused = {
        success: false,
        error: { query: ['(ProgrammingError) no such column'], __type: 'Validation Error' },
      };
      const error = await failure(
        (_request, response, url) =>
          url.pathname === '/package_show'
            ? json(response, 200, replies.packaged(replies.RESOURCE_ID))
            : json(response, 409, refused),
        () => sources.neso.sql(DEMAND, () => 'x') as never,
      );
      expect([error.kind, error.message]).to.deep.equal([
        'bad-query',
        'NESO data portal answered 409: (ProgrammingError) no such column: Validation Error',
      ]);
      const untrue = await failure(
        (_request, response) => json(response, 200, refused),
        () => sources.neso.search({ ...DEMAND, slug: 'other' }, {}, 1) as never,
      );
      expect(untrue.kind).to.equal('shape');
    });
  });

  it('Elexon and carbon intensity are asked in UTC, and their words of refusal are passed on', async () => {
    portal.answer = (_request, response) => json(response, 200, { data: [] });
    await sources.elexon.marketIndex(Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-21T00:00:00Z'));
    await sources.carbon.intensity(Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-21T00:00:00Z'));
    expect(portal.asked).to.deep.equal([
      '/balancing/pricing/market-index?from=2026-11-20T00:00Z&to=2026-11-20T23:59Z&format=json',
      '/intensity/2026-11-20T00:00Z/2026-11-21T00:00Z',
    ]);
    const elexon = await failure(
      (_request, response) => json(response, 400, { title: 'One or more validation errors occurred.', status: 400 }),
      () => sources.elexon.systemPrices('2026-13-01') as never,
    );
    expect(elexon.message).to.equal('Elexon Insights answered 400: One or more validation errors occurred.');
    const carbon = await failure(
      (_request, response) => json(response, 400, { error: { code: '400 Bad Request', message: 'bad from' } }),
      () => sources.carbon.intensity(0, 1) as never,
    );
    expect([carbon.kind, carbon.message]).to.deep.equal(['bad-query', 'Carbon Intensity API answered 400: bad from']);
  });
});
