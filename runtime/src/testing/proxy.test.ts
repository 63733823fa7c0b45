import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startProxy, type TcpProxy } from './proxy.ts';

describe('the TCP proxy of tests', () => {
  let echo: Server;
  let proxy: TcpProxy;
  /** Sizes of the chunks that arrived behind the proxy. */
  let chunks: number[];
  const open: Socket[] = [];

  beforeEach(async () => {
    chunks = [];
    echo = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        chunks.push(chunk.length);
        socket.write(chunk);
      });
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startProxy(echo.address() as { port: number });
  });
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy();
    await proxy.close();
    echo.close();
  });

  async function dial(): Promise<Socket> {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
    open.push(socket);
    socket.on('error', () => {});
    await Promise.race([once(socket, 'connect'), once(socket, 'error').then(([error]) => Promise.reject(error))]);
    return socket;
  }
  const answer = async (socket: Socket, text: string) => {
    socket.write(text);
    let heard = '';
    while (heard.length < text.length) heard += String((await once(socket, 'data'))[0]);
    return heard;
  };
  /** Resolves with the error a socket ends with, or `end`. */
  const fate = (socket: Socket) =>
    new Promise<string>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.once('close', () => resolve('end'));
    });

  it('passes what comes, both ways, the end included', async () => {
    const socket = await dial();
    expect(await answer(socket, 'hello')).to.equal('hello');
    expect(proxy).to.include({ forwardedBytes: 5, accepted: 1 });
    socket.end();
    await once(socket, 'close');
  });

  it('latency: later, in order, and several at a time', async () => {
    const socket = await dial();
    await proxy.set({ mode: 'latency', ms: 60 });
    const begunMs = performance.now();
    expect(await answer(socket, 'one')).to.equal('one');
    // A line that is too fast is wrong; how slow the machine is says nothing.
    expect(performance.now() - begunMs).to.be.at.least(116);
    // What is under way stays late, and what follows does not overtake it.
    const both = answer(socket, 'two, three');
    await proxy.set({ mode: 'pass' });
    socket.write(', four');
    expect(await both).to.match(/^two, three/);
  });

  it('cut: what is open ends, what is new is refused, and passing again takes connections', async () => {
    const before = await dial();
    const ended = fate(before);
    await proxy.set({ mode: 'cut' });
    expect(await ended).to.be.oneOf(['end', 'ECONNRESET']);
    expect(await dial().catch((error) => error.code)).to.equal('ECONNREFUSED');
    await proxy.set({ mode: 'pass' });
    expect(await answer(await dial(), 'again')).to.equal('again');
  });

  it('blackhole: nothing arrives, on no connection, until it is over', async () => {
    const old = await dial();
    await proxy.set({ mode: 'blackhole' });
    const fresh = await dial();
    const both = [old, fresh].map((socket) => answer(socket, 'anybody?'));
    const silence = sleep(80).then(() => 'silence');
    expect(await Promise.race([...both, silence])).to.equal('silence');
    expect(chunks).to.deep.equal([]);
    await proxy.set({ mode: 'pass' });
    expect(await Promise.all(both)).to.deep.equal(['anybody?', 'anybody?']);
  });

  it('reset: what is open and what is new', async () => {
    const old = await dial();
    expect(await answer(old, 'x')).to.equal('x');
    const oldFate = fate(old);
    await proxy.set({ mode: 'reset' });
    expect(await oldFate).to.equal('ECONNRESET');
    const fresh = await dial().catch(() => undefined);
    if (fresh && !fresh.destroyed) {
      const freshFate = fate(fresh);
      fresh.write('x');
      expect(await freshFate).to.be.oneOf(['ECONNRESET', 'EPIPE', 'end']);
    }
    expect(chunks).to.deep.equal([1]);
  });

  it('slice: small writes, whole in the end', async () => {
    const socket = await dial();
    await proxy.set({ mode: 'slice', bytes: 3, everyMs: 5 });
    expect(await answer(socket, '0123456789')).to.equal('0123456789');
    expect(Math.max(...chunks)).to.be.at.most(9);
    expect(chunks.length).to.be.above(1);
  });

  it('stands in for the host and port of a URL', () => {
    expect(proxy.before('postgres://u:p@127.0.0.1:5432/db')).to.equal(`postgres://u:p@127.0.0.1:${proxy.port}/db`);
    expect(proxy.before('redis://127.0.0.1:6379')).to.equal(`redis://127.0.0.1:${proxy.port}`);
  });
});
