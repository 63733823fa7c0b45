import { INBOUND_STEPS } from '@flexder/protocol/beckn/inbound.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { expect } from 'chai';
import { knowsExchange } from '../flex-orchestration/orders/orders.ts';
import { aggregator } from '../testing/aggregator.ts';
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { Trade } from '../testing/trade.ts';
import { type KnowsExchange, stepsWithExchange } from './exchange.ts';

type Run = ReturnType<typeof stepsWithExchange>[number]['run'];
type State = Parameters<Run>[0];
type Deps = Parameters<Run>[1];

describe('callbacks before their acknowledgement', () => {
  let db: TestDatabase;
  let trade: Trade;
  before(async () => {
    db = await openTestDatabase();
    trade = await Trade.open(db.database, { a: aggregator('a') });
    trade.sample(1_020);
    await trade.settle();
  });
  after(async () => {
    await trade.close();
    await db.close();
  });
  const ask = (knows: KnowsExchange | undefined, action: string, transactionId: string, signer: string) => {
    const { run } = stepsWithExchange(systemWallClock(), () => knows).find((step) => step.name === 'exchange')!;
    const state = {
      request: { action, headers: {}, body: undefined },
      credentials: [{ by: 'sender', parsed: { subscriberId: signer } }],
      value: { context: { transaction_id: transactionId } },
    } as unknown as State;
    return run(state, {} as Deps);
  };
  const known: KnowsExchange = (...exchange) => knowsExchange(db.database, ...exchange);

  it('the step stands behind everything that proves the sender and before anything is stored', () => {
    const names = stepsWithExchange(systemWallClock(), () => known).map((step) => step.name);
    expect(names.filter((name) => name !== 'exchange')).to.deep.equal(INBOUND_STEPS.map((step) => step.name));
    expect(names.indexOf('exchange')).to.be.above(names.indexOf('freshness'));
    expect(names.indexOf('exchange')).to.equal(names.indexOf('idempotency') - 1);
  });

  it('what was asked for passes: any catalogue of a search, an order’s callback of its own BPP', async () => {
    const { transactionId } = trade.actions('search')[0]!;
    expect(await ask(known, 'on_search', transactionId, 'a')).to.equal(undefined);
    expect(await ask(known, 'on_search', transactionId, 'newcomer')).to.equal(undefined);
    expect(await ask(known, 'on_confirm', transactionId, 'a')).to.equal(undefined);
  });

  it('what was not is refused as unknown: another transaction, another BPP', async () => {
    const { transactionId } = trade.actions('search')[0]!;
    for (const [action, transaction, signer] of [
      ['on_search', 'no-such-transaction', 'a'],
      ['on_confirm', 'no-such-transaction', 'a'],
      ['on_confirm', transactionId, 'b'],
      ['on_status', transactionId, 'b'],
    ] as const) {
      expect(await ask(known, action, transaction, signer), `${action} ${signer}`).to.deep.include({
        accepted: false,
        code: 'ORD_UNKNOWN',
        status: 400,
      });
    }
  });

  it('a database that does not answer is a 503 too, and the sender does not wait for it', async () => {
    const hanging: KnowsExchange = () => new Promise(() => {});
    const refusal = await ask(hanging, 'on_search', 't', 'a');
    expect(refusal).to.deep.include({ code: 'NET_DOWNSTREAM_UNAVAILABLE', status: 503, reason: 'store' });
    expect(String(refusal && 'cause' in refusal && refusal.cause)).to.include('no answer within');
  });

  it('a database that is away is a 503, and a service that is not up lets nothing through', async () => {
    const away: KnowsExchange = () => Promise.reject(new Error('away'));
    expect(await ask(away, 'on_search', 't', 'a')).to.deep.include({ code: 'NET_DOWNSTREAM_UNAVAILABLE', status: 503 });
    expect(await ask(undefined, 'on_search', 't', 'a')).to.deep.include({ code: 'INTERNAL' });
  });
});
