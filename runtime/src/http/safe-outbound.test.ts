import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect } from 'chai';
import { systemWallClock } from '../clock.ts';
import { ForbiddenAddressError, type Outbound, OutboundError, type OutboundRequest } from './outbound.ts';
import { createOutbound, type Resolve } from './safe-outbound.ts';

const wall = systemWallClock();

describe('outbound calls', () => {
  let server: Server;
  let origin: string;
  let outbound: Outbound;
  let connections = 0;
  let requests: { url: string; body: string }[] = [];
  let answer: RequestListener = (_request, response) => response.end('ok');

  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        requests.push({ url: request.url ?? '', body });
        answer(request, response);
      });
    });
    server.on('connection', () => connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    outbound = createOutbound({ wall });
  });
  after(async () => {
    await outbound.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    requests = [];
    answer = (_request, response) => response.end('ok');
  });

  const options = (more: Partial<OutboundRequest> = {}): OutboundRequest => ({
    method: 'POST',
    body: '{}',
    timeoutMs: 5_000,
    maxResponseBytes: 1_000,
    allow: { profile: 'sandbox', sandboxOrigins: new Set([origin]) },
    ...more,
  });
  const call = (path: string, more: Partial<OutboundRequest> = {}) =>
    outbound.request(`${origin}${path}`, options(more));
  const failure = async (work: Promise<unknown>): Promise<OutboundError> => {
    const error: unknown = await work.catch((reason) => reason);
    expect(error).to.be.instanceOf(Error);
    return error as OutboundError;
  };

  it('gives status, headers and body', async () => {
    answer = (request, response) => {
      response.writeHead(418, { 'content-type': 'text/plain', 'x-echo': request.headers['x-mine'] as string });
      response.end('short');
    };
    const got = await call('/on_search?a=b', { headers: { 'x-mine': 'yes' }, body: Buffer.from('{"a":1}') });
    expect(got.status).to.equal(418);
    expect(got.headers).to.include({ 'content-type': 'text/plain', 'x-echo': 'yes' });
    expect(Buffer.from(got.body).toString()).to.equal('short');
    expect(requests).to.deep.equal([{ url: '/on_search?a=b', body: '{"a":1}' }]);
  });

  it('keeps its connections between calls', async () => {
    await call('/');
    const before = connections;
    for (let i = 0; i < 20; i++) await call('/');
    // One more may open while the pool has not yet seen the end of the answer before.
    expect(connections - before).to.be.at.most(1);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`NET-05: does not follow ${status}`, async () => {
      answer = (_request, response) => response.writeHead(status, { location: `${origin}/internal` }).end();
      expect((await failure(call('/search'))).kind).to.equal('redirect');
      expect(requests.map(({ url }) => url)).to.deep.equal(['/search']);
    });
  }

  it('takes a body of the limit, and no larger one', async () => {
    answer = (_request, response) => response.end('x'.repeat(1_000));
    expect((await call('/')).body.length).to.equal(1_000);
    answer = (_request, response) => response.end('x'.repeat(1_001));
    expect((await failure(call('/'))).kind).to.equal('too-large');
  });

  it('stops reading a body without end', async () => {
    let closed = () => {};
    const ended = new Promise<void>((resolve) => {
      closed = resolve;
    });
    answer = (_request, response) => {
      response.on('close', closed);
      const more = () => {
        while (response.writable && response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    };
    expect((await failure(call('/'))).kind).to.equal('too-large');
    await ended;
  });

  it('NET-06: gives up a host that accepts and says nothing, or one byte and no more', async () => {
    answer = () => {};
    expect((await failure(call('/', { timeoutMs: 50 }))).kind).to.equal('timeout');
    answer = (_request, response) => void response.write('x');
    expect((await failure(call('/', { timeoutMs: 50 }))).kind).to.equal('timeout');
    answer = (_request, response) => response.end('ok');
    expect((await call('/')).status).to.equal(200);
  });

  it('reports a broken answer', async () => {
    answer = (request) => void (request.socket as Socket).end('HTTP/1.1 nonsense\r\n\r\n');
    expect((await failure(call('/'))).kind).to.equal('protocol');
    answer = (request) => void (request.socket as Socket).destroy();
    expect((await failure(call('/'))).kind).to.equal('protocol');
  });

  it('reports a host that is not there', async () => {
    const nowhere = 'http://127.0.0.1:1';
    const allow = { profile: 'sandbox', sandboxOrigins: new Set([nowhere]) } as const;
    expect((await failure(outbound.request(`${nowhere}/`, options({ allow })))).kind).to.equal('connect');
  });

  it('opens no connection where the profile does not let it go', async () => {
    const before = connections;
    for (const allow of [
      { profile: 'sandbox', sandboxOrigins: new Set<string>() },
      { profile: 'strict', sandboxOrigins: new Set([origin]) },
    ] as const) {
      expect(await failure(call('/', { allow }))).to.be.instanceOf(ForbiddenAddressError);
    }
    expect(connections).to.equal(before);
    expect(requests).to.deep.equal([]);
  });

  describe('under the strict profile', () => {
    const strict = { profile: 'strict', sandboxOrigins: new Set<string>() } as const;
    const resolving = async (resolve: Resolve, text = `https://bpp.example.com:${new URL(origin).port}/`) => {
      const own = createOutbound({ wall, resolve });
      try {
        return await failure(own.request(text, options({ allow: strict, timeoutMs: 400 })));
      } finally {
        await own.close();
      }
    };

    for (const address of [
      '127.0.0.1',
      '169.254.169.254',
      '10.0.0.1',
      '0.0.0.0',
      '::1',
      '::ffff:127.0.0.1',
      'fd00::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ]) {
      it(`NET-02: does not connect to a name that resolves to ${address}`, async () => {
        const before = connections;
        const family = address.includes(':') ? 6 : 4;
        expect(await resolving(async () => [{ address, family }])).to.be.instanceOf(ForbiddenAddressError);
        const mixed = await resolving(async () => [
          { address: '8.8.8.8', family: 4 },
          { address, family },
        ]);
        expect(mixed, 'one bad address among good ones').to.be.instanceOf(ForbiddenAddressError);
        expect(connections).to.equal(before);
      });
    }

    it('goes on to connect when every address is public', async () => {
      const asked: string[] = [];
      // A public address that no test machine reaches within the bound; the refusal would be another error.
      const error = await resolving(async (hostname) => {
        asked.push(hostname);
        return [{ address: '198.41.0.4', family: 4 }];
      });
      expect(asked).to.deep.equal(['bpp.example.com']);
      expect(error).to.be.instanceOf(OutboundError);
      expect(error.kind).to.be.oneOf(['timeout', 'connect', 'protocol']);
    });

    it('reports a name that has no address', async () => {
      expect((await resolving(async () => [])).kind).to.equal('connect');
      const missing = Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
      expect((await resolving(() => Promise.reject(missing))).kind).to.equal('connect');
    });

    it('asks nobody about an address literal', async () => {
      const asked: string[] = [];
      const resolve: Resolve = async (hostname) => {
        asked.push(hostname);
        return [];
      };
      expect(await resolving(resolve, 'https://127.0.0.1/')).to.be.instanceOf(ForbiddenAddressError);
      expect(asked).to.deep.equal([]);
    });
  });
});
