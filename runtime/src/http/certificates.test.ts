/** NET-06: who is at the other end of a call under the strict profile, by its certificate. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { expect } from 'chai';
import { systemWallClock } from '../clock.ts';
import { certificateAuthority, type PemFiles, readPem } from '../testing/certificates.ts';
import { needsEngine, testFolder } from '../testing/engine.ts';
import { ForbiddenAddressError, OutboundError, type OutboundResponse } from './outbound.ts';
import { createOutbound } from './safe-outbound.ts';

const HOST = 'bpp.example.com';
/** Where HOST is said to be, a public address. */
const PUBLIC = { address: '93.184.215.14', family: 4 };
const HERE = { address: '127.0.0.1', family: 4 };

/**
 * From here on TLS connections to PUBLIC end at this machine, and trust `ca`. The lookup of who connects is asked as ever
 * and has to allow the address first; what it refuses stays refused. Returns how to end it.
 */
function redirectPublic(ca: string, allowed: typeof PUBLIC): () => void {
  const { connect } = tls;
  const redirected = (options: ConnectionOptions) => {
    const lookup: LookupFunction = (hostname, how, done) =>
      options.lookup!(hostname, how, (error, found) => {
        if (error) return done(error, '', 0);
        expect(found, 'the addresses that were allowed').to.deep.equal([allowed]);
        done(null, [HERE]);
      });
    return connect({ ...options, ca, lookup });
  };
  Object.assign(tls, { connect: redirected });
  return () => void Object.assign(tls, { connect });
}

describe('certificates of counterparties', () => {
  before(needsEngine('OpenSSL', 'openssl'));
  let folder: string;
  let authority: ReturnType<typeof certificateAuthority>;
  const servers: Server[] = [];
  before(() => {
    folder = testFolder('certificates');
    authority = certificateAuthority(folder, 'authority');
  });
  after(() => {
    for (const server of servers) server.close();
  });

  /** What becomes of a call to HOST when this certificate is shown there. */
  async function call(
    { cert, key }: PemFiles,
    options: object = {},
    address = PUBLIC,
    vouchedHosts: readonly string[] = [],
  ): Promise<OutboundResponse | Error> {
    let requests = 0;
    const server = createServer({ cert: readPem(cert), key: readPem(key), ...options }, (_request, response) => {
      requests++;
      response.end('ok');
    });
    servers.push(server);
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const outbound = createOutbound({ wall: systemWallClock(), resolve: async () => [address] });
    const restore = redirectPublic(readPem(authority.ca), address);
    try {
      return await outbound
        .request(`https://${HOST}:${(server.address() as AddressInfo).port}/`, {
          ...{ method: 'POST', body: 'secret', timeoutMs: 5_000, maxResponseBytes: 100 },
          allow: { profile: 'strict', sandboxOrigins: new Set(), vouchedHosts: new Set(vouchedHosts) },
        })
        .catch((error: unknown) => {
          expect(requests, 'nothing was said').to.equal(0);
          return error as Error;
        });
    } finally {
      restore();
      await outbound.close();
    }
  }
  const expectRefused = async (result: Promise<OutboundResponse | Error>, why: RegExp) => {
    const error = (await result) as OutboundError;
    expect(error).to.be.instanceOf(OutboundError);
    expect(error.kind).to.equal('connect');
    expect(error.message).to.match(why);
  };

  it('the twin: its own name, of an authority that is trusted', async () => {
    expect(await call(authority.issue('good', [`DNS:${HOST}`]))).to.include({ status: 200 });
  });

  it('its own name, which resolves to this machine: not called, however good the certificate', async () => {
    const error = await call(authority.issue('here', [`DNS:${HOST}`]), {}, HERE);
    expect(error).to.be.instanceOf(ForbiddenAddressError);
    expect((error as Error).message).to.match(/resolves to 127\.0\.0\.1, which is not public/);
  });

  it('its own name, which resolves to this machine, and an operator vouches for it: called', async () => {
    expect(await call(authority.issue('vouched', [`DNS:${HOST}`]), {}, HERE, [HOST])).to.include({ status: 200 });
  });

  it('vouched for, with somebody else’s certificate: not called', () =>
    expectRefused(
      call(authority.issue('foreign', ['DNS:evil.example.com']), {}, HERE, [HOST]),
      /altnames|does not match/,
    ));

  it("somebody else's name: not called", () =>
    expectRefused(call(authority.issue('other', ['DNS:evil.example.com'])), /altnames|does not match/));

  it('an authority nobody knows: not called', () => {
    const own = certificateAuthority(folder, 'rogue');
    return expectRefused(call(own.issue('rogue-leaf', [`DNS:${HOST}`])), /unable to verify|self.signed|issuer/);
  });

  it('signed by itself: not called', async () => {
    const own = certificateAuthority(folder, 'self');
    expect(await call({ cert: own.ca, key: own.ca.replace(/pem$/, 'key') })).to.be.instanceOf(OutboundError);
  });

  it('TLS 1.1: not called', async () => {
    const error = await call(authority.issue('old', [`DNS:${HOST}`]), {
      ...{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    });
    expect(error).to.be.instanceOf(OutboundError);
  });
});
