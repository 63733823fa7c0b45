import { connect, type Socket } from 'node:net';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { systemWallClock } from '../clock.ts';
import { httpLimits } from './limits.ts';
import { listen } from './listen.ts';

const wall = systemWallClock();
const local = { host: '127.0.0.1', port: 0 };

describe('an HTTP server', () => {
  it('has the bounds of its limits', async () => {
    const { server, close } = await listen((_request, response) => response.end(), local);
    expect(server.headersTimeout).to.equal(httpLimits.headersMs);
    expect(server.requestTimeout).to.equal(httpLimits.requestMs);
    expect(server.maxConnections).to.equal(httpLimits.connections);
    await close();
  });

  it('serves at its URL, and not after its closing', async () => {
    const { url, close } = await listen((_request, response) => response.end('ok'), local);
    expect(await (await fetch(url)).text()).to.equal('ok');
    await close();
    await close();
    expect(await fetch(url).catch((error) => error)).to.be.instanceOf(Error);
  });

  it('lets a running request end before it is closed', async function () {
    thorough.call(this);
    let arrived = () => {};
    const running = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let answer = () => {};
    const { url, close } = await listen((_request, response) => {
      answer = () => response.end('late');
      arrived();
    }, local);
    const got = fetch(url).then((response) => response.text());
    await running;
    const closed = close();
    answer();
    expect(await got).to.equal('late');
    await closed;
  });

  it('closes though a request never ends', async () => {
    let arrived = () => {};
    const running = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    // Time runs a hundred times as fast, to reach the bound.
    const quick = { ...wall, after: (ms: number, run: () => void) => wall.after(ms / 100, run) };
    const { url, close } = await listen(() => arrived(), { ...local, wall: quick });
    const got = fetch(url).catch((error) => error);
    await running;
    await close();
    expect(await got).to.be.instanceOf(Error);
  });

  for (const [name, sent] of [
    ['says nothing', ''],
    ['sends half a header and no more', 'POST / HTTP/1.1\r\nX-Slow'],
    ['sends half a body and no more', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345'],
  ] as const) {
    it(`NET-07: closes a connection that ${name}, with 408`, async () => {
      const { url, server, close } = await listen((request) => request.resume(), local);
      // Both times are read at each check of the connections, so that a test need not wait for the real ones.
      Object.assign(server, { headersTimeout: 1, requestTimeout: 1 });
      const text = await new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(sent));
        let all = '';
        socket.on('data', (chunk) => {
          all += chunk;
        });
        socket.on('close', () => resolve(all));
        socket.on('error', () => {});
      });
      expect(text).to.match(/^HTTP\/1\.1 408 /);
      await close();
    });
  }

  it('NET-07: closes connections beyond its limit, and takes new ones when some have ended', async () => {
    const { url, server, close } = await listen((_request, response) => response.end('ok'), local);
    server.maxConnections = 3;
    const port = Number(new URL(url).port);
    const opened = () =>
      new Promise<Socket>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.on('error', () => {});
      });
    const held = [await opened(), await opened(), await opened()];
    expect(await fetch(url).catch((error) => error)).to.be.instanceOf(Error);
    const ended = new Promise((resolve) => server.once('connection', resolve));
    for (const socket of held) socket.destroy();
    await Promise.all(held.map((socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve))));
    let got = '';
    while (got !== 'ok') got = await fetch(url).then((response) => response.text(), String);
    await ended;
    await close();
  });

  it('refuses headers above its limit with 431', async () => {
    const { url, close } = await listen((_request, response) => response.end('ok'), local);
    const { status } = await fetch(url, { headers: { 'x-long': 'x'.repeat(httpLimits.requestHeaderBytes) } });
    expect(status).to.equal(431);
    await close();
  });

  for (const [name, head] of [
    ['length and chunks at once', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
    ['a folded header', 'X-A: b\r\n c\r\n'],
    ['a blank before the colon', 'Content-Length : 5\r\n'],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, identity\r\n'],
    ['a bare line feed in a header', 'X-A: b\nContent-Length: 5\r\n\r\n'],
    ['a length with a sign', 'Content-Length: +5\r\n'],
    ['a length in hexadecimal', 'Content-Length: 0x5\r\n'],
    ['two lengths in one header', 'Content-Length: 5, 6\r\n'],
  ] as const) {
    it(`NET-08: answers a request with ${name} with 400`, async () => {
      const { url, close } = await listen((_request, response) => response.end('ok'), local);
      const text = await new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
          socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\nhello`);
        });
        let all = '';
        socket.on('data', (chunk) => {
          all += chunk;
        });
        socket.on('close', () => resolve(all));
        socket.on('error', () => {});
      });
      expect(text).to.match(/^HTTP\/1\.1 400 /);
      await close();
    });
  }

  it('says which port is taken', async () => {
    const { url, close } = await listen((_request, response) => response.end(), local);
    const port = Number(new URL(url).port);
    const error = await listen((_request, response) => response.end(), { host: '127.0.0.1', port }).catch(
      (reason) => reason,
    );
    expect(error.message).to.match(new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
    await close();
  });
});
