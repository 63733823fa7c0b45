import type { OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  decodeOnSupport,
  decodeOnTrack,
  encodeCancel,
  encodeRating,
  encodeSupport,
  encodeTrack,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { feederOf } from '../testing/portfolio.ts';
import { buy } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

const SUPPORT = { phone: '+441632960188', email: 'operations@example.com' };
const HALF_HOUR_MS = 1_800_000;

describe('an order beside buying it', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let stranger: Buyer;
  let order: Awaited<ReturnType<typeof buy>>;

  before(async () => {
    bench = await openBench({ ders: 10, feeders: 1 });
    service = await bench.start({}, { support: SUPPORT });
    [buyer, stranger] = [bench.world.bap('dso-1'), bench.world.bap('stranger-1')];
    await bench.report();
    const startMs = bench.grid.nowMs();
    order = await buy(bench, buyer, {
      feeder: feederOf(0),
      kw: 20,
      window: { startMs, endMs: startMs + HALF_HOUR_MS },
    });
    await bench.settle();
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  async function ask(action: 'track' | 'rating' | 'support' | 'cancel', message: object, by = buyer) {
    const before = bench.world.callbacks.length;
    await by.send(action, message, { transactionId: order.transactionId });
    await bench.until(`on_${action}`, () => bench.world.callbacks.length > before);
    return bench.world.callbacks.at(-1)!;
  }
  const nobodys = 'order-of-nobody' as OrderId;

  it('track: it is followed at a document that its BAP alone may read', async () => {
    const { status, url } = decodeOnTrack((await ask('track', encodeTrack(order.orderId))) as never);
    expect(status).to.equal('active');
    const path = new URL(url!).pathname.replace(/^\/beckn/, '');
    const live = await buyer.document(path);
    expect(live.status).to.equal(200);
    const document = JSON.parse(live.text);
    expect(validateRecord('live-order', document)).to.deep.equal({ valid: true });
    expect(document).to.include({ order_id: order.orderId, state: 'IN_PROGRESS', committed_kw: 20 });
    expect(document.acknowledged_kw).to.be.at.least(20);
    const [refused, unknown] = [await stranger.document(path), await stranger.document(`/live/${nobodys}`)];
    expect(refused.status).to.equal(404);
    expect(refused.text).to.equal(unknown.text);
  });

  it('support: the contact that is configured', async () => {
    const answer = decodeOnSupport((await ask('support', encodeSupport(order.orderId))) as never);
    expect(answer).to.deep.equal({ orderId: order.orderId, contact: SUPPORT });
  });

  it('another BAP, and an order that never was, get the same answer', async () => {
    for (const action of ['track', 'support', 'rating'] as const) {
      const about = (id: OrderId) =>
        action === 'track'
          ? encodeTrack(id)
          : action === 'support'
            ? encodeSupport(id)
            : encodeRating({ orderId: id, value: 1 });
      const [foreign, unknown] = [await ask(action, about(order.orderId), stranger), await ask(action, about(nobodys))];
      expect(foreign.error, action).to.deep.equal(unknown.error).and.include({ code: '30010' });
    }
  });

  it('rating: not before it is completed', async () => {
    const early = await ask('rating', encodeRating({ orderId: order.orderId, value: 5 }));
    expect(early.error).to.include({
      code: 'ORD_STATE',
      message: 'the order is IN_PROGRESS: rate it when it is completed',
    });
    const { window } = order.firm!;
    for (let atMs = bench.grid.nowMs(); atMs <= window.endMs; atMs += 300_000) {
      await bench.advance(atMs);
      await bench.report();
    }
    await bench.advance(window.endMs + 90_000);
    const rated = await ask('rating', encodeRating({ orderId: order.orderId, value: 4.5 }));
    expect(rated).to.not.have.property('error');
    expect(rated.message).to.deep.equal({});
    expect(bench.context.metrics.total('bpp_ratings', { value: '5' })).to.equal(1);
  });

  it('track: over, it is not followed any more', async () => {
    const { status, url } = decodeOnTrack((await ask('track', encodeTrack(order.orderId))) as never);
    expect([status, url]).to.deep.equal(['inactive', undefined]);
    expect(
      (await ask('cancel', encodeCancel({ orderId: order.orderId, reasonId: '4', note: 'late' }))).error?.code,
    ).to.equal('50001');
  });
});
