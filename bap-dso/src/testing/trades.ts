/** Trades of one test file: a database for all of them, each closed after its test. */
import type { BapConfigInput } from '../config.ts';
import { aggregator } from './aggregator.ts';
import { openTestDatabase, type TestDatabase } from './test-database.ts';
import { type Script, Trade } from './trade.ts';

export interface Trades {
  open(bpps: Record<string, Script>, changes?: Partial<BapConfigInput>): Promise<Trade>;
  /** Ends the DSO's process and starts another on what it left, at the same grid time. */
  restarted(trade: Trade, bpps: Record<string, Script>, changes?: Partial<BapConfigInput>): Promise<Trade>;
}

/** To be called in a `describe`. */
export function useTrades(): Trades {
  let db: TestDatabase;
  const opened: Trade[] = [];
  before(async () => {
    db = await openTestDatabase();
  });
  after(async () => db.close());
  afterEach(async () => {
    for (const trade of opened.splice(0)) await trade.close();
  });
  return {
    async open(bpps, changes = {}) {
      const trade = await Trade.open(db.database, bpps, changes);
      opened.push(trade);
      return trade;
    },
    async restarted(trade, bpps, changes = {}) {
      await trade.close();
      const again = await Trade.on(db.database, bpps, changes);
      opened.push(again);
      await again.grid.advanceTo(trade.grid.nowMs());
      await again.events.resume();
      await again.settle();
      return again;
    },
  };
}

/** Each order as its aggregator and state, sorted. */
export const states = async (trade: Trade) =>
  (await trade.orders()).map(({ bpp_id, state }) => `${bpp_id} ${state}`).sort();

export const overload = async (trade: Trade) => (await trade.overloads())[0]!;

/** Two aggregators, the second dearer. */
export const both = () => ({ a: aggregator('a'), b: aggregator('b', { offer: { priceGbpPerKwh: 0.5 } }) });
