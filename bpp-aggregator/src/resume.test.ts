import { decodeOnUpdate, encodeUpdate } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { BusClient, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import type { DeviceCommand } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { type Bench, openBench } from './testing/bench.ts';
import { feederOf, START_MS } from './testing/portfolio.ts';
import { type Ask, buy, buyInit, buyQuote, confirmation, reports } from './testing/purchase.ts';

const DERS = 40;
const ask: Ask = { feeder: feederOf(0), kw: 200, window: { startMs: START_MS, endMs: START_MS + 1_800_000 } };

/** A bus that takes `count` publishes and then answers nothing any more: the process dies before it would. */
function dyingAfter(count: number, bus: DeviceBus): DeviceBus & { kill(): Promise<void> } {
  let taken = 0;
  let client: BusClient | undefined;
  const hanging: ((reason: Error) => void)[] = [];
  return {
    kind: bus.kind,
    url: bus.url,
    async kill() {
      for (const reject of hanging) reject(new Error('killed'));
      await client?.close();
    },
    async connect(options) {
      const opened = await bus.connect(options);
      client = opened;
      return {
        protocolVersion: opened.protocolVersion,
        shares: opened.shares,
        subscribe: (filter, handler, more) => opened.subscribe(filter, handler, more),
        publish: (topic, payload, more) =>
          ++taken > count ? new Promise((_, reject) => hanging.push(reject)) : opened.publish(topic, payload, more),
        get connected() {
          return opened.connected;
        },
        get counts() {
          return opened.counts;
        },
        close: () => opened.close(),
      };
    },
  };
}

function executions(commands: readonly DeviceCommand[]): Map<string, Set<string>> {
  const byDevice = new Map<string, Set<string>>();
  for (const { der_id, command_id } of commands)
    byDevice.set(der_id, (byDevice.get(der_id) ?? new Set()).add(command_id));
  return byDevice;
}

describe('a restart', function () {
  this.timeout(60_000);
  let bench: Bench;

  before(async () => {
    bench = await openBench({ ders: DERS, onDisk: true, feeders: 3 });
  });

  after(async () => {
    await bench?.close();
  });

  it('a quote holds its devices until its time (wall) is over, and no longer', async function () {
    thorough.call(this);
    const buyer = bench.world.bap('dso-1');
    const service = await bench.start({}, { quoteTtlMs: 2_000 });
    await bench.report();
    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, buyer, { ...ask, kw: 266 }, transactionId);
    expect(quote?.totalKw).to.equal(266);
    expect((await buyQuote(bench, buyer, ask)).error?.code).to.equal('40002');
    await bench.context.wall.sleep(2_100);
    await bench.settle();
    expect((await buyQuote(bench, buyer, ask)).quote?.totalKw).to.equal(200);
    const orderId = bench.world.newId() as Parameters<typeof confirmation>[2];
    await buyer.send('confirm', confirmation(firm!, quote!, orderId, bench.context.wall.nowMs()), { transactionId });
    expect((await bench.world.next('on_confirm', transactionId)).error?.code).to.equal('40003');
    expect(bench.fleet.received).to.have.length(0);
    await service.close();
    await bench.crash();
  });

  it('in the middle of a fan-out sends the rest once; what was sent is not acted on twice', async () => {
    const buyer = bench.world.bap('dso-2');
    const { engines } = bench.context;
    const bus = dyingAfter(13, engines.bus);
    const dying = await bench.start({ engines: { ...engines, bus } });
    await bench.report();
    // A broker hands out retained states one after the other.
    const online = async () => (await dying.health()).dependencies.portfolio?.detail === '120 of 120 devices online';
    await bench.until('every device online', online);
    const order = await buyOrder(buyer);
    await bench.until('13 commands', () => bench.fleet.received.length >= 13);
    const before = bench.fleet.received.length;
    expect(before).to.equal(13);
    expect(reports(bench, order)).to.have.length(0);

    // Its database is gone before it learns of anything; what is left of it only has to let go of its sockets.
    await bench.crash();
    await bus.kill();
    void dying.close().catch(() => {});
    const again = await bench.start();
    await bench.report();
    const done = await bench.world.next('on_status', order);
    expect(done.error).to.equal(undefined);
    await bench.until('the answers', () => reports(bench, order).at(-1)?.dispatch?.closed === true);
    const byDevice = executions(bench.fleet.received);
    expect(byDevice.size).to.equal(31);
    expect([...byDevice.values()].every((ids) => ids.size === 1)).to.equal(true);
    expect(bench.fleet.received.length).to.be.above(before);
    const closed = reports(bench, order).at(-1);
    expect(closed?.dispatch).to.include({ commands: 31, accepted: 31, silent: 0, closed: true });
    await again.close();
    await bench.crash();
  });

  it('after a change that was answered, and before its commands left, sends them', async () => {
    const buyer = bench.world.bap('dso-3');
    const { engines } = bench.context;
    // Twenty kW of 7 kW devices of which 95 % are expected: four commands of the order, and none of its change.
    const bus = dyingAfter(4, engines.bus);
    const dying = await bench.start({ engines: { ...engines, bus } });
    await bench.report();
    const online = async () => (await dying.health()).dependencies.portfolio?.detail === '120 of 120 devices online';
    await bench.until('every device online', online);
    bench.fleet.received.length = 0;
    const order = await buy(bench, buyer, { ...ask, feeder: feederOf(2), kw: 20 });
    const { transactionId, orderId } = order;
    await bench.until('the answers', () => reports(bench, transactionId).at(-1)?.dispatch?.closed === true);
    const endMs = ask.window.endMs - 600_000;
    const window = { startMs: ask.window.startMs, endMs };
    await buyer.send('update', encodeUpdate({ orderId, items: [], window }), { transactionId });
    const { changed } = decodeOnUpdate((await bench.world.next('on_update', transactionId)) as never);
    expect(changed.revision).to.equal(1);
    await bench.crash();
    await bus.kill();
    void dying.close().catch(() => {});
    expect(bench.fleet.received).to.have.length(4);
    const again = await bench.start();
    await bench.until('the answers', () => reports(bench, transactionId).at(-1)?.dispatch?.revision === 1);
    await bench.until('all answers', () => reports(bench, transactionId).at(-1)?.dispatch?.closed === true);
    const told = bench.fleet.received.slice(4);
    expect(new Set(told.map(({ der_id }) => der_id)).size).to.equal(4);
    expect(told.every(({ stop_at }) => Date.parse(stop_at) === endMs)).to.equal(true);
    expect(reports(bench, transactionId).at(-1)?.dispatch).to.include({ commands: 4, accepted: 4 });
    await again.close();
  });

  async function buyOrder(buyer: Parameters<typeof buy>[1]): Promise<string> {
    const transactionId = bench.world.newId();
    const { quote, firm, error } = await buyQuote(bench, buyer, { ...ask, feeder: feederOf(1) }, transactionId);
    expect(error?.message).to.equal(undefined);
    const orderId = await buyInit(bench, buyer, transactionId, firm!);
    await buyer.send('confirm', confirmation(firm!, quote!, orderId, bench.context.wall.nowMs()), { transactionId });
    await bench.world.next('on_confirm', transactionId);
    return transactionId;
  }
});
