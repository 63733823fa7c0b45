import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { transactionId } from '@flexder/protocol/beckn/identifiers.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import { expect } from 'chai';
import type { GatewayService } from '../main.ts';
import { sign } from '../testing/messages.ts';
import { type Network, newKeys, openNetwork, type Peer } from '../testing/network.ts';

const sample = new URL('../../../schemas/samples/v1.1/search.json', import.meta.url);
const intent = (JSON.parse(readFileSync(sample, 'utf8')) as { message: unknown }).message;
const hooks = { onUndelivered: async () => {} };

describe('the gateway', () => {
  let network: Network;
  let gateway: GatewayService;
  let bap: Peer;
  const heard: { by: string; message: InboundMessage }[] = [];

  async function bppNamed(id: string): Promise<Peer> {
    const bpp = await network.peer({ id, type: 'BPP' });
    await bpp.participant.serve({ search: async (_work, message) => void heard.push({ by: id, message }) }, hooks);
    return bpp;
  }

  before(async function () {
    this.timeout(60_000);
    network = await openNetwork();
    gateway = await network.gateway();
    bap = await network.peer({ id: 'bap.example', type: 'BAP' });
    await bap.participant.serve({}, hooks);
  });
  after(() => network.close());

  it('sends a search on untouched to every BPP under both signatures, a hanging one in nobody’s way', async () => {
    const hung = await network.peer({ id: 'hung.example', type: 'BPP' });
    hung.server.server.removeAllListeners('request').on('request', () => {});
    await bppNamed('bpp-a.example');
    await bppNamed('bpp-b.example');
    const [found] = await bap.participant.subscribers('BG');
    expect(found?.subscriberId).to.equal(gateway.subscriberId);
    await bap.participant.transact((work) =>
      work.send({
        action: 'search',
        to: gateway.participant.subscriberId,
        toType: 'BG',
        transactionId: transactionId(randomUUID()),
        ttlMs: 2_000,
        message: intent,
      }),
    );
    for (let i = 0; i < 100 && heard.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard.map(({ by }) => by).sort()).to.deep.equal(['bpp-a.example', 'bpp-b.example']);
    for (const { message } of heard) {
      expect(message.signerId).to.equal('bap.example');
      expect(message.gatewayId).to.equal(gateway.subscriberId);
    }
    const [own] = await bap.participant.audit.byTransaction(heard[0]?.message.body.context.transaction_id ?? '');
    expect(own?.payload_sha256).to.equal(heard[0]?.message.sha256);
    hung.server.server.closeAllConnections();
  });

  it('refuses a search that its BAP did not sign', async () => {
    const body = Buffer.from(heard[0]?.message.raw.text ?? '');
    const post = (authorization: string) =>
      fetch(`${gateway.url}/search`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', authorization },
      });
    expect((await post(sign(body, 'bap.example', newKeys()))).status).to.equal(401);
    expect((await post(sign(body, 'bap.example', bap.config.keys))).status).to.equal(200);
  });

  it('says whether it is ready', async () => {
    const response = await fetch(`${gateway.url}/health/ready`);
    expect([response.status, ((await response.json()) as { ready: boolean }).ready]).to.deep.equal([200, true]);
  });
});
