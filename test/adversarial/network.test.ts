/** Addresses that are not to be called, and counterparties that send a caller elsewhere or keep it waiting. */

import { type AddressInfo, createServer } from 'node:net';
import { someOf } from '@flexder/runtime/testing/thorough.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { expectAck, sendScenario } from '../harness/arena.ts';
import { type Counterparty, openCounterparty } from '../harness/counterparty.ts';
import { TestNetwork } from '../harness/network.ts';
import { type AttackRow, attack } from '../harness/rows.ts';
import { startSeller } from '../harness/seller.ts';
import { useArena } from '../harness/shared-arena.ts';
import { sendWire } from '../harness/wire.ts';

const MINUTE_MS = 60_000;
const refused = { status: 400, code: 'CTX_COUNTERPARTY_URL', reason: 'counterparty-url' };

/** A place nobody has any business calling; counts who does. */
async function openTrap() {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get calls() {
      return calls;
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Where a callback should go according to the message; `{port}` is the trap's. */
const addresses: readonly (readonly [id: string, url: string])[] = [
  ['NET-01', 'http://169.254.169.254/latest/meta-data'],
  ['NET-01', 'http://127.0.0.1:{port}/beckn'],
  ['NET-01', 'http://10.0.0.1/beckn'],
  ['NET-01', 'http://[::1]:{port}/beckn'],
  ['NET-01', 'http://0.0.0.0:{port}/beckn'],
  ['NET-01', 'http://localhost.:{port}/beckn'],
  ['NET-02', 'http://2130706433:{port}/beckn'],
  ['NET-02', 'http://0x7f.1:{port}/beckn'],
  ['NET-02', 'http://127.1:{port}/beckn'],
  ['NET-02', 'http://①②⑦.0.0.1:{port}/beckn'],
  ['NET-02', 'http://ⓛocalhost:{port}/beckn'],
  ['NET-02', 'http://[::ffff:7f00:1]:{port}/beckn'],
  ['NET-02', 'http://[64:ff9b::7f00:1]:{port}/beckn'],
  ['NET-02', 'http://[2002:7f00:1::]:{port}/beckn'],
  ['NET-02', 'http://user@127.0.0.1:{port}/beckn'],
  ['NET-04', 'https://elsewhere.example.com/beckn'],
  ['NET-04', 'javascript:alert(1)'],
  ['NET-04', 'file:///etc/passwd'],
];

describe('adversarial: addresses', () => {
  const arena = useArena();
  let trap: Awaited<ReturnType<typeof openTrap>>;
  before(async () => {
    trap = await openTrap();
  });
  after(() => trap.close());
  afterEach(() => expect(trap.calls, 'calls at the trap').to.equal(0));

  /** The sender's own address, and what is near it. */
  const near: readonly (readonly [string, (url: string) => string])[] = [
    ['another path at the registered origin', (url) => `${url}/../operator`],
    ['the registered address and a query', (url) => `${url}?to=elsewhere`],
    ['the registered address with a user', (url) => url.replace('http://', 'http://user@')],
  ];
  const row = (id: string, name: string, change: (url: string) => string): AttackRow => ({
    id,
    name,
    mutate: ({ message }, target) => {
      const member = target.type === 'BAP' ? 'bpp_uri' : 'bap_uri';
      message.context[member] = change(String(message.context[member]));
    },
    expect: refused,
  });
  attack(arena, [
    ...addresses.map(([id, url]) => row(id, url, () => url.replace('{port}', String(trap.port)))),
    ...near.map(([name, change]) => row('NET-04', name, change)),
  ]);

  it('NET-04 the answer goes to the registered address', async () => {
    const { bpp, net } = arena();
    const baseline = bpp.baseline();
    expectAck(await sendScenario(bpp, baseline));
    await net.settle();
    const { transaction_id: transactionId } = baseline.message.context;
    expect(bpp.peer.last('on_select', String(transactionId))).to.not.equal(undefined);
  });

  for (const url of ['http://169.254.169.254/', 'http://10.0.0.1:80/', 'http://192.168.1.1/', 'https://example.com/']) {
    it(`NET-01 nobody subscribes with ${url}`, async () => {
      const { evil, net, tap } = arena();
      const calls = tap.calls.length;
      const nowMs = net.context.wall.nowMs();
      const application = {
        ...{ subscriber_id: 'inside.example.com', url, type: 'BAP', domain: 'd', key_id: 'key-1', nonce: '12345678' },
        location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
        signing_public_key: evil.keys.signingPublicKey,
        encr_public_key: evil.keys.encryptionPublicKey,
        valid_from: new Date(nowMs).toISOString(),
        valid_until: new Date(nowMs + MINUTE_MS).toISOString(),
      };
      const body = Buffer.from(JSON.stringify(application));
      const headers = [['Content-Type', 'application/json']] as const;
      const answer = await sendWire({ url: `${net.registry.url}/subscribe`, headers, body });
      expect([answer.status, answer.body.error?.code]).to.deep.equal([400, 'SCH_INVALID_FORMAT']);
      expect(answer.body.error?.message).to.contain('url');
      await net.settle();
      expect(tap.calls.slice(calls)).to.deep.equal([]);
    });
  }

  for (const status of someOf([301, 302, 303, 307, 308], 2)) {
    it(`NET-05 a callback answered ${status} to an address inside: not followed`, async () => {
      const { bpp, net, tap } = arena();
      const { peer } = bpp;
      const calls = tap.calls.length;
      expectAck(await sendScenario(bpp, bpp.baseline()), 'the twin');
      await net.settle();
      const redirected = new Promise<void>((resolve) => {
        peer.reply = (_, response) => {
          response.redirect(status, `http://127.0.0.1:${trap.port}/on_select`);
          resolve();
        };
      });
      expectAck(await sendScenario(bpp, bpp.baseline()));
      await redirected;
      peer.reply = undefined;
      await net.settle();
      expect(new Set(tap.calls.slice(calls))).to.deep.equal(new Set([`${peer.url}/on_select`]));
    });
  }
});

describe('adversarial: a BPP that sends its caller elsewhere', function () {
  this.timeout(60_000);
  let net: TestNetwork;
  let honest: Counterparty;
  let rogue: Counterparty;
  let trap: Awaited<ReturnType<typeof openTrap>>;
  before(async () => {
    net = await TestNetwork.create({ bpps: 0 });
    trap = await openTrap();
    honest = await openCounterparty(net, { id: 'honest.example.com', type: 'BPP' });
    rogue = await openCounterparty(net, { id: 'rogue.example.com', type: 'BPP' });
  });
  after(async () => {
    await trap.close();
    for (const party of [honest, rogue]) await party?.close();
    await net?.close();
  });

  it('NET-05 select answered by a redirect inside: not followed, and the other BPP sells', async () => {
    const dso = { id: DSO_ID, url: `${net.bap.url}/beckn` };
    // Cheaper, so that it is asked first for all it says it has.
    startSeller(net, rogue, dso, { availableKw: 30, priceGbpPerKwh: 0.01 });
    const seller = startSeller(net, honest, dso, { availableKw: 1_000 });
    rogue.reply = (body, response) => {
      if (body.context.action === 'select') response.redirect(307, `http://127.0.0.1:${trap.port}/select`);
      else {
        response.json({ message: { ack: { status: 'ACK' } } });
        void rogue.react?.(body);
      }
    };
    for (let i = 0; i < 2; i++) await net.advance(MINUTE_MS);
    net.feeder.push();
    await net.advance(MINUTE_MS);
    expect(rogue.received.map(({ context }) => context.action)).to.include('select');
    expect(trap.calls).to.equal(0);
    expect(seller.sold.length).to.be.greaterThan(0);
  });
});
