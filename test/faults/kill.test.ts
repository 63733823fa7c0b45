/** Services are killed in the middle of an order, as real processes on real engines; what is left is judged from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type EngineCluster, needsAllEngines, openEngineCluster } from '../harness/engine-cluster.ts';
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
import type { Errand } from '../harness/shopper.ts';

const DERS = 540;
const PROCESSES = ['bpp-1', 'bpp-1b', 'bpp-1c'];
const SETTLED_MS = 30_000;

describe('faults: a process is killed', function () {
  this.timeout(120_000);
  let net: EngineCluster;
  let bpp: Query;
  const errands: Errand[] = [];

  before(async function () {
    needsAllEngines.call(this);
    net = await openEngineCluster({ ders: DERS, copies: 2 });
    bpp = await net.sql.of('aggregator-1');
  });
  beforeEach(async () => {
    for (const name of PROCESSES) if (net.of(name).child.signalCode !== null) await net.start(name);
  });
  after(() => net?.close());

  const errand = (kw: number, feeder: number) => {
    const types = ['battery', 'ev-charger', 'heat-pump'] as const;
    const of = net.shopper.errand(net.bpp(), { feeder: `feeder-${feeder}`, providerId: 'provider-1', kw, types });
    errands.push(of);
    return of;
  };
  /** The process that answered what `send` sent, by the count of the balancer. */
  async function answererOf(send: () => Promise<unknown>): Promise<string> {
    const before = new Map(net.balancer!.answered);
    await send();
    const url = [...net.balancer!.answered].find(([origin, n]) => n > (before.get(origin) ?? 0))?.[0];
    return net.services.find((service) => service.url === url)!.name;
  }
  /** Runs `body` while nobody can touch a table; what waits for it waits. */
  async function locking<T>(table: string, body: () => Promise<T>): Promise<T> {
    await bpp(`begin`);
    await bpp(`lock table ${table} in access exclusive mode`);
    try {
      return await body();
    } finally {
      await bpp('rollback');
    }
  }
  async function untilSettled(): Promise<string[]> {
    for (const untilMs = Date.now() + SETTLED_MS; ; await sleep(250)) {
      const open = [...(await allSettled('aggregator-1', bpp)), ...(await recordsInOrder('aggregator-1', bpp))];
      if (open.length === 0 || Date.now() > untilMs) return open;
    }
  }
  async function violations(): Promise<string[]> {
    const open = await untilSettled();
    const alive = net.running().filter(({ child }) => child.signalCode !== 'SIGKILL');
    return [
      ...open,
      ...onlyOnce(net.journal),
      ...nothingLate(net.journal),
      ...allAnswered(net.shopper, errands),
      ...(await countsAreTrue('aggregator-1', bpp, net.journal)),
      ...(await ordersInOrder('aggregator-1', bpp)),
      ...(await sidesAgree('aggregator-1', bpp, errands)),
      ...allAlive(alive, net.logs()),
    ];
  }
  async function expectWhole(of: Errand): Promise<number> {
    expect(of.state, of.refusal).to.equal('confirmed');
    const report = await net.shopper.closed(of);
    expect(report).to.include({ closed: true });
    expect(await violations()).to.deep.equal([]);
    return report!.commands;
  }

  it('nobody is: the twin of what follows', async () => {
    const of = errand(20, 1);
    await net.shopper.buy(of, 'select', 'init', 'confirm');
    expect(await expectWhole(of)).to.be.above(1);
  });

  it('F-01 after its ACK and before it handled the message: another does, once', async () => {
    const of = errand(20, 1);
    await net.shopper.buy(of, 'select', 'init');
    let asked: Awaited<ReturnType<typeof net.shopper.send>>;
    const victim = await locking('flex_order', async () => {
      const name = await answererOf(async () => {
        asked = await net.shopper.send('confirm', of);
      });
      await net.kill(name);
      return name;
    });
    expect(asked!).to.deep.include({ acked: true, tries: [200] });
    expect(PROCESSES).to.include(victim);
    await net.shopper.heard(of, asked!);
    await expectWhole(of);
  });

  it('F-02 in the middle of a fan-out: the others send the rest, and no device acts twice', async () => {
    const of = errand(400, 2);
    await net.shopper.buy(of, 'select', 'init');
    // Commands trickle out of each process, so that the middle of the fan-out lasts.
    for (const name of PROCESSES) await net.line(name, 'bus').set({ mode: 'slice', bytes: 256, everyMs: 10 });
    const startBytes = new Map(PROCESSES.map((name) => [name, net.line(name, 'bus').forwardedBytes]));
    const sentBy = (name: string) => net.line(name, 'bus').forwardedBytes - startBytes.get(name)!;
    const heard = new Set<string>();
    const killed = new Promise<{ victim: string; sent: number }>((resolve) => {
      net.journal.onCommand = ({ command_id, der_id }) => {
        if (der_id && heard.add(command_id).size !== 12) return;
        const [victim = ''] = [...PROCESSES].sort((a, b) => sentBy(b) - sentBy(a));
        void net.kill(victim).then(() => resolve({ victim, sent: heard.size }));
      };
    });
    await net.shopper.buy(of, 'confirm');
    const { victim, sent } = await killed;
    net.journal.onCommand = undefined;
    for (const name of PROCESSES) await net.line(name, 'bus').set({ mode: 'pass' });
    const commands = await expectWhole(of);
    expect(commands).to.be.above(50);
    expect(sent, `commands out when ${victim} died`).to.be.within(12, commands - 1);
  });

  it('while its answer is under way: another delivers it, and it is the same', async () => {
    const of = errand(20, 3);
    await net.shopper.buy(of, 'select', 'init');
    const { party } = net.shopper;
    // The first on_confirm is never acknowledged: its sender dies waiting.
    const arrived = new Promise<void>((resolve) => {
      party.reply = (body, response) => {
        if (body.context.action !== 'on_confirm') return void response.json({ message: { ack: { status: 'ACK' } } });
        party.reply = undefined;
        resolve();
      };
    });
    let asked: Awaited<ReturnType<typeof net.shopper.send>>;
    const victim = await answererOf(async () => {
      asked = await net.shopper.send('confirm', of);
    });
    await arrived;
    await net.kill(victim);
    for (const untilMs = Date.now() + SETTLED_MS; net.shopper.answersTo(of, asked!).length < 2; await sleep(100))
      if (Date.now() > untilMs) throw new Error('on_confirm came only once');
    await net.shopper.heard(of, asked!);
    await expectWhole(of);
  });

  it('all of them at once, with an order acknowledged: they take it up when they are back', async () => {
    const of = errand(20, 3);
    await net.shopper.buy(of, 'select', 'init');
    let asked: Awaited<ReturnType<typeof net.shopper.send>>;
    await locking('flex_order', async () => {
      asked = await net.shopper.send('confirm', of);
      await Promise.all(PROCESSES.map((name) => net.kill(name)));
    });
    await net.startAll(...PROCESSES);
    await net.shopper.heard(of, asked!);
    await expectWhole(of);
  });
});
