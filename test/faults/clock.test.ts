/** Clocks that disagree: within the skew nobody notices, beyond it the sender is told why and it is counted. */
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import { post, statusBody } from '@flexder/registry-mock/testing/messages.ts';
import { type Network, openNetwork, type Peer } from '@flexder/registry-mock/testing/network.ts';
import { expect } from 'chai';

describe('faults: clocks', function () {
  this.timeout(60_000);
  let network: Network;
  let bap: Peer;
  let bpp: Peer;

  before(async () => {
    network = await openNetwork();
    bap = await network.peer({ id: 'bap.example', type: 'BAP' });
    bpp = await network.peer({ id: 'bpp.example', type: 'BPP' });
    await bpp.participant.serve({ status: async () => {} }, { onUndelivered: async () => {} });
  });
  after(() => network?.close());

  /** The answer to a message of a peer whose clock is `seconds` ahead, in signature and message alike. */
  async function fromClock(seconds: number) {
    const nowMs = Date.now() + seconds * 1000;
    const body = Buffer.from(JSON.stringify(statusBody(bap, bpp, { timestamp: new Date(nowMs).toISOString() })));
    const createdS = Math.floor(nowMs / 1000);
    const { subscriberId, keys } = bap.config;
    const party = { subscriberId, keyId: keys.keyId, seed: keys.signingSeed };
    const authorization = signMessage({ body, ...party, createdS, expiresS: createdS + 30 });
    const counted = () => [
      bpp.context.metrics.total('inbound', { result: 'rejected' }),
      bpp.context.metrics.total('clock_skew'),
    ];
    const before = counted();
    const { status, body: said } = await post(`${bpp.config.url}/status`, body, { authorization });
    return {
      status,
      code: said.error?.code,
      text: said.error?.message ?? '',
      rejections: counted().map((count, index) => count - before[index]!),
    };
  }

  for (const seconds of [-4, 0, 4])
    it(`F-16 a peer whose clock is ${seconds} s ahead is heard`, async () => {
      const { status, rejections } = await fromClock(seconds);
      expect([status, ...rejections]).to.deep.equal([200, 0, 0]);
    });

  for (const [seconds, says] of [
    [60, /created lies .* ahead|ahead/],
    [3_600, /ahead/],
    [-60, /expire/],
    [-3_600, /ago|expire|old/],
  ] as const)
    it(`F-16 a peer whose clock is ${seconds} s ahead is told so, and it is counted`, async () => {
      const { text, ...answer } = await fromClock(seconds);
      expect(answer).to.deep.equal({ status: 401, code: 'AUT_SIGNATURE_INVALID', rejections: [1, 1] });
      expect(text).to.match(says);
    });
});
