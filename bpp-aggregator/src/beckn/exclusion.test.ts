import { decodeOnUpdate, encodeConfirm, encodeInit, encodeUpdate } from '@flexder/protocol/flexibility/codec-v1.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { derIdOf, feederOf } from '../testing/portfolio.ts';
import { type Ask, buy, buyQuote, REFERENCES, reports } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

/** Of 7 kW, 95 % of which can be expected: 66.5 kW a feeder, seven of them for 40 kW. */
const DERS = 10;

describe('devices that the DSO excludes', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let feeders = 0;
  let ask: Ask;
  /** Of the feeder of this test. */
  let derId: (index: number) => string;

  before(async function () {
    thorough.call(this);
    bench = await openBench({ ders: DERS, feeders: 6 });
    service = await bench.start();
    buyer = bench.world.bap('dso-1');
  });
  beforeEach(async () => {
    await bench.report();
    const startMs = bench.grid.nowMs() + 1_800_000;
    const first = feeders * DERS;
    derId = (index) => derIdOf(first + index);
    ask = { feeder: feederOf(feeders++), kw: 40, window: { startMs, endMs: startMs + 1_800_000 } };
    bench.fleet.received.length = 0;
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  const commanded = () => bench.fleet.received.filter(({ type }) => type !== 'RELEASE').map(({ der_id }) => der_id);
  const released = () => bench.fleet.received.filter(({ type }) => type === 'RELEASE').map(({ der_id }) => der_id);

  /** select, init and confirm, each with its own exclusions; the last answer. */
  async function order(wanted: Ask, atInit: readonly string[], atConfirm: readonly string[]) {
    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, buyer, wanted, transactionId);
    const request = { selection: firm!, references: REFERENCES };
    await buyer.send('init', encodeInit({ ...request, excludedDerIds: atInit }), { transactionId });
    const drawn = await bench.world.next('on_init', transactionId);
    if (drawn.error) return { transactionId, error: drawn.error };
    const { id } = (drawn.message as { order: { id: string } }).order;
    const agreed = { ...request, orderId: id as never, quote: quote!, excludedDerIds: atConfirm };
    await buyer.send('confirm', encodeConfirm(agreed, bench.context.wall.nowMs()), { transactionId });
    const { error } = await bench.world.next('on_confirm', transactionId);
    await bench.settle();
    return { transactionId, error, quote: quote! };
  }

  it('are not behind the quote, and without the exclusion they are', async () => {
    const all = await buyQuote(bench, buyer, { ...ask, kw: 66 });
    expect(all.quote?.totalKw).to.equal(66);
    const other = { ...ask, kw: 66, window: { startMs: ask.window.endMs, endMs: ask.window.endMs + 1_800_000 } };
    const left = await buyQuote(bench, buyer, { ...other, excludedDerIds: [derId(0), 'no-device-here'] });
    expect(left.quote?.totalKw).to.equal(59.8);
  });

  it('are not commanded, also when they are excluded only by init or by confirm, and others stand in for them', async () => {
    const { transactionId } = await buy(bench, buyer, ask);
    await bench.settle();
    expect(commanded()).to.include(derId(0)).and.to.have.length(7);
    expect(reports(bench, transactionId).at(-1)?.devices).to.deep.include({
      ...{ derId: derId(0), deviceType: 'ev-charger', askedKw: 7, answer: 'ACCEPTED' },
    });
    for (const [atInit, atConfirm] of [
      [[0, 1], []],
      [[], [0, 1]],
    ]) {
      await bench.report();
      bench.fleet.received.length = 0;
      const { endMs } = ask.window;
      ask = { ...ask, window: { startMs: endMs, endMs: endMs + 900_000 } };
      const { error } = await order(ask, atInit!.map(derId), atConfirm!.map(derId));
      expect(error).to.equal(undefined);
      expect(commanded()).to.have.length.of.at.least(6);
      expect(commanded())
        .to.not.include.members([derId(0)])
        .and.not.include.members([derId(1)]);
    }
  });

  it('end a quote that nobody else can fill, whose devices are free again', async () => {
    const { error } = await order({ ...ask, kw: 66 }, [], [derId(3)]);
    expect(error?.code).to.equal('40003');
    expect(error?.message).to.match(/excluded: .* kW more .* devices excluded: excluded-by-dso 1.*select again/);
    expect(commanded()).to.deep.equal([]);
    const again = await buyQuote(bench, buyer, { ...ask, excludedDerIds: [derId(3)] });
    expect(again.quote?.totalKw).to.equal(40);
  });

  it('leave a running order by an update, which need not change any kW', async () => {
    const { transactionId, orderId } = await buy(bench, buyer, ask);
    await bench.settle();
    const items = [{ itemId: `ev-charger.${ask.feeder}`, kw: 40 }];
    const send = async (excludedDerIds: readonly string[]) => {
      const messageId = bench.world.newId();
      const message = encodeUpdate({ orderId, items, excludedDerIds });
      await buyer.send('update', message, { transactionId, messageId });
      const answer = await bench.world.next(
        'on_update',
        transactionId,
        (body) => body.context.message_id === messageId,
      );
      await bench.settle();
      return answer;
    };
    bench.fleet.received.length = 0;
    const answer = decodeOnUpdate((await send([derId(2)])) as never);
    expect(answer.changed).to.include({ revision: 1, committedKw: 40 });
    expect(released()).to.deep.equal([derId(2)]);
    expect(commanded()).to.have.length(1);
    const serving = reports(bench, transactionId)
      .at(-1)
      ?.devices?.map((one) => one.derId);
    expect(serving).to.have.length(7);
    expect(serving).to.not.include(derId(2));

    // Six of the seven go, three others are left: it stays as it is, and so does the relief.
    bench.fleet.received.length = 0;
    const refused = await send(serving!.slice(0, 6));
    expect(refused.error?.code).to.equal('40002');
    expect(refused.error?.message).to.match(/kW more of .* are needed, .* kW are free/);
    expect(bench.fleet.received).to.deep.equal([]);
  });
});
