/** Ten times what a service serves comfortably, of a network of 5,000 devices. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKLOG_MESSAGES } from '@flexder/runtime/participant/limits.ts';
import { expect } from 'chai';
import { type EngineCluster, needsAllEngines, openEngineCluster } from '../harness/engine-cluster.ts';
import { flood, quantile, TTL_MS } from '../harness/flood.ts';
import { allAlive, allSettled, onlyOnce, type Query, recordsInOrder, sidesAgree } from '../harness/invariants.ts';
import { askUntil, getJson, metricOf } from '../harness/processes.ts';
import type { Errand } from '../harness/shopper.ts';

const DERS = 5_000;
const FLOOD_S = 20;
const TIMES = 10;
const CALIBRATED_MS = 3_000;
const SETTLED_MS = 60_000;
const WATCH_MS = 500;

describe('faults: more than a service can work on', function () {
  this.timeout(300_000);
  let net: EngineCluster;
  let bpp: Query;
  let turn = 0;

  before(async function () {
    needsAllEngines.call(this);
    net = await openEngineCluster({
      ders: DERS,
      bpps: 1,
      telemetrySeconds: 60,
      // What is not bought is over soon, so that what is left can be judged.
      variables: (name): Record<string, string> => (name.startsWith('bpp') ? { FLEXDER_BPP_QUOTE_TTL_MS: '8000' } : {}),
    });
    bpp = await net.sql.of('aggregator-1');
  });
  after(() => net?.close());

  const errand = (kw = 1): Errand =>
    net.shopper.errand(net.bpp(), { feeder: `feeder-${(turn++ % 3) + 1}`, providerId: 'provider-1', kw });

  /** Requests a second when each is answered before the next is sent: what is served without anybody waiting. */
  async function comfortable(): Promise<number> {
    let count = 0;
    const startedMs = performance.now();
    for (; performance.now() - startedMs < CALIBRATED_MS; count++)
      expect((await net.shopper.buy(errand(), 'select')).state).to.equal('quoted');
    return (count * 1000) / (performance.now() - startedMs);
  }

  it('F-23 queues and memory stay bounded, who is too many is told when to come again, and what was promised is kept', async () => {
    const perSecond = TIMES * (await comfortable());
    const backlog: number[] = [];
    const violations: string[] = [];
    let flooding = true;
    const watching = (async () => {
      for (; flooding; await sleep(WATCH_MS)) {
        backlog.push(await metricOf(net.of('bpp-1'), 'inbound_backlog').catch(() => 0));
        violations.push(...allAlive(net.running(), ''));
      }
    })();
    const requests = await flood({ shopper: net.shopper, errand, perSecond, seconds: FLOOD_S, seed: 1 });
    const settled = async () => [
      ...(await allSettled('aggregator-1', bpp)),
      ...(await recordsInOrder('aggregator-1', bpp)),
    ];
    const left = await askUntil(settled, (found) => found.length === 0, SETTLED_MS).catch(settled);
    flooding = false;
    await watching;

    const accepted = requests.filter(({ status }) => status === 200);
    const shed = requests.filter(({ status }) => status === 429 || status === 503);
    const waits = accepted.map(({ sentMs, answeredMs = Number.POSITIVE_INFINITY }) => answeredMs - sentMs);
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(waits, share)));
    const numbers = `${requests.length} requests at ${Math.round(perSecond)} a second: ${accepted.length} accepted, ${shed.length} shed`;
    const more = `backlog at most ${Math.max(...backlog)}, answers after ${p50} ms (p50), ${p99} ms (p99)`;
    process.stderr.write(`\n      ${numbers}; ${more}\n`);

    expect(shed.length, 'shed').to.be.above(0);
    expect(requests.length - accepted.length - shed.length, 'heard something else, or nothing').to.equal(0);
    expect(new Set(shed.map(({ retryAfter }) => retryAfter))).to.deep.equal(new Set(['1']));
    expect(Math.max(...backlog)).to.be.at.most(BACKLOG_MESSAGES);
    expect(violations).to.deep.equal([]);
    expect([...new Set(accepted.map(({ answers }) => answers))], 'answers to each that was accepted').to.deep.equal([
      1,
    ]);
    expect(quantile(waits, 0.99), 'p99 of the waits for answers').to.be.below(TTL_MS);
    const ids = accepted.map(({ messageId }) => `'${messageId}'`).join(',');
    const handled = await bpp(
      `select count(*)::int as n from inbound_message where state = 'handled' and message_id in (${ids})`,
    );
    expect(handled[0]!.n, 'handled, of those accepted').to.equal(accepted.length);
    expect([...left, ...onlyOnce(net.journal), ...allAlive(net.running(), net.logs())]).to.deep.equal([]);
  });

  it('and afterwards it serves as before', async () => {
    net.shopper.party.react = undefined;
    await askUntil(
      () => getJson(`${net.of('bpp-1').health}/health/ready`),
      ({ status }) => status === 200,
      SETTLED_MS,
    );
    const of = await net.shopper.buy(errand(20), 'select', 'init', 'confirm');
    expect(of.state, of.refusal).to.equal('confirmed');
    expect(of.asked.map(({ tries }) => tries)).to.deep.equal([[200], [200], [200]]);
    expect(await net.shopper.closed(of)).to.include({ closed: true });
    expect([...onlyOnce(net.journal), ...(await sidesAgree('aggregator-1', bpp, [of]))]).to.deep.equal([]);
  });
});
