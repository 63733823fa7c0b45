/** Counterparties that hang, drip, flood, speak another protocol or come back: what it costs everybody else is nothing. */

import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { orderId, transactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { type RegistryTables, registryMigrations } from '@flexder/registry-mock/registry/tables.ts';
import { type Network, newKeys, openNetwork, type Peer } from '@flexder/registry-mock/testing/network.ts';
import { breakerLimits } from '@flexder/runtime/http/limits.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { ACK_BYTES, POSTS_PER_COUNTERPARTY } from '@flexder/runtime/participant/limits.ts';
import type { OutgoingMessage, Undelivered } from '@flexder/runtime/participant/types.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';

/** Real waits of the sender are this many times shorter. */
const HASTE = 20;
const ACK = '{"message":{"ack":{"status":"ACK"}}}';

/** What a counterparty does with a connection once a request is on it. */
type Manner = (socket: Socket) => void;

const http = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;

/** Bytes without end, as fast as they are taken. */
function flood(socket: Socket, sent: { bytes: number }): void {
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n');
  const chunk = Buffer.alloc(65_536, 0x20);
  const more = () => {
    while (!socket.destroyed) {
      sent.bytes += chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', more);
    }
  };
  more();
}

describe('adversarial: counterparties that do not answer as they should', function () {
  this.timeout(60_000);
  let network: Network;
  let sender: Peer;
  const sent = { bytes: 0 };
  const servers: Server[] = [];
  const undelivered: Undelivered[] = [];

  const manners: Record<string, Manner> = {
    'accepts and never answers': () => {},
    'drips a byte at a time': (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    },
    'drips its headers': (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('X-A: b\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    },
    'sends a gigabyte': (socket) => flood(socket, sent),
    'sends headers without end': (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}`),
    'speaks TLS where http was registered': (socket) => void socket.end(Buffer.from([21, 3, 1, 0, 2, 2, 70])),
    'closes without a word': (socket) => void socket.destroy(),
    'answers with what is no JSON': (socket) => void socket.write(http('<html>no</html>').replace('200 OK', '502 Bad')),
  };

  /** A registered BPP with nothing behind its address but `manner`. */
  async function counterparty(
    id: string,
    manner: Manner,
  ): Promise<{ id: string; connections: number; requests: number }> {
    const state = { id, connections: 0, requests: 0 };
    const server = createServer((socket) => {
      state.connections++;
      socket.on('error', () => {});
      socket.on('data', (data) => {
        if (!data.includes('POST ')) return;
        state.requests++;
        manner(socket);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await enter(id, `http://127.0.0.1:${(server.address() as AddressInfo).port}/beckn`);
    return state;
  }

  /** It answers no challenge, so it is written into the registry's table. */
  async function enter(id: string, url: string): Promise<void> {
    const db = await network.engines.database.open<RegistryTables>('registry.flexder.example', registryMigrations);
    const keys = newKeys();
    const now = new Date();
    const row = {
      ...{ subscriber_id: id, key_id: 'key-1', type: 'BPP' as const, url, domain: 'd', country: 'GBR', city: 'c' },
      ...{ signing_public_key: keys.signingPublicKey, encr_public_key: keys.encryptionPublicKey },
      ...{ valid_from: new Date(0), valid_until: new Date(Date.now() + 86_400_000), status: 'SUBSCRIBED' as const },
      ...{ created: now, updated: now },
    };
    await db.insertInto('subscription').values(row).execute();
  }

  before(async function () {
    thorough.call(this);
    network = await openNetwork();
    const { wall } = network.context('sender.example');
    const hasty = {
      ...wall,
      monotonicMs: () => wall.monotonicMs() * HASTE,
      after: (ms: number, run: () => void) => wall.after(ms / HASTE, run),
      sleep: (ms: number, signal?: AbortSignal) => wall.sleep(ms / HASTE, signal),
    };
    sender = await network.peer({
      id: 'sender.example',
      type: 'BAP',
      context: { wall: hasty, http: createOutbound({ wall: hasty }) },
    });
    await sender.participant.serve({}, { onUndelivered: async (_, lost) => void undelivered.push(lost) });
  });
  after(async () => {
    await network?.close();
    await sender?.context.http.close();
    for (const server of servers) server.close();
  });
  beforeEach(() => {
    undelivered.length = 0;
    sent.bytes = 0;
  });

  const message = (to: string, transaction = randomUUID(), ttlMs = 30_000): OutgoingMessage => ({
    ...{ action: 'status', to: to as never, toType: 'BPP', transactionId: transactionId(transaction), ttlMs },
    message: { order_id: orderId(randomUUID()) },
  });
  async function until(what: string, holds: () => boolean): Promise<void> {
    for (let i = 0; i < 1_000; i++) {
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`never happened: ${what}`);
  }

  it('the twin: one that answers gets its messages', async () => {
    const honest = await counterparty('honest.example', (socket) => void socket.write(http(ACK)));
    await sender.participant.transact(async (work) => {
      for (let i = 0; i < 10; i++) await work.send(message(honest.id));
    });
    await until('all are there', () => honest.requests >= 10 && sender.participant.oldestOutboxAgeMs() === 0);
    expect(sender.participant.awayCounterparties()).to.deep.equal([]);
  });

  for (const [index, [name, manner]] of Object.entries(manners).entries()) {
    it(`NET-06 one that ${name}: bounded, its breaker opens, the others are served meanwhile`, async () => {
      const bad = await counterparty(`bad-${index}.example`, manner);
      const good = await counterparty(`good-${index}.example`, (socket) => void socket.write(http(ACK)));
      await sender.participant.transact(async (work) => {
        for (let i = 0; i < 20; i++) await work.send(message(bad.id, randomUUID(), 1_000));
      });
      await until('it was called', () => bad.requests > 0);
      await sender.participant.transact(async (work) => {
        for (let i = 0; i < 20; i++) await work.send(message(good.id));
      });
      await until('the others are served', () => good.requests >= 20);
      expect(undelivered.filter(({ to }) => to === good.id)).to.deep.equal([]);
      await until('its breaker opens', () => sender.participant.awayCounterparties().includes(bad.id));
      expect(sender.participant.awayCounterparties()).to.not.include(good.id);
      // What the kernel holds besides, for each connection.
      expect(sent.bytes).to.be.below(POSTS_PER_COUNTERPARTY * 4 * (ACK_BYTES + 8 * 1024 * 1024));
      await until('its messages are closed', () => undelivered.length === 20);
      expect(new Set(undelivered.map(({ to, reason }) => `${to} ${reason}`))).to.deep.equal(
        new Set([`${bad.id} unreachable`]),
      );
      // What was under way at first, and a probe after each pause; without a breaker it would be some 160.
      expect(bad.requests).to.be.at.most(4 * POSTS_PER_COUNTERPARTY);
    });
  }

  it('NET-06 one that comes back: its backlog comes in order, and few at a time', async () => {
    let away = true;
    let open = 0;
    let most = 0;
    const served: string[] = [];
    const shaky = await counterparty('shaky.example', (socket) => {
      if (away) return void socket.destroy();
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        socket.write(http(ACK));
      }, 5);
    });
    const [inner] = servers.slice(-1);
    inner?.on('connection', (socket) =>
      socket.on('data', (data) => {
        const id = /"message_id":"([^"]+)"/.exec(String(data))?.[1];
        if (!away && id) served.push(id);
      }),
    );
    const lanes = Array.from({ length: 30 }, () => randomUUID());
    const expected = new Map<string, string[]>(lanes.map((lane) => [lane, []]));
    for (let i = 0; i < 3; i++) {
      await sender.participant.transact(async (work) => {
        for (const lane of lanes) expected.get(lane)!.push(await work.send(message(shaky.id, lane, 600_000)));
      });
    }
    await until('its breaker opens', () => sender.participant.awayCounterparties().includes(shaky.id));
    const tries = shaky.requests;
    await until('it was probed', () => shaky.requests >= tries + 3);
    expect(tries).to.be.at.most(POSTS_PER_COUNTERPARTY + 2);
    away = false;
    await until('everything is there', () => served.length === 90);
    for (const [lane, ids] of expected) {
      const inLane = served.filter((id) => ids.includes(id));
      expect(inLane, lane).to.deep.equal(ids);
    }
    expect(most, 'at once').to.be.at.most(POSTS_PER_COUNTERPARTY);
    expect(sender.participant.awayCounterparties()).to.not.include(shaky.id);
    expect(undelivered.filter(({ to }) => to === shaky.id)).to.deep.equal([]);
    for (const to of ['open', 'recovering', 'closed'])
      expect(sender.context.metrics.total('breaker_transitions', { to }), to).to.be.greaterThan(0);
    expect(tries, 'failures that open it').to.be.at.least(breakerLimits.failures);
  });
});
