/** The clock of an aggregator's process is set while it works; monotonic time goes on as ever. */
import { REGISTRY_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { type EngineCluster, needsAllEngines, openEngineCluster } from '../harness/engine-cluster.ts';
import { needsFaketime, type WrongClock, wrongClock } from '../harness/faketime.ts';
import {
  allAlive,
  allAnswered,
  allSettled,
  countsAreTrue,
  nothingLate,
  onlyOnce,
  ordersInOrder,
  type Query,
  recordsInOrder,
  sidesAgree,
} from '../harness/invariants.ts';
import { askUntil, metricOf } from '../harness/processes.ts';
import type { Errand } from '../harness/shopper.ts';
import { sendWire, type WireAnswer } from '../harness/wire.ts';

const SETTLED_MS = 40_000;
const HOUR_S = 3_600;
/** Commands that are out when the clock is set: some, and by far not all. */
const OUT = 6;

describe('faults: the clock of a process is set', function () {
  this.timeout(120_000);
  let net: EngineCluster;
  let clock: WrongClock;
  let bpp: Query;
  const errands: Errand[] = [];

  before(async function () {
    needsAllEngines.call(this);
    needsFaketime.call(this);
    clock = wrongClock();
    net = await openEngineCluster({
      ders: 180,
      bpps: 1,
      variables: (name): Record<string, string> => (name === 'bpp-1' ? clock.variables : {}),
    });
    bpp = await net.sql.of('aggregator-1');
    // The buyer has been a member for long: its key is valid whatever a wrong clock says.
    const registry = await net.sql.of(REGISTRY_ID);
    await registry(`update subscription set valid_from = valid_from - interval '1 day' where type = 'BAP'`);
  });
  afterEach(() => clock?.set(0));
  after(() => net?.close());

  function errand(kw: number, feeder: number): Errand {
    const types = ['battery', 'ev-charger', 'heat-pump'] as const;
    const of = net.shopper.errand(net.bpp(), { feeder: `feeder-${feeder}`, providerId: 'provider-1', kw, types });
    errands.push(of);
    return of;
  }
  async function violations(): Promise<string[]> {
    const open = async () => [
      ...(await allSettled('aggregator-1', bpp)),
      ...(await recordsInOrder('aggregator-1', bpp)),
    ];
    const left = await askUntil(open, (found) => found.length === 0, SETTLED_MS).catch(open);
    return [
      ...left,
      ...onlyOnce(net.journal),
      ...nothingLate(net.journal),
      ...allAnswered(net.shopper, errands),
      ...(await countsAreTrue('aggregator-1', bpp, net.journal)),
      ...(await ordersInOrder('aggregator-1', bpp)),
      ...(await sidesAgree('aggregator-1', bpp, errands)),
      ...allAlive(
        net.running().filter(({ child }) => child.signalCode !== 'SIGKILL'),
        net.logs(),
      ),
    ];
  }
  async function expectWhole(of: Errand) {
    expect(of.state, of.refusal).to.equal('confirmed');
    const report = await net.shopper.closed(of);
    expect(report).to.include({ closed: true });
    expect(await violations()).to.deep.equal([]);
    return report!;
  }

  for (const [aheadS, feeder] of [
    [-10, 2],
    [10, 3],
  ] as const)
    it(`F-16 by ${aheadS} s in the middle of a fan-out: every command leaves once, and both sides agree`, async () => {
      const of = await net.shopper.buy(errand(100, feeder), 'select', 'init');
      await net.line('bpp-1', 'bus').set({ mode: 'slice', bytes: 256, everyMs: 10 });
      let heard = 0;
      const set = new Promise<number>((resolve) => {
        net.journal.onCommand = () => {
          if (++heard !== OUT) return;
          clock.set(aheadS);
          resolve(heard);
        };
      });
      await net.shopper.buy(of, 'confirm');
      const out = await set;
      net.journal.onCommand = undefined;
      await net.line('bpp-1', 'bus').set({ mode: 'pass' });
      const report = await expectWhole(of);
      expect(out).to.be.below(report.commands);
      expect(report.accepted).to.be.above(0);
    });

  it('F-16 back by 10 s while it waits for answers that do not come: it stops waiting all the same', async () => {
    const of = await net.shopper.buy(errand(20, 1), 'select', 'init');
    await net.kill('fleet');
    try {
      await net.shopper.buy(of, 'confirm');
      clock.set(-10);
      const report = await expectWhole(of);
      expect(report.silent).to.be.above(0).and.equal(report.commands);
    } finally {
      await net.start('fleet');
    }
    clock.set(0);
    await net.untilDevices('bpp-1');
  });

  describe('F-16 by an hour', () => {
    /** An on_select as the aggregator says it with its clock so, brought to the DSO, whose clock is right. */
    async function saidWith(aheadS: number): Promise<{ answer: WireAnswer; counted: number }> {
      const { party } = net.shopper;
      const of = errand(2, 1);
      const said = new Promise<{ body: Buffer; authorization: string }>((resolve) => {
        party.reply = (body, response) => {
          const { authorization = '' } = response.req.headers;
          resolve({ body: Buffer.from(JSON.stringify(body)), authorization });
          response.json({ message: { ack: { status: 'ACK' } } });
        };
      });
      // It takes the message while its clock is right, and answers when it no longer is.
      await bpp('begin');
      await bpp('lock table flex_order in access exclusive mode');
      const asked = await net.shopper.send('select', of);
      clock.set(aheadS);
      await bpp('rollback');
      expect(asked.acked).to.equal(true);
      const { body, authorization } = await said;
      party.reply = undefined;
      await net.shopper.heard(of, asked);
      const before = await metricOf(net.of('bap'), 'clock_skew');
      const url = `${net.of('bap').url}/beckn/on_select`;
      const headers = [['Content-Type', 'application/json'] as const, ['Authorization', authorization] as const];
      const answer = await sendWire({ url, headers, body });
      return { answer, counted: (await metricOf(net.of('bap'), 'clock_skew')) - before };
    }

    it('the twin: with the right time, what it says is not refused for that', async () => {
      const { answer, counted } = await saidWith(0);
      expect(counted).to.equal(0);
      // It is for somebody else.
      expect(answer.body.error?.code).to.equal('AUT_UNAUTHORIZED_ACTION');
    });

    for (const [aheadS, its, others] of [
      [HOUR_S, /ahead/, /ago|expire|old/],
      [-HOUR_S, /ago|expire|old/, /ahead/],
    ] as const)
      it(`${aheadS} s: what it says and what it hears is refused with the reason and counted, until it is set right`, async () => {
        const { answer, counted } = await saidWith(aheadS);
        expect([answer.status, answer.body.error?.code]).to.deep.equal([401, 'AUT_SIGNATURE_INVALID']);
        expect(answer.text).to.match(its);
        expect(counted).to.equal(1);

        const before = await metricOf(net.of('bpp-1'), 'clock_skew');
        const { party } = net.shopper;
        const of = errand(2, 2);
        const exchange = { transactionId: of.transactionId };
        const refused = await party.send(
          net.bpp(),
          'select',
          { message: net.shopper.contentOf('select', of) },
          exchange,
        );
        expect([refused.status, refused.body.error?.code]).to.deep.equal([401, 'AUT_SIGNATURE_INVALID']);
        expect(refused.text).to.match(others);
        expect(await metricOf(net.of('bpp-1'), 'clock_skew')).to.equal(before + 1);

        clock.set(0);
        await net.untilDevices('bpp-1');
        const bought = await net.shopper.buy(errand(20, 2), 'select', 'init', 'confirm');
        await expectWhole(bought);
      });
  });
});
