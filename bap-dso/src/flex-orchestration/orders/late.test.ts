import { Activity } from '@flexder/runtime/activity.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { ANSWER_WAITS, BEHIND_MS } from '../../limits.ts';
import { aggregator } from '../../testing/aggregator.ts';
import type { Trade } from '../../testing/trade.ts';
import { states, useTrades } from '../../testing/trades.ts';
import { Deadlines } from './deadlines.ts';

const WAIT_MS = 1_000;

describe('an answer that is late', () => {
  const { open } = useTrades();

  const tables = (trade: Trade) => trade.database as unknown as Kysely<ParticipantTables>;
  /** Acknowledged, and not handled yet. */
  async function store(trade: Trade, signer: string): Promise<void> {
    const [order] = await trade.orders();
    await tables(trade).deleteFrom('inbound_message').execute();
    await tables(trade)
      .insertInto('inbound_message')
      .values({
        ...{ signer, action: 'on_confirm', message_id: 'm', sha256: '', body: '{}', signature: '', state: 'stored' },
        ...{ transaction_id: order!.transaction_id, received_at: new Date(trade.wall.nowMs()) },
      })
      .execute();
  }
  async function awaited(): Promise<Trade> {
    const trade = await open({ a: aggregator('a', { silentOn: ['confirm', 'cancel'] }) });
    trade.sample(1_020);
    await trade.settle();
    return trade;
  }
  async function passWait(trade: Trade): Promise<void> {
    trade.wall.pass(WAIT_MS);
    await trade.settle();
  }

  it('is no reason to withdraw the order while it lies here unhandled, for a bound', async () => {
    const trade = await awaited();
    await store(trade, 'a');
    for (let waits = 1; waits < ANSWER_WAITS; waits++) {
      await passWait(trade);
      expect(await states(trade), `after ${waits} waits`).to.deep.equal(['a CONFIRMING']);
    }
    expect(trade.actions('cancel')).to.have.length(0);
    await passWait(trade);
    expect(await states(trade)).to.deep.equal(['a CANCELLING']);
  });

  it('is one when what lies here was handled, or is of somebody else', async () => {
    for (const signer of ['a', 'b']) {
      const trade = await awaited();
      await store(trade, signer);
      if (signer === 'a') await tables(trade).updateTable('inbound_message').set({ state: 'handled' }).execute();
      await passWait(trade);
      expect(await states(trade), signer).to.deep.equal(['a CANCELLING']);
    }
  });
});

describe('a wait for an answer', () => {
  let nowMs = 0;
  let timers: (() => void)[] = [];
  let late: boolean[] = [];
  let again: string[] = [];
  const deadlines = () => {
    const wall = {
      monotonicMs: () => nowMs,
      after: (_ms: number, run: () => void) => {
        timers.push(run);
        return () => {};
      },
    };
    const context = { wall, activity: new Activity(), metrics: { count: (name: string) => again.push(name) } };
    return new Deadlines(context as unknown as Context, async (_, mayHaveCome) => {
      late.push(mayHaveCome);
      return false;
    });
  };
  const fire = async (afterMs: number) => {
    nowMs += afterMs;
    timers.pop()!();
    await new Promise(setImmediate);
  };
  beforeEach(() => {
    [nowMs, timers, late, again] = [0, [], [], []];
  });

  it('is over when it is due', async () => {
    deadlines().expect('order', WAIT_MS);
    await fire(WAIT_MS + BEHIND_MS);
    expect([late, again]).to.deep.equal([[true], []]);
  });

  it('is waited again when this process overslept it, for a bound', async () => {
    deadlines().expect('order', WAIT_MS);
    for (let waits = 1; waits < ANSWER_WAITS; waits++) await fire(WAIT_MS + BEHIND_MS + 1);
    expect(late).to.deep.equal([]);
    expect(again).to.have.length(ANSWER_WAITS - 1);
    await fire(WAIT_MS + BEHIND_MS + 1);
    expect(late).to.deep.equal([false]);
  });
});
