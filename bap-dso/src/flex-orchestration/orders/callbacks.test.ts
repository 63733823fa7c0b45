import { expect } from 'chai';
import { aggregator, dispatched, orderIdOf, statusOf } from '../../testing/aggregator.ts';
import type { Trade } from '../../testing/trade.ts';
import { useTrades } from '../../testing/trades.ts';

/** What these tests change of an on_confirm. */
interface Confirmed {
  readonly fulfillments: readonly {
    readonly tags: readonly { readonly list: readonly { descriptor: { code: string }; value: string }[] }[];
  }[];
  readonly quote: { readonly price: { value: string } };
}

describe('callbacks of a trade', () => {
  const { open } = useTrades();
  const confirming = async () => {
    const trade = await open({ a: aggregator('a', { silentOn: ['confirm'] }) });
    trade.sample(1_020);
    await trade.settle();
    const [order] = await trade.orders();
    expect(order!.state).to.equal('CONFIRMING');
    return { trade, order: order!, confirmed: aggregator('a')(trade.actions('confirm')[0]!, trade)! };
  };
  const dump = async (trade: Trade) => JSON.stringify([await trade.orders(), await trade.overloads()]);

  it('bpp_cannot_answer_an_order_of_another_bpp', async () => {
    const { trade, order, confirmed } = await confirming();
    const before = await dump(trade);
    await trade.callback('b', 'on_confirm', order.transaction_id, confirmed);
    expect(await dump(trade)).to.equal(before);
    expect(trade.auditsOf('beckn.quarantined')).to.have.length(1);
    await trade.callback('a', 'on_confirm', order.transaction_id, confirmed);
    expect((await trade.orders())[0]!.state).to.equal('SCHEDULED');
  });

  for (const action of ['on_search', 'on_select', 'on_init', 'on_confirm', 'on_status', 'on_cancel'] as const) {
    it(`${action} of a transaction nobody began creates nothing and is quarantined`, async () => {
      const { trade, confirmed } = await confirming();
      const before = await dump(trade);
      await trade.callback('a', action, 'no-such-transaction', confirmed);
      expect(await dump(trade)).to.equal(before);
      expect(trade.auditsOf('beckn.quarantined')[0]).to.deep.include({
        code: 'ORD_UNKNOWN',
        beckn_action: action,
        counterparty_id: 'a',
      });
      expect(trade.metrics.total('bap_quarantined_total', { action })).to.equal(1);
    });
  }

  it('an on_confirm of another order id or of other references is quarantined', async () => {
    const { trade, order, confirmed } = await confirming();
    const before = await dump(trade);
    const text = JSON.stringify(confirmed);
    const otherOrder = JSON.parse(text.replaceAll(orderIdOf(order.transaction_id, 'a'), 'order-of-someone'));
    const otherObp = JSON.parse(text.replaceAll(order.obp_id, 'obp-of-someone'));
    await trade.callback('a', 'on_confirm', order.transaction_id, otherOrder);
    await trade.callback('a', 'on_confirm', order.transaction_id, otherObp);
    expect(await dump(trade)).to.equal(before);
    expect(trade.auditsOf('beckn.quarantined').map(({ decision }) => decision)).to.deep.equal([
      'other-order',
      'other-references',
    ]);
  });

  const overreaches: readonly [name: string, change: (order: Confirmed) => void, reason: RegExp][] = [
    [
      'more kW than were agreed',
      ({ fulfillments }) => {
        const tag = fulfillments[0]!.tags[0]!.list.find(({ descriptor }) => descriptor.code === 'committed-kw')!;
        tag.value = String(Number(tag.value) + 0.001);
      },
      /commits to [\d.]+ kW, agreed were [\d.]+/,
    ],
    [
      'a higher price',
      ({ quote }) => {
        quote.price.value = String(Number(quote.price.value) + 0.01);
      },
      /confirmed for [\d.]+ GBP, agreed were [\d.]+/,
    ],
    [
      'a commitment that is no number',
      ({ fulfillments }) => {
        fulfillments[0]!.tags[0]!.list[0]!.value = 'much';
      },
      /on_confirm says what cannot be/,
    ],
  ];
  for (const [name, change, reason] of overreaches) {
    it(`an on_confirm with ${name} is withdrawn: who sent it may be bound`, async () => {
      const { trade, order, confirmed } = await confirming();
      const cancels = trade.actions('cancel').length;
      const bad = structuredClone(confirmed) as unknown as { message: { order: Confirmed } };
      change(bad.message.order);
      await trade.callback('a', 'on_confirm', order.transaction_id, bad as never);
      const [after] = await trade.orders();
      expect(after!.state_reason).to.match(reason);
      expect(['SCHEDULED', 'IN_PROGRESS']).not.to.include(after!.state);
      expect(after!.committed_kw).to.equal(0);
      expect(trade.actions('cancel').length - cancels).to.equal(1);
    });
  }

  it('an on_confirm may commit to less', async () => {
    const { trade, order, confirmed } = await confirming();
    const less = structuredClone(confirmed) as unknown as { message: { order: Confirmed } };
    const tag = less.message.order.fulfillments[0]!.tags[0]!.list.find(
      ({ descriptor }) => descriptor.code === 'committed-kw',
    )!;
    tag.value = '1';
    await trade.callback('a', 'on_confirm', order.transaction_id, less as never);
    expect((await trade.orders())[0]).to.include({ state: 'SCHEDULED', committed_kw: 1 });
  });

  it('the same callback five times has one effect', async () => {
    const { trade, order, confirmed } = await confirming();
    for (let i = 0; i < 5; i++) await trade.callback('a', 'on_confirm', order.transaction_id, confirmed);
    await trade.settle();
    expect(
      trade.auditsOf('order.changed').filter(({ decision }) => String(decision).endsWith('SCHEDULED')),
    ).to.have.length(1);
  });

  it('on_confirm, two reports and an on_init that comes again end the same in each of their 24 orders', async () => {
    const ends = new Set<string>();
    for (const permutation of permutations([0, 1, 2, 3])) {
      const { trade, order, confirmed } = await confirming();
      const meterReference = { path: '/meter/x', sha256: 'a'.repeat(64), rows: 1 };
      const callbacks = [
        ['on_confirm', confirmed],
        [
          'on_status',
          statusOf(trade, order, 'IN_PROGRESS', {
            dispatch: dispatched(trade, { closed: false, accepted: 3, silent: 5 }),
          }),
        ],
        ['on_status', statusOf(trade, order, 'COMPLETED', { dispatch: dispatched(trade), meterReference })],
        ['on_init', aggregator('a')(trade.actions('init')[0]!, trade)!],
      ] as const;
      for (const index of permutation) {
        const [action, answer] = callbacks[index]!;
        await trade.callback('a', action, order.transaction_id, answer);
      }
      const [after] = await trade.orders();
      ends.add(
        JSON.stringify([
          after!.state,
          after!.committed_kw,
          after!.dispatch,
          after!.meter_reference?.rows,
          trade.jobs.length,
        ]),
      );
      await trade.close();
    }
    expect([...ends]).to.have.length(1);
    expect([...ends][0]).to.contain('"COMPLETED",70');
  });

  it('what cannot be said of an order any more is refused, with a record', async () => {
    const trade = await open({ a: aggregator('a', { refuses: ['select'] }) });
    trade.sample(1_020);
    await trade.settle();
    const [order] = await trade.orders();
    const late = aggregator('a')(trade.actions('select')[0]!, trade)!;
    await trade.callback('a', 'on_select', order!.transaction_id, late);
    expect((await trade.orders())[0]!.state).to.equal('DECLINED');
    expect(trade.auditsOf('beckn.refused')[0]).to.deep.include({ code: 'ORD_STATE' });
  });

  it('a confirmation after its own refusal is refused, and cancelled so that no device is held for it', async () => {
    const trade = await open({ a: aggregator('a', { refuses: ['confirm'] }) });
    trade.sample(1_020);
    await trade.settle();
    const [order] = await trade.orders();
    expect([order!.state, trade.actions('cancel')]).to.deep.equal(['DECLINED', []]);
    await trade.callback(
      'a',
      'on_confirm',
      order!.transaction_id,
      aggregator('a')(trade.actions('confirm')[0]!, trade)!,
    );
    await trade.settle();
    expect((await trade.orders())[0]!.state).to.equal('DECLINED');
    expect(trade.auditsOf('beckn.refused')[0]).to.deep.include({ code: 'ORD_STATE' });
    expect(trade.actions('cancel')).to.have.length(1);
  });
});

function permutations(all: readonly number[]): number[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((one) => permutations(all.filter((other) => other !== one)).map((rest) => [one, ...rest]));
}
