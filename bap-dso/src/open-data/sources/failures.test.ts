import { expect } from 'chai';
import { DEFAULT_BASE_URLS } from '../config.ts';
import { type Answer, json, raw } from '../testing/portal.ts';
import * as replies from '../testing/replies.ts';
import { openSources } from './open.ts';
import { DEMAND, everywhere, useSources } from './sources.fixture.ts';

describe('what goes wrong with open data', () => {
  const asking = useSources();

  it('429 says until when, and the next request waits for it', async () => {
    const error = await asking.failure((_request, response) => json(response, 429, replies.QUOTA));
    expect(error.kind).to.equal('rate-limited');
    expect(error.retryAtMs).to.equal(Date.parse(replies.QUOTA.reset_time));
    expect(error.message).to.include('2026-11-20T12:11:00.000Z').and.include('exceeded the requests limit');
    asking.portal.answer = (_request, response) => json(response, 200, []);
    await asking.sources.ukpn.export('x', {});
    expect(asking.wall.nowMs()).to.equal(error.retryAtMs);
  });

  it('429 until tomorrow is not waited for, nor asked again', async () => {
    const quota = { ...replies.QUOTA, reset_time: '2026-11-21T00:00:00Z' };
    await asking.failure((_request, response) => json(response, 429, quota));
    const again = await asking.failure((_request, response) => json(response, 200, []));
    expect([again.kind, again.retryAtMs]).to.deep.equal(['rate-limited', Date.parse(quota.reset_time)]);
    expect(asking.portal.asked).to.have.length(1);
  });

  it('429 until next century is a day', async () => {
    const quota = { ...replies.QUOTA, reset_time: '2126-01-01T00:00:00Z' };
    const error = await asking.failure((_request, response) => json(response, 429, quota));
    expect(error.retryAtMs).to.equal(asking.wall.nowMs() + 24 * 3_600_000);
  });

  it('429 with Retry-After, and with nothing at all', async () => {
    const first = await asking.failure(
      (_request, response) => void response.writeHead(429, { 'retry-after': '20' }).end(),
    );
    expect(first.retryAtMs).to.equal(asking.wall.nowMs() + 20_000);
    const unsaid = await asking.failure((_request, response) => void response.writeHead(429).end());
    expect(unsaid.retryAtMs).to.equal(asking.wall.nowMs() + 60_000);
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
      const error = await asking.failure(answer);
      expect(error.kind).to.equal(kind);
      expect(error.message).to.match(text).and.not.include('k-1');
      expect(asking.portal.asked).to.have.length(1);
    });
  }

  it('a body that drips slowly is given up', async () => {
    const hurried = {
      ...asking.portal.http,
      request: (url: string, options: Parameters<typeof asking.portal.http.request>[1]) =>
        asking.portal.http.request(url, { ...options, timeoutMs: options.timeoutMs / 300 }),
    };
    asking.sources = openSources(
      { http: hurried, wall: asking.wall },
      { baseUrls: everywhere(asking.portal.url), ukpnKey: undefined },
    );
    const error = await asking.failure((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(drip));
    });
    expect(error.kind).to.equal('timeout');
  });

  it('nobody there is offline, without the key in the text', async () => {
    const nowhere = openSources(
      { http: asking.portal.http, wall: asking.wall },
      { baseUrls: everywhere('http://127.0.0.1:1'), ukpnKey: 'k-1' },
    );
    const error = await asking.failure(
      () => {},
      () => nowhere.ukpn.export('x', {}) as never,
    );
    expect(error.kind).to.equal('offline');
    expect(error.message).to.not.include('k-1');
  });

  it('the real addresses go to public hosts over https alone', async () => {
    const urls: [string, string][] = [];
    const http = {
      ...asking.portal.http,
      request: async (url: string, options: { allow: { profile: string } }) => {
        urls.push([new URL(url).origin, options.allow.profile]);
        return { status: 503, headers: {}, body: new Uint8Array() };
      },
    };
    const real = openSources(
      { http: http as never, wall: asking.wall },
      { baseUrls: DEFAULT_BASE_URLS, ukpnKey: undefined },
    );
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
