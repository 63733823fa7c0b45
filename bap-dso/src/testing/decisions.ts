/** Trades in which somebody decides, and what was decided in them. */
import type { BapConfigInput } from '../config.ts';
import { handsOf } from '../flex-orchestration/decisions/by-hand.ts';
import type { Script, Trade } from './trade.ts';
import { both, overload, useTrades } from './trades.ts';

export type Modes = NonNullable<BapConfigInput['modes']>;
export const HAND = { by: 'olga', reason: 'the crew is on the line' };

/** Within a suite: trades whose feeder was calm for a while, and is beyond its limit now. */
export function useDecisions() {
  const { open, restarted } = useTrades();
  const overloaded = async (
    modes: Modes,
    bpps: Record<string, Script> = both(),
    changes: Partial<BapConfigInput> = {},
  ) => {
    const trade = await open(bpps, { modes, ...changes });
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
    return trade;
  };
  return { open, overloaded, restarted };
}

/** It ends when the catalogues are in, which come while it settles. */
export const bought = async (trade: Trade, id: string, wanted: { kw: number; emergency: boolean }) => {
  const buying = handsOf(trade.desk).buy(id, wanted, HAND);
  await trade.settle();
  await buying;
  await trade.settle();
};
export const eventId = async (trade: Trade) => (await overload(trade)).event_id;
export const decisions = (trade: Trade) =>
  trade.database.selectFrom('decision').selectAll().orderBy('made_wall_at').execute();
export const alarms = (trade: Trade, kind: string) =>
  trade.auditsOf('alarm.raised').filter(({ code }) => code === kind);
export const requested = async (trade: Trade) => (await trade.orders()).map(({ requested_kw }) => requested_kw);
