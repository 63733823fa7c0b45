/** NET-06: who is at the other end of a call under the strict profile, by its certificate. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { systemWallClock } from '../clock.ts';
import { certificateAuthority, type PemFiles, readPem } from '../testing/certificates.ts';
import { engineFolder, needsEngine } from '../testing/engine.ts';
import { OutboundError, type OutboundResponse } from './outbound.ts';
import { createOutbound } from './safe-outbound.ts';

const HOST = 'bpp.example.com';

describe('certificates of counterparties', () => {
  before(needsEngine('OpenSSL', 'openssl'));
  let folder: string;
  let authority: ReturnType<typeof certificateAuthority>;
  const servers: Server[] = [];
  before(() => {
    folder = engineFolder('certificates');
    authority = certificateAuthority(folder, 'authority');
  });
  after(() => {
    for (const server of servers) server.close();
  });

  /** What becomes of a call to HOST when this certificate is shown there. */
  async function call({ cert, key }: PemFiles, options: object = {}): Promise<OutboundResponse | OutboundError> {
    let requests = 0;
    const server = createServer({ cert: readPem(cert), key: readPem(key), ...options }, (_request, response) => {
      requests++;
      response.end('ok');
    });
    servers.push(server);
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const testServer = { ca: readPem(authority.ca), address: '127.0.0.1' };
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const outbound = createOutbound({ wall: systemWallClock(), resolve, testServer });
    try {
      return await outbound
        .request(`https://${HOST}:${(server.address() as AddressInfo).port}/`, {
          ...{ method: 'POST', body: 'secret', timeoutMs: 5_000, maxResponseBytes: 100 },
          allow: { profile: 'strict', sandboxOrigins: new Set() },
        })
        .catch((error: unknown) => {
          expect(error).to.be.instanceOf(OutboundError);
          expect(requests, 'nothing was said').to.equal(0);
          return error as OutboundError;
        });
    } finally {
      await outbound.close();
    }
  }
  const expectRefused = async (result: Promise<OutboundResponse | OutboundError>, why: RegExp) => {
    const error = (await result) as OutboundError;
    expect(error).to.be.instanceOf(OutboundError);
    expect(error.kind).to.equal('connect');
    expect(error.message).to.match(why);
  };

  it('the twin: its own name, of an authority that is trusted', async () => {
    expect(await call(authority.issue('good', [`DNS:${HOST}`]))).to.include({ status: 200 });
  });

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
