/** A peer that hangs, and services that are replaced while messages come in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type EngineCluster, needsAllEngines, openEngineCluster } from '../harness/engine-cluster.ts';
import { allAnswered, allSettled, onlyOnce, recordsInOrder, sidesAgree } from '../harness/invariants.ts';
import { askUntil } from '../harness/processes.ts';
import type { Errand } from '../harness/shopper.ts';

const SETTLED_MS = 40_000;
const HANGS_MS = 12_000;
/** POSTs at once to a peer that hangs, and those that probe it afterwards: each waits five seconds, pauses grow to four. */
const CALLS_MOST = 8 + 4;

describe('faults: a peer hangs, and a rolling deployment', function () {
  this.timeout(120_000);
  let net: EngineCluster;

  before(async function () {
    needsAllEngines.call(this);
    net = await openEngineCluster({
      ders: 60,
      copies: 1,
      // What is not bought is over soon, so that what is left can be judged.
      variables: (name): Record<string, string> => (name.startsWith('bpp') ? { FLEXDER_BPP_QUOTE_TTL_MS: '8000' } : {}),
    });
  });
  after(() => net?.close());

  const errand = (bpp = 1) =>
    net.shopper.errand(net.bpp(bpp), { feeder: 'feeder-1', providerId: `provider-${bpp}`, kw: 2 });

  async function violations(errands: readonly Errand[]): Promise<string[]> {
    const queries = await Promise.all(
      [1, 2].map(async (n) => [`aggregator-${n}`, await net.sql.of(`aggregator-${n}`)] as const),
    );
    const open = async () =>
      (
        await Promise.all(
          queries.map(async ([id, q]) => [...(await allSettled(id, q)), ...(await recordsInOrder(id, q))]),
        )
      ).flat();
    const left = await askUntil(open, (found) => found.length === 0, SETTLED_MS).catch(open);
    const agree = queries.map(([id, q]) =>
      sidesAgree(
        id,
        q,
        errands.filter((of) => of.bpp.id === id),
      ),
    );
    return [
      ...left,
      ...onlyOnce(net.journal),
      ...allAnswered(net.shopper, errands),
      ...(await Promise.all(agree)).flat(),
    ];
  }

  it('F-19 a buyer that hangs is called a bounded number of times, and hears everything once it is back', async () => {
    const { party } = net.shopper;
    const errands = Array.from({ length: 16 }, () => errand(2));
    let calls = 0;
    party.reply = () => void calls++;
    const asked = await Promise.all(errands.map((of) => net.shopper.send('select', of)));
    expect(asked.every(({ acked }) => acked)).to.equal(true);
    await sleep(HANGS_MS);
    expect(calls).to.be.within(1, CALLS_MOST);
    party.reply = undefined;
    await Promise.all(errands.map((of, i) => net.shopper.heard(of, asked[i]!)));
    expect(await violations(errands)).to.deep.equal([]);
  });

  for (const name of ['bpp-1', 'bpp-1b', 'bpp-2', 'gateway', 'registry', 'bap'])
    it(`F-21 ${name} is replaced under load: it ends by itself with 0, and no message is lost`, async () => {
      const errands: Errand[] = [];
      const going: Promise<unknown>[] = [];
      let placing = true;
      const load = (async () => {
        for (let i = 0; placing; i++, await sleep(60)) {
          const of = errand((i % 2) + 1);
          errands.push(of);
          going.push(net.shopper.buy(of, 'select', 'init'));
        }
      })();
      await sleep(500);
      const stopping = net.of(name);
      const code = await net.stop(name);
      await net.start(name);
      await sleep(500);
      placing = false;
      await load;
      await Promise.all(going);
      expect(code, stopping.log().slice(-2_000)).to.equal(0);
      expect(errands.length).to.be.above(20);
      expect(await violations(errands)).to.deep.equal([]);
      const lost = errands.filter(({ state }) => state === 'unanswered' || state === 'not-acked');
      expect(lost.map(({ asked }) => asked.at(-1)?.tries)).to.deep.equal([]);
    });
});
