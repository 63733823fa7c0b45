/** Connections that are opened to be held, and requests that two readers would take for different ones. */
import { connect, type Socket } from 'node:net';
import { requestOf } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { httpLimits } from '@flexder/runtime/http/limits.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { expectAck, sendScenario, type Target } from '../harness/arena.ts';
import { useArena } from '../harness/shared-arena.ts';
import { dump } from '../harness/watch.ts';

const IDLE = 1_000;

/** A connection on which somebody has said `text`, and no more. */
function hold(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text, () => resolve(socket)));
    socket.on('error', reject);
  });
}

/** All that comes back for these bytes, until the server closes. */
function say(url: string, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

describe('adversarial: connections', function () {
  this.timeout(60_000);
  const arena = useArena();
  const held: Socket[] = [];
  afterEach(() => {
    for (const socket of held.splice(0)) socket.destroy();
  });

  const lookup = (url: string) =>
    fetch(`${url}/lookup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"subscriber_id":"nobody.example.com"}',
    });

  for (const type of ['bpp', 'bap', 'bg'] as const) {
    const at = `at the ${type.toUpperCase()}`;
    it(`NET-07 a thousand connections that say nothing and a hundred that say half, ${at}: others are served`, async function () {
      // Sockets are the same code at each.
      if (type !== 'bpp') thorough.call(this);
      const target = arena()[type];
      const half = `POST /beckn/select HTTP/1.1\r\nHost: a\r\nX-Slow: `;
      for (let i = 0; i < IDLE; i += 100)
        held.push(...(await Promise.all(Array.from({ length: 100 }, () => hold(target.url, '')))));
      held.push(...(await Promise.all(Array.from({ length: 100 }, () => hold(target.url, half)))));
      for (let i = 0; i < 5; i++) expectAck(await sendScenario(target, target.baseline()));
      expect(IDLE + 100, 'the attack is below what a server holds').to.be.below(httpLimits.connections);
    });

    it(`NET-07 headers beyond the limit, ${at}: 431, and nothing happened`, async () => {
      await unheard(arena()[type], async (target) => {
        const wire = { headers: [['X-Long', 'x'.repeat(httpLimits.requestHeaderBytes)]] as const };
        const answer = await sendScenario(target, target.baseline(), wire);
        expect(answer.status).to.equal(431);
      });
    });

    it(`NET-07 more headers than anybody needs, ${at}: 431`, async () => {
      await unheard(arena()[type], async (target) => {
        const headers = Array.from({ length: 3_000 }, (_, i) => [`X-${i}`, '1'] as const);
        expect((await sendScenario(target, target.baseline(), { headers })).status).to.equal(431);
      });
    });

    for (const [name, framing] of [
      ['a length and chunks', (length: number) => `Content-Length: ${length}\r\nTransfer-Encoding: chunked`],
      ['chunks and a length', (length: number) => `Transfer-Encoding: chunked\r\nContent-Length: ${length}`],
      ['two lengths', (length: number) => `Content-Length: 4\r\nContent-Length: ${length}`],
      ['a folded length', (length: number) => `Content-Length:\r\n ${length}`],
      ['a folded coding', () => 'Transfer-Encoding:\r\n chunked'],
      ['a blank before the colon', (length: number) => `Content-Length : ${length}`],
      ['chunks under another name', () => 'Transfer-Encoding: xchunked'],
    ] as const) {
      it(`NET-08 ${name}, ${at}: 400, the connection ends, and no second request is read`, async () => {
        await unheard(arena()[type], async (target) => {
          const text = await say(target.url, smuggled(target, framing));
          expect(text).to.match(/^HTTP\/1\.1 400 /);
          expect(text.match(/HTTP\/1\.1 /g), text).to.have.length(1);
        });
      });
    }

    it(`NET-08 the twin, ${at}: one request behind the other, each with its length, are two`, async () => {
      const text = await say(
        arena()[type].url,
        smuggled(arena()[type], (length) => `Content-Length: ${length}`),
      );
      expect(text.match(/"ACK"/g), text).to.have.length(2);
    });
  }

  it('NET-07 NET-08 the same at the registry', async () => {
    const { url } = arena().net.registry;
    for (let i = 0; i < IDLE; i += 100)
      held.push(...(await Promise.all(Array.from({ length: 100 }, () => hold(url, '')))));
    expect((await lookup(url)).status).to.equal(200);
    const body = '{}';
    const head = `POST /lookup HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;
    const twice = await say(url, Buffer.from(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
    expect(twice).to.match(/^HTTP\/1\.1 400 /);
    const plain = await say(url, Buffer.from(`${head}Connection: close\r\nContent-Length: 2\r\n\r\n${body}`));
    expect(plain).to.match(/^HTTP\/1\.1 200 /);
  });

  /** What is done leaves no trace, and the target serves the next one. */
  async function unheard(target: Target, attack: (target: Target) => Promise<void>): Promise<void> {
    const { net, tap } = arena();
    await net.settle();
    const [before, calls] = [await dump(target.db), tap.calls.length];
    await attack(target);
    await net.settle();
    expect(await dump(target.db), 'no table changed').to.deep.equal(before);
    expect(tap.calls.slice(calls), 'no call left').to.deep.equal([]);
    expectAck(await sendScenario(target, target.baseline()));
  }

  /** Two good messages on one connection; the first is framed as told. */
  function smuggled(target: Target, framing: (length: number) => string): Buffer {
    const request = (how: (length: number) => string, last: boolean) => {
      const { action, headers, body = new Uint8Array() } = requestOf(target.baseline());
      const { pathname, host } = new URL(`${target.url}/${action}`);
      const lines = Object.entries(headers).flatMap(([name, values]) => (values ?? []).map((v) => `${name}: ${v}`));
      const head = [`POST ${pathname} HTTP/1.1`, `Host: ${host}`, ...lines, how(body.length)];
      return Buffer.concat([
        Buffer.from(`${[...head, ...(last ? ['Connection: close'] : [])].join('\r\n')}\r\n\r\n`),
        body,
      ]);
    };
    return Buffer.concat([request(framing, false), request((length) => `Content-Length: ${length}`, true)]);
  }
});
